// Stored columns as sources: read into reused buffers, once per vector. Fed by a view's columns; used by source.ts.

import {
  type IdLists,
  type NumericColumn,
  type StringColumn,
  VECTOR_ROWS,
  type View,
} from '../../view/view.ts';
import { convert } from '../value.ts';
import type { Cursor } from './cursor.ts';

/** A number column, `__time` included. Arrays are valid until the cursor moves; index = row of the vector. */
export interface NumericSource {
  readonly kind: 'numeric';
  readonly type: 'LONG' | 'DOUBLE' | 'FLOAT';
  doubles(): Float64Array;
  longs(): BigInt64Array;
  /** The same longs where they fit 32 bits and need no copying; null = use {@link longs}. Not to be written. */
  ints(): Int32Array | null;
  /** The sum, wrapping in 64 bits, of the whole vector where it is known without its values; undefined = add them up. */
  sum(): bigint | undefined;
  /** As {@link sum}, of the rows of a mask that ends with the vector; undefined = add them up, which is not the worse for it. */
  maskedSum(words: Int32Array): bigint | undefined;
  /** See {@link NumericColumn.slotSums}; `add` adds the whole vector. Undefined = add one by one. */
  slotSums(slots: number, put: (slot: number, sum: number) => void): SlotSums | undefined;
  readonly hasNulls: boolean;
  /** 1 = null; the result is null itself when no row of the vector is. */
  nulls(): Uint8Array | null;
}

/** Sums of a number column by slot. */
export interface SlotSums {
  /** Adds row i of the vector to the sum of `slots[i]`. False = nothing was added. */
  add(slots: Int32Array): boolean;
  /** Hands over what was added since the last time. */
  flush(): void;
}

/** A dictionary column. */
export interface StringSource {
  readonly kind: 'string';
  readonly column: StringColumn;
  /** Single-valued columns only. */
  ids(): Int32Array;
  lists(): IdLists;
  /** The text of an id, decoded once. */
  text(id: number): string | null;
}

/** Reads once per vector. */
function once<T>(cursor: Cursor, make: () => T, read: (buffer: T) => void): () => T {
  let buffer: T | undefined;
  let serial = -1;
  return () => {
    buffer ??= make();
    if (serial !== cursor.serial) {
      read(buffer);
      serial = cursor.serial;
    }
    return buffer;
  };
}

/** `__time` of a view. */
export function timeSource(view: View, cursor: Cursor): NumericSource {
  const doubles = once(
    cursor,
    () => new Float64Array(VECTOR_ROWS),
    (out) => view.readTimes(cursor.from, cursor.count, out),
  );
  const longs = once(
    cursor,
    () => new BigInt64Array(VECTOR_ROWS),
    (out) => {
      const times = doubles();
      for (let i = 0; i < cursor.count; i++) out[i] = BigInt(times[i]!);
    },
  );
  return {
    kind: 'numeric',
    type: 'LONG',
    doubles,
    longs,
    ints: () => null,
    sum: () => undefined,
    maskedSum: () => undefined,
    slotSums: () => undefined,
    hasNulls: false,
    nulls: () => null,
  };
}

/**
 * A stored number column. `isShared` says that others read it too: then its values are needed anyhow, and sums made without
 * keeping them would unpack them twice.
 */
export function numericSource(
  column: NumericColumn,
  cursor: Cursor,
  isShared: () => boolean,
): NumericSource {
  const isOnlySummed = (): boolean => column.type === 'LONG' && !isShared();
  const doubles = once(
    cursor,
    () => new Float64Array(VECTOR_ROWS),
    (out) => column.readDoubles(cursor.from, cursor.count, out),
  );
  const longs = once(
    cursor,
    () => new BigInt64Array(VECTOR_ROWS),
    (out) => {
      if (column.type === 'LONG') column.readLongs(cursor.from, cursor.count, out);
      else cutToLongs(doubles(), cursor.count, out);
    },
  );
  let ints: Int32Array | null = null;
  let intsSerial = -1;
  let hasNulls = false;
  const nulls = once(
    cursor,
    () => new Uint8Array(VECTOR_ROWS),
    (out) => {
      hasNulls = column.readNulls(cursor.from, cursor.count, out);
    },
  );
  return {
    kind: 'numeric',
    type: column.type,
    hasNulls: column.hasNulls,
    doubles,
    longs,
    ints() {
      if (intsSerial !== cursor.serial) {
        intsSerial = cursor.serial;
        ints = column.type === 'LONG' ? (column.intRun?.(cursor.from, cursor.count) ?? null) : null;
      }
      return ints;
    },
    sum: () => (column.type === 'LONG' ? column.runSum?.(cursor.from, cursor.count) : undefined),
    maskedSum: (words) =>
      isOnlySummed() ? column.maskedSum?.(cursor.from, cursor.count, words) : undefined,
    slotSums(slots, put) {
      const sums = isOnlySummed() ? column.slotSums?.(slots, put) : undefined;
      if (sums === undefined) return undefined;
      return {
        add: (slotOf) => sums.add(cursor.from, cursor.count, slotOf),
        flush: () => sums.flush(),
      };
    },
    nulls() {
      if (!column.hasNulls) return null;
      const flags = nulls();
      return hasNulls ? flags : null;
    },
  };
}

function cutToLongs(doubles: Float64Array, count: number, out: BigInt64Array): void {
  for (let i = 0; i < count; i++) {
    const long = convert(doubles[i]!, 'LONG');
    out[i] = typeof long === 'bigint' ? long : 0n;
  }
}

/** A stored dictionary column. */
export function stringSource(column: StringColumn, cursor: Cursor): StringSource {
  const texts: (string | null | undefined)[] = [];
  return {
    kind: 'string',
    column,
    ids: once(
      cursor,
      () => new Int32Array(VECTOR_ROWS),
      (out) => column.readIds(cursor.from, cursor.count, out),
    ),
    lists: once(
      cursor,
      () => ({ offsets: new Int32Array(VECTOR_ROWS + 1), ids: new Int32Array(VECTOR_ROWS * 2) }),
      (out) => column.readIdLists(cursor.from, cursor.count, out),
    ),
    text(id) {
      const known = texts[id];
      if (known !== undefined) return known;
      return (texts[id] = column.dictionary.value(id));
    },
  };
}
