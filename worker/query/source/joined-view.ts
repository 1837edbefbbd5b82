// Joined rows as a view: each row is a row of the left view and a row of the right table, picked by number. Columns
// under the prefix are the right's, all others the left's. Fed by join-piece.ts; read like any other view.

import {
  type Column,
  type IdLists,
  type NumericColumn,
  type StringColumn,
  VECTOR_ROWS,
  type View,
} from '../../view/view.ts';
import type { JoinTable, RightColumn } from './join-table.ts';

/** Which rows stand side by side; same length. `left` ascends. */
export interface JoinedRows {
  readonly left: Int32Array;
  readonly right: Int32Array;
}

/** The joined view. Its id, chunk and metadata are the left's. */
export function joinedView(left: View, table: JoinTable, rows: JoinedRows, prefix: string): View {
  const columns = new Map<string, Column | undefined>();
  const readTimes = gather(rows.left, doubleVector, (start, span, into) =>
    left.readTimes(start, span, into),
  );
  const make = (name: string): Column | undefined => {
    if (name.startsWith(prefix)) {
      const column = table.column(name.slice(prefix.length));
      return column === undefined ? undefined : rightColumn(column, rows.right);
    }
    const column = left.column(name);
    return column === undefined ? undefined : leftColumn(column, rows.left);
  };
  const [minTimeMs, maxTimeMs] = timeBounds(rows.left.length, readTimes);
  return {
    ...left,
    rows: rows.left.length,
    minTimeMs,
    maxTimeMs,
    dimensions: [
      ...left.dimensions,
      ...left.metrics.filter((name) => !left.dimensions.includes(name)),
      ...table.source.columns.map(({ name }) => prefix + name),
    ],
    metrics: [],
    readTimes,
    column(name) {
      if (columns.has(name)) return columns.get(name);
      const column = make(name);
      columns.set(name, column);
      return column;
    },
  };
}

function timeBounds(rows: number, read: View['readTimes']): [number, number] {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const times = new Float64Array(VECTOR_ROWS);
  for (let from = 0; from < rows; from += VECTOR_ROWS) {
    const count = Math.min(VECTOR_ROWS, rows - from);
    read(from, count, times);
    for (let i = 0; i < count; i++) {
      least = Math.min(least, times[i]!);
      most = Math.max(most, times[i]!);
    }
  }
  return [least, most];
}

/** Runs of left rows that lie within one vector, as `[from, to)` of the asked run. */
function* runs(left: Int32Array, from: number, count: number): Generator<[number, number]> {
  let start = 0;
  while (start < count) {
    const base = left[from + start]!;
    let end = start + 1;
    while (end < count && left[from + end]! < base + VECTOR_ROWS) end++;
    yield [start, end];
    start = end;
  }
}

type Numbers = Float64Array | BigInt64Array | Int32Array | Uint8Array;

/** A reader of picked rows from a reader of runs. Each has a vector of its own: views may stand on each other. */
function gather<T extends Numbers>(
  left: Int32Array,
  make: () => T,
  read: (start: number, span: number, into: T) => void,
): (from: number, count: number, out: T) => void {
  let vector: T | undefined;
  return (from, count, out) => {
    vector ??= make();
    for (const [start, end] of runs(left, from, count)) {
      const base = left[from + start]!;
      read(base, left[from + end - 1]! - base + 1, vector);
      for (let i = start; i < end; i++) out[i] = vector[left[from + i]! - base]!;
    }
  };
}

const doubleVector = (): Float64Array => new Float64Array(VECTOR_ROWS);

function leftColumn(column: Column, left: Int32Array): Column {
  switch (column.kind) {
    case 'complex': {
      const { kind, type, typeName, hasNulls, describe } = column;
      return {
        kind,
        type,
        typeName,
        hasNulls,
        readBytes: (row) => column.readBytes(left[row]!),
        ...(describe === undefined ? {} : { describe: (row: number) => describe(left[row]!) }),
      };
    }
    case 'numeric':
      return leftNumbers(column, left);
    case 'string':
      return leftText(column, left);
  }
}

