// Runs a query with context.bySegment: each segment by itself, its pieces on this node together. Part of run-query.ts.
// Source: druid-query-api.md 13.

import { intersect, type Interval } from '../../../core/model/interval.ts';
import { segmentQuery } from '../by-segment.ts';
import type { Query } from '../model.ts';
import type { Partial, SegmentsPartial } from '../partial.ts';
import type { QueryPiece } from './piece.ts';

/** How one segment is asked. */
type Run = (query: Query, pieces: readonly QueryPiece[]) => Generator<Partial | undefined, Partial>;

/** Runs `run` for each segment of the pieces and each interval that it answers for. */
export function* runSegments(
  query: Query,
  pieces: readonly QueryPiece[],
  run: Run,
): Generator<Partial | undefined, SegmentsPartial> {
  const parts: SegmentsPartial['parts'][number][] = [];
  for (const [segment, own] of Map.groupBy(pieces, ({ view }) => view.segmentId)) {
    const intervals = new Map<string, { interval: Interval; pieces: QueryPiece[] }>();
    for (const piece of own) {
      for (const asked of piece.intervals) {
        const interval = intersect(asked, piece.view.interval);
        if (interval === undefined) continue;
        const key = `${interval.startMs}/${interval.endMs}`;
        const together = intervals.get(key) ?? { interval, pieces: [] };
        together.pieces.push({ ...piece, intervals: [interval] });
        intervals.set(key, together);
      }
    }
    for (const { interval, pieces: together } of intervals.values()) {
      const partial = yield* run(segmentQuery(query, interval), together);
      const startMs = together[0]?.view.interval.startMs ?? interval.startMs;
      parts.push({ segment, startMs, interval, partial });
    }
  }
  return { kind: 'segments', parts };
}
