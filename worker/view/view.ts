// The columnar view: what the in-memory index and a segment on disk both offer, all that a query reads, and
// all that the segment writer takes. Nothing here knows which of the two it is looking at.
//
// Access is by vectors: the reader copies a run of rows into arrays the caller owns and reuses, so that hot
// loops see one array type each and nothing is allocated per row. Callers use at most VECTOR_ROWS rows a call.

import type { Interval } from '../../core/model/interval.ts';

/** The most rows a caller asks for at once. One LZ4 block of longs (64 KiB) holds as many. */
export const VECTOR_ROWS = 8192;

/** A range of bytes that belong to somebody else; filled by those who are handed one, so that none is made a value. */
export interface ByteSlice {
  bytes: Uint8Array;
  start: number;
  end: number;
}

/** The stored values of a string column: entry id -> value. */
export interface Dictionary {
  /** Number of entries, null included. Ids are `0 .. size-1`. */
  readonly size: number;
  /** True when ids ascend in Druid's order (null first, then UTF-16 code units): always in segments. */
  readonly sorted: boolean;
  /** The value of an id, null for the null entry. */
  value(id: number): string | null;
  /** The values of several ids, in their order: quicker than one by one where ids ascend. */
  readonly values?: (ids: Int32Array) => (string | null)[];
  /** The id of a value, or -1. */
  idOf(value: string | null): number;
  /** Points `out` at the UTF-8 bytes of an id, valid until the next call. False, leaving `out` alone, for null. */
  readUtf8(id: number, out: ByteSlice): boolean;
}

/** Value lists of a run of rows: row i of the run has `ids[offsets[i]] .. ids[offsets[i+1]-1]`. */
export interface IdLists {
  /** At least count + 1 entries; first is 0. */
  offsets: Int32Array;
  /** Grown by the reader when too small. */
  ids: Int32Array;
}

/** A dictionary-encoded string column. */
export interface StringColumn {
  readonly kind: 'string';
  readonly type: 'STRING';
  /** True when some row may hold a list; then only {@link readIdLists} may be used. */
  readonly multi: boolean;
  readonly hasNulls: boolean;
  readonly dictionary: Dictionary;
  /** True when {@link orBitmap} and {@link bitmapRows} may be used. */
  readonly hasBitmaps: boolean;
  /** Ids of rows `from .. from+count-1` into `out[0..count-1]`. Single-valued columns only. */
  readIds(from: number, count: number, out: Int32Array): void;
  /** Value lists of rows `from .. from+count-1`; an empty list means null. Works for single-valued columns too. */
  readIdLists(from: number, count: number, out: IdLists): void;
  /** Sets the bit of each row that holds `id` in `words` (bit r & 31 of word r >> 5). Other bits stay. */
  orBitmap(id: number, words: Int32Array): void;
  /** Number of rows that hold `id`. */
  bitmapRows(id: number): number;
}

/** Sums of a column's values by slot. See {@link NumericColumn.slotSums}. */
export interface ColumnSlotSums {
  /**
   * Adds the values of rows `from .. from+count-1`, of row i of the run to the sum of `slots[i]`, nulls as 0 or anything. False
   * when nothing was added: then the caller does it.
   */
  add(from: number, count: number, slots: Int32Array): boolean;
  /** Hands over what was added since the last time. */
  flush(): void;
}

