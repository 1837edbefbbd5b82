// index.drd: which columns a segment has, its interval and its bitmap type. Reader and writer.
// Source: druid-segment-format.md 1.3.
//
//   index.drd = names of stored columns, names of stored dimensions, i64 start, i64 end, [str bitmap JSON,
//               [all columns, all dimensions]]
//   In the last two lists null stands for the next stored name, and a name is an all-null column.

import type { Interval } from '../../core/model/interval.ts';
import { MAX_TIME_MS, MIN_TIME_MS } from '../../core/model/interval.ts';
import type { ReadContext } from './block-cache.ts';
import type { ByteWriter } from './byte-writer.ts';
import { readNames } from './indexed-container.ts';
import { writeNames } from './indexed-writer.ts';
import { Cursor } from './internal-file.ts';
import type { SegmentFiles } from './segment-files.ts';

/** The content of index.drd, all-null columns in their places. */
export interface SegmentIndex {
  /** Half-open. */
  readonly interval: Interval;
  readonly metrics: readonly string[];
  readonly dimensions: readonly string[];
}

/** Reads index.drd. @throws Failure `corrupt` */
export function readSegmentIndex(files: SegmentFiles, context: ReadContext): SegmentIndex {
  const file = files.file('index.drd');
  const cursor = new Cursor(file);
  const named = (list: readonly (string | null)[]): string[] =>
    list.map((name) => {
      if (name === null || name === '') throw file.corrupt(0, 'a column without a name');
      return name;
    });
  const columns = named(readNames(cursor, context, files));
  const dimensions = named(readNames(cursor, context, files));
  const startMs = Number(cursor.i64());
  const endMs = Number(cursor.i64());
  if (startMs > endMs) throw file.corrupt(cursor.position, `interval from ${startMs} to ${endMs}`);
  // Intervals beyond what a Date prints are eternity, as core/model clamps it.
  const interval = { startMs: Math.max(startMs, MIN_TIME_MS), endMs: Math.min(endMs, MAX_TIME_MS) };
  let allColumns = columns;
  let allDimensions = dimensions;
  if (cursor.remaining > 0) cursor.str('the bitmap type');
  if (cursor.remaining > 0) {
    const fill = (stored: readonly string[], list: readonly (string | null)[]): string[] => {
      const next = stored.values();
      return list.map((name) => {
        const found = name ?? next.next().value;
        if (found === undefined)
          throw file.corrupt(cursor.position, 'more columns than are stored');
        return found;
      });
    };
    allColumns = fill(columns, readNames(cursor, context, files));
    allDimensions = fill(dimensions, readNames(cursor, context, files));
  }
  const isDimension = new Set(allDimensions);
  const metrics = allColumns.filter((name) => !isDimension.has(name));
  const all = [...metrics, ...allDimensions];
  if (new Set(all).size !== all.length) throw file.corrupt(0, 'a column is listed twice');
  return { interval, metrics, dimensions: allDimensions };
}

/** Writes index.drd. `allNull` names the dimensions stored with the null part; `bitmapJson` is the bitmap type. */
export function writeSegmentIndex(
  out: ByteWriter,
  index: SegmentIndex,
  allNull: ReadonlySet<string>,
  bitmapJson: string,
): void {
  const stored = index.dimensions.filter((name) => !allNull.has(name));
  const marks = index.dimensions.map((name) => (allNull.has(name) ? name : null));
  writeNames(out, [...index.metrics, ...stored]);
  writeNames(out, stored);
  out.i64(BigInt(index.interval.startMs));
  out.i64(BigInt(index.interval.endMs));
  out.str(bitmapJson);
  writeNames(out, [...index.metrics.map(() => null), ...marks]);
  writeNames(out, marks);
}
