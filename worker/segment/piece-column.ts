// One input's part of an output column: ids of its own dictionary turned into merged ids, or numbers. What an
// input lacks reads as null; what it has in a narrower type is widened. Fed by views; read by the sort, the
// merge and the gatherers of a build.

import { Failure } from '../../core/runtime/failure.ts';
import {
  type Column,
  type Dictionary,
  type IdLists,
  type NumericColumn,
  type StringColumn,
  VECTOR_ROWS,
  type View,
} from '../view/view.ts';
import { pointAt } from '../view/byte-slice.ts';

/** The merged id of null, which sorts before all values. */
const NULL_ID = 0;

/** Merged ids of a string dimension of one input. */
export class PieceIds {
  readonly #column: StringColumn | undefined;
  /** Own id -> merged id. */
  readonly #remap: Int32Array;
  readonly #hasNull: boolean;
  readonly #handling: MultiValueHandling;
  readonly #lists: IdLists = { offsets: new Int32Array(0), ids: new Int32Array(0) };

  constructor(
    column: StringColumn | undefined,
    remap: Int32Array,
    hasNull: boolean,
    handling: MultiValueHandling,
  ) {
    this.#column = column;
    this.#remap = remap;
    this.#hasNull = hasNull;
    this.#handling = handling;
  }

  /** Merged ids of single values into `out[at..]`. */
  read(from: number, count: number, out: Int32Array, at: number): void {
    const column = this.#column;
    if (column === undefined) {
      out.fill(NULL_ID, at, at + count);
      return;
    }
    for (let done = 0; done < count; done += VECTOR_ROWS) {
      const n = Math.min(VECTOR_ROWS, count - done);
      const target = out.subarray(at + done, at + done + n);
      if (column.multi) this.#readFirsts(column, from + done, n, target);
      else {
        column.readIds(from + done, n, target);
        for (let i = 0; i < n; i++) target[i] = this.#remap[target[i]!]!;
      }
    }
  }

  /**
   * Lists of merged ids, in the order the column asks for; a list of nulls alone is one null, so that which of
   * two equal rows is kept does not decide the layout. `count` is at most VECTOR_ROWS.
   */
  readLists(from: number, count: number, out: IdLists): void {
    if (this.#column === undefined) {
      if (out.offsets.length < count + 1) out.offsets = new Int32Array(count + 1);
      if (out.ids.length < count) out.ids = new Int32Array(count);
      for (let i = 0; i <= count; i++) out.offsets[i] = i;
      out.ids.fill(NULL_ID, 0, count);
      return;
    }
    this.#column.readIdLists(from, count, out);
    const { offsets, ids } = out;
    for (let i = 0; i < offsets[count]!; i++) ids[i] = this.#remap[ids[i]!]!;
    orderLists(out, count, this.#handling, this.#hasNull);
  }

  #readFirsts(column: StringColumn, from: number, n: number, target: Int32Array): void {
    column.readIdLists(from, n, this.#lists);
    const { offsets, ids } = this.#lists;
    for (let i = 0; i < n; i++) {
      const start = offsets[i]!;
      target[i] = offsets[i + 1] === start ? NULL_ID : this.#remap[ids[start]!]!;
    }
  }
}

/** How a list of values is stored. */
export type MultiValueHandling = 'sorted_array' | 'sorted_set' | 'array';

/** Sorts each list or not, drops repeated ids or not, and closes the gaps. */
function orderLists(
  lists: IdLists,
  count: number,
  handling: MultiValueHandling,
  hasNull: boolean,
): void {
  const { offsets, ids } = lists;
  let written = 0;
  let start = 0;
  for (let i = 0; i < count; i++) {
    const end = offsets[i + 1]!;
    if (handling !== 'array' && end - start > 1) ids.subarray(start, end).sort();
    const first = written;
    let isNull = hasNull && end > start;
    for (let k = start; k < end; k++) {
      isNull &&= ids[k] === NULL_ID;
      if (handling === 'sorted_set' && written > first && ids[written - 1] === ids[k]) continue;
      ids[written++] = ids[k]!;
    }
    if (isNull) written = first + 1;
    start = end;
    offsets[i + 1] = written;
  }
}

/** Numbers of one input. A null row reads 0. */
export class PieceNumbers {
  readonly #column: NumericColumn | undefined;
  readonly hasNulls: boolean;

