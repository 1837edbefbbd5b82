// Checks a segment against everything Druid assumes of one, by reading all of it: bitmaps against ids, dictionary
// order, time within the interval, row order, rollup. Behind `sluice segment validate`; names the first defect.
// Source: druid-segment-format.md 4.

import { checkObject } from '../../core/complex/complex-kind.ts';
import { formatInterval } from '../../core/model/interval.ts';
import { isFailure, messageOf } from '../../core/runtime/failure.ts';
import {
  type Column,
  type ComplexColumn,
  type IdLists,
  type StringColumn,
  VECTOR_ROWS,
} from '../view/view.ts';
import { BlockCache } from './block-cache.ts';
import { openSegment, type SegmentView } from './reader.ts';
import { checkRowOrder } from './validate-order.ts';

/** What {@link validateSegment} finds. */
export type SegmentVerdict =
  | { readonly ok: true; readonly rows: number }
  | { readonly ok: false; readonly defect: string };

/** Decoded blocks kept while one segment is read from front to back. */
const CACHE_BYTES = 64 << 20;

/** Reads everything. @throws Failure `transient` SegmentUnreadable only; all else is a verdict */
export async function validateSegment(dir: string): Promise<SegmentVerdict> {
  let view: SegmentView | undefined;
  try {
    view = await openSegment(dir, 'validate', { cache: new BlockCache(CACHE_BYTES) });
    const defect = firstDefect(view);
    return defect === undefined ? { ok: true, rows: view.rows } : { ok: false, defect };
  } catch (error) {
    if (isFailure(error, 'corrupt')) return { ok: false, defect: messageOf(error) };
    throw error;
  } finally {
    view?.close();
  }
}

function firstDefect(view: SegmentView): string | undefined {
  const time = timeDefect(view);
  if (time !== undefined) return time;
  for (const name of [...view.dimensions, ...view.metrics]) {
    const column = readableColumn(view, name);
    const defect = column === undefined ? undefined : columnDefect(column, view.rows);
    if (defect !== undefined) return `column '${name}': ${defect}`;
  }
  for (const { name } of view.metadata.aggregators ?? []) {
    if (!view.metrics.includes(name))
      return `metadata names aggregator '${name}', which has no column`;
  }
  return checkRowOrder(view, (name) => readableColumn(view, name));
}

/** The column, or undefined for layouts we do not read, which are no defect. */
function readableColumn(view: SegmentView, name: string): Column | undefined {
  try {
    return view.column(name);
  } catch (error) {
    if (isFailure(error, 'input')) return undefined;
    throw error;
  }
}

function timeDefect(view: SegmentView): string | undefined {
  const times = new Float64Array(VECTOR_ROWS);
  const { startMs, endMs } = view.interval;
  let previous = -Infinity;
  for (let from = 0; from < view.rows; from += VECTOR_ROWS) {
    const count = Math.min(VECTOR_ROWS, view.rows - from);
    view.readTimes(from, count, times);
    for (let i = 0; i < count; i++) {
      const time = times[i]!;
      if (time < startMs || time >= endMs) {
        return `__time ${time} of row ${from + i} is outside ${formatInterval(view.interval)}`;
      }
      if (view.timeSorted && time < previous) return `__time goes back at row ${from + i}`;
      previous = time;
    }
  }
  return undefined;
}

function columnDefect(column: Column, rows: number): string | undefined {
  if (column.kind === 'string') return stringDefect(column, rows);
  if (column.kind === 'complex') return objectDefect(column, rows);
  const nulls = new Uint8Array(VECTOR_ROWS);
  const doubles = new Float64Array(VECTOR_ROWS);
  let found = 0;
  for (let from = 0; from < rows; from += VECTOR_ROWS) {
    const count = Math.min(VECTOR_ROWS, rows - from);
    column.readDoubles(from, count, doubles);
    if (!column.readNulls(from, count, nulls)) continue;
    for (let i = 0; i < count; i++) {
      if (nulls[i] === 0) continue;
      found++;
      if (doubles[i] !== 0) return `row ${from + i} is null but holds ${doubles[i]}`;
    }
  }
  return column.hasNulls && found === 0 ? 'its null bitmap has no rows' : undefined;
}