/** A long, double or float column. A null row reads as 0 and is told apart by {@link readNulls}. */
export interface NumericColumn {
  readonly kind: 'numeric';
  readonly type: 'LONG' | 'DOUBLE' | 'FLOAT';
  readonly hasNulls: boolean;
  /** Values as 64-bit integers. LONG columns only. */
  readLongs(from: number, count: number, out: BigInt64Array): void;
  /** Values as doubles. For LONG columns rounded to the nearest double. */
  readDoubles(from: number, count: number, out: Float64Array): void;
  /**
   * Values of rows `from .. from+count-1` where they are, not copied; not to be written, valid until the next call.
   * Undefined when they do not lie together as 32-bit integers: then {@link readLongs}. Nulls as 0.
   */
  readonly intRun?: (from: number, count: number) => Int32Array | undefined;
  /**
   * The sum, wrapping in 64 bits, of rows `from .. from+count-1` where that needs no look at each of them. Undefined when it does:
   * then {@link intRun} or {@link readLongs}. Nulls as 0 or anything. LONG columns only.
   */
  readonly runSum?: (from: number, count: number) => bigint | undefined;
  /**
   * The sum, wrapping in 64 bits, of those rows of `from .. from+count-1` whose bit is set in `words` (bit r & 31 of word r >> 5 for
   * row r of the run; none is set beyond), where that needs no copy of the values. Undefined when it does. Nulls as 0 or anything.
   */
  readonly maskedSum?: (from: number, count: number, words: Int32Array) => bigint | undefined;
  /**
   * Makes sums by slot, `0 .. slots-1`, that need no copy of the values; `put` gets the sum of each slot that was added to, at the
   * latest in {@link ColumnSlotSums.flush}, and several times for one slot. Undefined when there are too many slots.
   */
  readonly slotSums?: (
    slots: number,
    put: (slot: number, sum: number) => void,
  ) => ColumnSlotSums | undefined;
  /** 1 for a null row, else 0. Returns false, leaving `out` alone, when no row of the run is null. */
  readNulls(from: number, count: number, out: Uint8Array): boolean;
}

/** A column of serialized objects (hyperUnique, sketches). */
export interface ComplexColumn {
  readonly kind: 'complex';
  readonly type: 'COMPLEX';
  /** Druid's type name, e.g. `hyperUnique`. */
  readonly typeName: string;
  readonly hasNulls: boolean;
  /** The bytes of a row, valid until the next call; undefined for none. */
  readBytes(row: number): Uint8Array | undefined;
  /** Where the bytes of a row are, for messages about bytes that are not what their type says. */
  readonly describe?: (row: number) => string;
}

/** Any column but `__time`. */
export type Column = StringColumn | NumericColumn | ComplexColumn;

/** A metric in its combining form (a `count` reads as a `longSum` of the stored count). */
export interface CombiningAggregator {
  readonly type: string;
  readonly name: string;
  readonly fieldName: string;
}

/** What a segment says of itself beyond its columns; null where it does not say. Source: druid-segment-format.md 1.4. */
export interface ViewMetadata {
  readonly aggregators: readonly CombiningAggregator[] | null;
  /** As Druid writes it: `{"type":"none"}` or an upper-case name such as `"HOUR"`, or a period object. */
  readonly queryGranularity: unknown;
  readonly rollup: boolean | null;
  readonly timestampSpec: unknown;
}

/** Rows `0 .. rows-1` of one segment, hydrant or in-memory index. Immutable for its lifetime. */
export interface View {
  /** The segment id; hydrants and fresh rows of a segment carry the same one. */
  readonly segmentId: string;
  /** The segment's time chunk; half-open. */
  readonly interval: Interval;
  readonly rows: number;
  /** Least and greatest `__time`, epoch ms. Meaningless when rows is 0. */
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  /** True when `__time` ascends with the row number: always in segments, never promised by the index. */
  readonly timeSorted: boolean;
  /** Bytes this view stands for in segmentMetadata; 0 for fresh rows. */
  readonly sizeBytes: number;
  /** Stored order, `__time` excluded. All-null dimensions that the segment names are included. */
  readonly dimensions: readonly string[];
  /** Stored order. */
  readonly metrics: readonly string[];
  readonly metadata: ViewMetadata;
  /** `__time` of rows `from .. from+count-1`, epoch ms (exact in a double). */
  readTimes(from: number, count: number, out: Float64Array): void;
  /** A dimension or metric by name; undefined when there is none. Never `__time`. Repeated calls are cheap. */
  column(name: string): Column | undefined;
}
