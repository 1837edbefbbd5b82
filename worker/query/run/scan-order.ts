// Cutting and ordering scan batches. Fed by scan.ts and merge.ts. Source: druid-query-api.md 6.7.

import type { ScanQuery } from '../model.ts';
import type { ScanBatch, ScanPartial } from '../partial.ts';

/** Rows `skip .. skip+most-1` of the batches in their order. */
export function cutBatches(batches: readonly ScanBatch[], skip: number, most: number): ScanBatch[] {
  const out: ScanBatch[] = [];
  let seen = 0;
  for (const batch of batches) {
    const from = Math.min(Math.max(0, skip - seen), batch.size);
    const to = Math.min(batch.size, skip + most - seen);
    if (to > from) out.push(from === 0 && to === batch.size ? batch : sliceBatch(batch, from, to));
    seen += batch.size;
    if (seen >= skip + most) break;
  }
  return out;
}

function sliceBatch(batch: ScanBatch, from: number, to: number): ScanBatch {
  return {
    ...batch,
    size: to - from,
    times: batch.times.subarray(from, to),
    values: batch.values.map((column) => column.slice(from, to)),
  };
}

/** A row by batch and position. */
interface RowAt {
  readonly time: number;
  readonly batch: number;
  readonly row: number;
}

/** The first `most` rows in time order, as one batch; ties keep the order of the parts. */
export function mergeOrdered(
  parts: readonly ScanPartial[],
  query: ScanQuery,
  most: number,
): ScanBatch[] {
  const batches = parts.flatMap((part) => part.batches);
  const [first, ...others] = batches;
  if (first === undefined) return [];
  if (others.length === 0 && first.size <= most) return [first];
  const rows: RowAt[] = batches.flatMap((batch, b) =>
    Array.from(batch.times, (time, row) => ({ time, batch: b, row })),
  );
  const sign = query.order === 'descending' ? -1 : 1;
  rows.sort((a, b) => sign * (a.time - b.time) || a.batch - b.batch || a.row - b.row);
  const kept = rows.slice(0, most);
  const columns = query.columns ?? unionOf(batches.map((batch) => batch.columns));
  const places = batches.map((batch) => columns.map((column) => batch.columns.indexOf(column)));
  const merged: ScanBatch = {
    segmentId: first.segmentId,
    columns,
    types: columns.map((_, c) => typeOf(batches, places, c)),
    size: kept.length,
    times: Float64Array.from(kept, (row) => row.time),
    values: columns.map((_, c) =>
      kept.map(
        (row) => batches[row.batch]?.values[places[row.batch]?.[c] ?? -1]?.[row.row] ?? null,
      ),
    ),
  };
  return [merged];
}

function typeOf(
  batches: readonly ScanBatch[],
  places: readonly (readonly number[])[],
  column: number,
): string | null {
  for (const [b, batch] of batches.entries()) {
    const type = batch.types[places[b]?.[column] ?? -1] ?? null;
    if (type !== null) return type;
  }
  return null;
}

function unionOf(lists: readonly (readonly string[])[]): string[] {
  return [...new Set(lists.flat())];
}
