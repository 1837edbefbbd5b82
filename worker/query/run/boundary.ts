// First and last row time of one piece: from the view's own bounds where they decide, else by looking at rows
// from both ends. Fed by run-query.ts. Source: druid-query-api.md 6.1, 6.2.

import type { Pacer } from '../control.ts';
import { type Batch, Selection } from '../engine/selection.ts';
import { SourceSet } from '../engine/source.ts';
import type { TimeBoundaryQuery } from '../model.ts';
import type { BoundaryPartial } from '../partial.ts';
import type { QueryPiece } from './piece.ts';

/** Bounds of the matching rows. */
export function* boundaryOf(
  query: TimeBoundaryQuery,
  piece: QueryPiece,
  pacer: Pacer,
): Generator<undefined, BoundaryPartial> {
  const { view } = piece;
  if (view.rows === 0) return { kind: 'boundary', minMs: null, maxMs: null };
  const isWhole = piece.intervals.some(
    (i) => i.startMs <= view.minTimeMs && i.endMs > view.maxTimeMs,
  );
  if (query.filter === null && isWhole)
    return { kind: 'boundary', minMs: view.minTimeMs, maxMs: view.maxTimeMs };
  const sources = new SourceSet(view, query.virtualColumns, query.lookups);
  const selection = new Selection(sources, query.filter, piece.intervals);
  let minMs: number | null = null;
  let maxMs: number | null = null;
  for (const isDescending of view.timeSorted ? [false, true] : [false]) {
    for (const batch of selection.batches(isDescending)) {
      if (!batch.isEmpty) {
        const [least, most] = bounds(sources.times().doubles(), batch);
        minMs = Math.min(minMs ?? least, least);
        maxMs = Math.max(maxMs ?? most, most);
        if (view.timeSorted) break;
      }
      if (pacer.step()) yield undefined;
    }
  }
  return { kind: 'boundary', minMs, maxMs };
}

function bounds(times: Float64Array, { rows, count }: Batch): [number, number] {
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < count; i++) {
    const time = times[rows[i]!]!;
    if (time < least) least = time;
    if (time > most) most = time;
  }
  return [least, most];
}
