// Queries with context.bySegment: one result for each segment and interval instead of one of all. The same query is
// asked of each; its partial results travel side by side. Used by run, merge, codec and finish.
// Source: druid-query-api.md 13.

import type { Interval } from '../../core/model/interval.ts';
import type { Query } from './model.ts';
import type { SegmentsPartial } from './partial.ts';

/** The query as it is asked of one segment for one interval; what Druid does only over all segments is left out. */
export function segmentQuery(query: Query, interval: Interval): Query {
  const context = { ...query.context, bySegment: false };
  const asked = { ...query, context, intervals: [interval] };
  if (asked.queryType !== 'groupBy') return asked;
  const limitSpec = { limit: null, offset: 0, columns: [] };
  return { ...asked, having: null, limitSpec, subtotals: null, postAggregations: [] };
}

type SegmentPart = SegmentsPartial['parts'][number];

/** Parts of the same segment and interval together, in order of first appearance. */
export function sameSegments(parts: readonly SegmentPart[]): readonly (readonly SegmentPart[])[] {
  return [
    ...Map.groupBy(
      parts,
      ({ segment, interval }) => `${interval.startMs}/${interval.endMs}/${segment}`,
    ).values(),
  ];
}