  constructor(column: NumericColumn | undefined) {
    this.#column = column;
    this.hasNulls = column === undefined || column.hasNulls;
  }

  /** `out` is of the output's type; `nulls` is set for every row. At most VECTOR_ROWS rows. */
  read(from: number, count: number, out: BigInt64Array | Float64Array, nulls: Uint8Array): void {
    if (this.#column === undefined) {
      if (out instanceof BigInt64Array) out.fill(0n, 0, count);
      else out.fill(0, 0, count);
      nulls.fill(1, 0, count);
      return;
    }
    if (out instanceof BigInt64Array) this.#column.readLongs(from, count, out);
    else this.#column.readDoubles(from, count, out);
    if (!this.#column.readNulls(from, count, nulls)) nulls.fill(0, 0, count);
  }
}

/** The numeric column of a view as `type`, or undefined. Longs may become doubles, never the reverse. */
export function numbersOf(
  view: View,
  name: string,
  type: 'LONG' | 'DOUBLE' | 'FLOAT',
): NumericColumn | undefined {
  const column = view.column(name);
  if (column === undefined || isAllNull(column)) return undefined;
  if (column.kind !== 'numeric' || (type === 'LONG' && column.type !== 'LONG')) {
    throw mismatch(name, column, type);
  }
  return column;
}

/** The string column of a view, or undefined; numbers become their decimal text. */
export function stringsOf(view: View, name: string): StringColumn | undefined {
  const column = view.column(name);
  if (column === undefined || column.kind === 'string') return column;
  if (column.kind === 'numeric') return textColumn(column, view.rows);
  throw mismatch(name, column, 'STRING');
}

function isAllNull(column: Column): boolean {
  if (column.kind !== 'string') return false;
  return (
    column.dictionary.size === 0 ||
    (column.dictionary.size === 1 && column.dictionary.idOf(null) === 0)
  );
}

function mismatch(name: string, column: Column, type: string): Failure {
  const text = `column '${name}': an input has it as ${column.type}, the segment is to have ${type}`;
  return new Failure('bug', 'AssertionFailed', text);
}

/** A numeric column seen as strings: what discovery needs when a later value is no number. */
function textColumn(column: NumericColumn, rows: number): StringColumn {
  const ids = new Int32Array(rows);
  const idOf = new Map<string | null, number>();
  const values =
    column.type === 'LONG' ? new BigInt64Array(VECTOR_ROWS) : new Float64Array(VECTOR_ROWS);
  const nulls = new Uint8Array(VECTOR_ROWS);
  const piece = new PieceNumbers(column);
  for (let from = 0; from < rows; from += VECTOR_ROWS) {
    const count = Math.min(VECTOR_ROWS, rows - from);
    piece.read(from, count, values, nulls);
    for (let i = 0; i < count; i++) {
      const text = nulls[i] === 1 ? null : String(values[i]);
      let id = idOf.get(text);
      if (id === undefined) idOf.set(text, (id = idOf.size));
      ids[from + i] = id;
    }
  }
  const texts = [...idOf.keys()];
  const encoder = new TextEncoder();
  const dictionary: Dictionary = {
    size: texts.length,
    sorted: false,
    value: (id) => texts[id] ?? null,
    idOf: (value) => idOf.get(value) ?? -1,
    readUtf8(id, out) {
      const text = texts[id] ?? null;
      if (text === null) return false;
      pointAt(out, encoder.encode(text));
      return true;
    },
  };
  const noBitmaps = (): never => {
    throw new Failure('bug', 'AssertionFailed', 'a column of texts of numbers has no bitmaps');
  };
  return {
    kind: 'string',
    type: 'STRING',
    multi: false,
    hasNulls: column.hasNulls,
    dictionary,
    hasBitmaps: false,
    readIds: (from, count, out) => out.set(ids.subarray(from, from + count)),
    readIdLists(from, count, out) {
      out.offsets = Int32Array.from({ length: count + 1 }, (_, i) => i);
      out.ids = ids.slice(from, from + count);
    },
    orBitmap: noBitmaps,
    bitmapRows: noBitmaps,
  };
}
