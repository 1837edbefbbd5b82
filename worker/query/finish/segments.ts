// Finishes a query with context.bySegment: an element for each segment and interval, in order of time.
// Source: druid-query-api.md 13.

import { formatInterval } from '../../../core/model/interval.ts';
import { sameSegments, segmentQuery } from '../by-segment.ts';
import { mergePartials } from '../merge.ts';
import type { Query } from '../model.ts';
import type { Partial, SegmentsPartial } from '../partial.ts';
import { compareText } from '../value.ts';
import { bucketWriter } from './json.ts';

/**
 * JSON elements.
 *
 * @param finish elements of one segment's result; `atMs` is the start of its segment
 */
export function* segmentElements(
  query: Query,
  { parts }: SegmentsPartial,
  finish: (query: Query, partial: Partial, atMs: number) => Iterable<string>,
): Generator<string> {
  const write = bucketWriter({ type: 'all' }, query.context);
  const sign = query.queryType === 'timeseries' && query.descending ? -1 : 1;
  const ordered = sameSegments(parts)
    .flatMap((same) => (same[0] === undefined ? [] : [{ ...same[0], same }]))
    .toSorted(
      (a, b) =>
        sign * (a.interval.startMs - b.interval.startMs) || compareText(a.segment, b.segment),
    );
  for (const { segment, startMs, interval, same } of ordered) {
    const asked = segmentQuery(query, interval);
    const partial = mergePartials(
      asked,
      same.map((part) => part.partial),
    );
    // Rows of a groupBy under `all` carry the start of the whole query.
    const shown = asked.queryType === 'groupBy' ? { ...asked, intervals: query.intervals } : asked;
    const isNothing =
      asked.queryType === 'groupBy' && partial.kind === 'groups' && partial.size === 0;
    const results = isNothing ? [] : [...finish(shown, partial, startMs)];
    yield `{"timestamp":${write(interval.startMs)},"result":{"results":[${results.join(',')}],"segment":${JSON.stringify(segment)},"interval":"${formatInterval(interval)}"}}`;
  }
}