function leftNumbers(column: NumericColumn, left: Int32Array): NumericColumn {
  const readNulls = gather(
    left,
    (): Uint8Array => new Uint8Array(VECTOR_ROWS),
    (start, span, into) => {
      if (!column.readNulls(start, span, into)) into.fill(0);
    },
  );
  return {
    kind: 'numeric',
    type: column.type,
    hasNulls: column.hasNulls,
    readLongs: gather(
      left,
      () => new BigInt64Array(VECTOR_ROWS),
      (start, span, into) => column.readLongs(start, span, into),
    ),
    readDoubles: gather(left, doubleVector, (start, span, into) =>
      column.readDoubles(start, span, into),
    ),
    readNulls(from, count, out) {
      if (!column.hasNulls) return false;
      readNulls(from, count, out);
      return true;
    },
  };
}

const NO_BITMAPS = {
  hasBitmaps: false,
  orBitmap(): void {
    throw new TypeError('joined rows have no bitmaps');
  },
  bitmapRows(): number {
    throw new TypeError('joined rows have no bitmaps');
  },
} as const;

function leftText(column: StringColumn, left: Int32Array): StringColumn {
  const lists: IdLists = { offsets: new Int32Array(0), ids: new Int32Array(0) };
  return {
    kind: 'string',
    type: 'STRING',
    multi: column.multi,
    hasNulls: column.hasNulls,
    dictionary: column.dictionary,
    ...NO_BITMAPS,
    readIds: gather(
      left,
      () => new Int32Array(VECTOR_ROWS),
      (start, span, into) => column.readIds(start, span, into),
    ),
    readIdLists(from, count, out) {
      const add = listWriter(count, out);
      for (const [start, end] of runs(left, from, count)) {
        const base = left[from + start]!;
        column.readIdLists(base, left[from + end - 1]! - base + 1, lists);
        for (let i = start; i < end; i++) add(i, lists, left[from + i]! - base);
      }
    },
  };
}

/** Appends the list of one row to the lists of a run. */
function listWriter(count: number, out: IdLists): (i: number, lists: IdLists, row: number) => void {
  if (out.offsets.length < count + 1) out.offsets = new Int32Array(count + 1);
  out.offsets[0] = 0;
  return (i, lists, row) => {
    const part = lists.ids.subarray(lists.offsets[row]!, lists.offsets[row + 1]!);
    const at = out.offsets[i]!;
    if (out.ids.length < at + part.length) {
      const grown = new Int32Array(2 * (at + part.length));
      grown.set(out.ids.subarray(0, at));
      out.ids = grown;
    }
    out.ids.set(part, at);
    out.offsets[i + 1] = at + part.length;
  };
}

function rightColumn(right: RightColumn, rows: Int32Array): Column {
  const pick = <T extends Numbers>(from: number, count: number, values: T, out: T): void => {
    for (let i = 0; i < count; i++) out[i] = values[rows[from + i]!]!;
  };
  if (right.kind === 'numeric') {
    const { column, doubles, longs, nulls } = right;
    return {
      kind: 'numeric',
      type: column.type,
      hasNulls: true,
      readLongs: (from, count, out) => pick(from, count, longs, out),
      readDoubles: (from, count, out) => pick(from, count, doubles, out),
      readNulls(from, count, out) {
        pick(from, count, nulls, out);
        return true;
      },
    };
  }
  const { column, ids, lists } = right;
  return {
    kind: 'string',
    type: 'STRING',
    multi: column.multi,
    hasNulls: true,
    dictionary: column.dictionary,
    ...NO_BITMAPS,
    readIds: (from, count, out) => pick(from, count, ids, out),
    readIdLists(from, count, out) {
      const add = listWriter(count, out);
      for (let i = 0; i < count; i++) {
        if (column.multi) add(i, lists, rows[from + i]!);
        else add(i, { offsets: PAIR, ids: ids.subarray(rows[from + i]!, rows[from + i]! + 1) }, 0);
      }
    },
  };
}

/** Offsets of a list of one. */
const PAIR: Int32Array = Int32Array.of(0, 1);