function objectDefect(column: ComplexColumn, rows: number): string | undefined {
  for (let row = 0; row < rows; row++) {
    const bytes = column.readBytes(row);
    if (bytes === undefined) continue;
    try {
      checkObject(column.typeName, bytes);
    } catch (error) {
      if (isFailure(error, 'corrupt')) return `row ${row}: ${messageOf(error)}`;
      throw error;
    }
  }
  return undefined;
}

function stringDefect(column: StringColumn, rows: number): string | undefined {
  return (
    dictionaryDefect(column) ??
    (column.hasBitmaps ? bitmapDefect(column, rows) : idDefect(column, rows))
  );
}

function dictionaryDefect({ dictionary }: StringColumn): string | undefined {
  if (!dictionary.sorted) return 'its dictionary is not marked as sorted';
  let previous: string | null = null;
  for (let id = 0; id < dictionary.size; id++) {
    const value = dictionary.value(id);
    if (value === null && id > 0) return `null is dictionary entry ${id}, it may only be entry 0`;
    if (previous !== null && value !== null && value <= previous) {
      return `dictionary entry ${id} is not above the one before`;
    }
    previous = value;
  }
  return undefined;
}

/** Reads every row; ids beyond the dictionary are corrupt, empty lists need a null entry. */
function idDefect(column: StringColumn, rows: number): string | undefined {
  return eachList(column, rows, () => undefined);
}

/**
 * Bitmaps against ids: rows are grouped by entry, each bitmap is expanded, its expected rows are looked for and
 * cleared. Equal counts and all found make the sets equal; what is left set at the end was in no row's list.
 */
function bitmapDefect(column: StringColumn, rows: number): string | undefined {
  const { size } = column.dictionary;
  const starts = new Int32Array(size + 1);
  const lastRow = new Int32Array(size).fill(-1);
  const count = eachList(column, rows, (id, row) => {
    if (lastRow[id] !== row) starts[id + 1]!++;
    lastRow[id] = row;
  });
  if (count !== undefined) return count;
  for (let id = 0; id < size; id++) starts[id + 1]! += starts[id]!;
  const grouped = new Int32Array(starts[size]!);
  const ends = starts.slice(0, size);
  lastRow.fill(-1);
  eachList(column, rows, (id, row) => {
    if (lastRow[id] !== row) grouped[ends[id]!++] = row;
    lastRow[id] = row;
  });
  const words = new Int32Array(Math.ceil(rows / 32));
  for (let id = 0; id < size; id++) {
    const expected = ends[id]! - starts[id]!;
    const stored = column.bitmapRows(id);
    if (stored !== expected) {
      return `the bitmap of entry ${id} has ${stored} rows, the ids say ${expected}`;
    }
    column.orBitmap(id, words);
    for (let k = starts[id]!; k < ends[id]!; k++) {
      const row = grouped[k]!;
      const bit = 1 << (row & 31);
      if ((words[row >> 5]! & bit) === 0) return `the bitmap of entry ${id} lacks row ${row}`;
      words[row >> 5]! &= ~bit;
    }
  }
  const extra = words.findIndex((word) => word !== 0);
  if (extra < 0) return undefined;
  return `a bitmap holds a row from ${32 * extra} on that has not its value`;
}

function eachList(
  column: StringColumn,
  rows: number,
  visit: (id: number, row: number) => void,
): string | undefined {
  const lists: IdLists = { offsets: new Int32Array(0), ids: new Int32Array(0) };
  const nullId = column.dictionary.idOf(null);
  for (let from = 0; from < rows; from += VECTOR_ROWS) {
    const count = Math.min(VECTOR_ROWS, rows - from);
    column.readIdLists(from, count, lists);
    for (let i = 0; i < count; i++) {
      const [start, end] = [lists.offsets[i]!, lists.offsets[i + 1]!];
      if (start === end) {
        if (nullId < 0)
          return `row ${from + i} has an empty list, but null is not in the dictionary`;
        visit(nullId, from + i);
      }
      for (let k = start; k < end; k++) visit(lists.ids[k]!, from + i);
    }
  }
  return undefined;
}
