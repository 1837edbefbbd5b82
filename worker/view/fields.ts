// One parsed row as slices and numbers: what `parse` fills and `index` takes. Struct of arrays, reused for
// every row, so that nothing is allocated per row. Targets are the columns of the schema: dimensions first
// (discovered ones appended as they are met), then metric inputs.

/** State of a target in this row. */
export const FIELD_NULL = 0;
/** One value: text slice for string targets, number for numeric ones. */
export const FIELD_VALUE = 1;
/** A list of text values (string targets): `listStart[t] .. listEnd[t]-1` index into the list slices. */
export const FIELD_LIST = 2;
/** A long where the target takes any value. */
export const FIELD_LONG = 3;
/** A double where the target takes any value. */
export const FIELD_DOUBLE = 4;

/** What a target is read as. */
export type TargetType = 'string' | 'long' | 'double' | 'float';
/** What a metric's input is read as; `value` = text, long, double or list, as it comes. */
export type MetricInput = TargetType | 'value';

/** Text slices: bytes `start[i] .. end[i]-1` of `source[i] === 0 ? record : scratch`. */
export interface TextSlices {
  source: Uint8Array;
  start: Int32Array;
  end: Int32Array;
  /** {@link hashBytes} of the slice. */
  hash: Int32Array;
}

/** A parsed row. */
export interface RowFields {
  /** Bytes of the record set; slices with source 0 point here. */
  record: Uint8Array;
  /** Decoded bytes of escaped, numeric and list values; slices with source 1 point here. */
  scratch: Uint8Array;
  /** Number of dimension targets; grows when a dimension is discovered, never shrinks. */
  dimensionCount: number;
  /** FIELD_* per dimension. */
  dimensionState: Uint8Array;
  /** Text of string dimensions. */
  text: TextSlices;
  listStart: Int32Array;
  listEnd: Int32Array;
  /** Slices of list elements; a null element has start -1. */
  listText: TextSlices;
  /** Numeric dimensions: long as two 32-bit halves, or the double. */
  dimensionLow: Int32Array;
  dimensionHigh: Int32Array;
  dimensionDouble: Float64Array;
  /** FIELD_* per metric; `count` is always FIELD_VALUE. */
  metricState: Uint8Array;
  metricLow: Int32Array;
  metricHigh: Int32Array;
  metricDouble: Float64Array;
  /** Text of metrics that take it. */
  metricText: TextSlices;
  /** Lists of metrics that take text; index into the list slices. */
  metricListStart: Int32Array;
  metricListEnd: Int32Array;
  /** Event time before truncation, epoch ms. */
  eventMs: number;
  /** Truncated to queryGranularity, epoch ms. */
  timeMs: number;
}

/** Initial value of {@link hashBytes}; the scanners inline the same steps. */
export const HASH_SEED = 0x2f0b4a37;
/** Multiplier of each step. */
export const HASH_FACTOR = 0x9e3779b1;

/**
 * Hash of text: little-endian 4-byte words, the last one filled up with zeros, one multiply each. Equal bytes give
 * equal hashes whatever buffer they are in. `view` must cover `bytes`.
 */
export function hashBytes(bytes: Uint8Array, view: DataView, start: number, end: number): number {
  let h = HASH_SEED;
  let p = start;
  for (; p + 4 <= end; p += 4) {
    h = Math.imul(h ^ view.getInt32(p, true), HASH_FACTOR);
    h ^= h >>> 15;
  }
  if (p === end) return h;
  let word = 0;
  for (let shift = 0; p < end; p++, shift += 8) word |= (bytes[p] as number) << shift;
  h = Math.imul(h ^ word, HASH_FACTOR);
  return h ^ (h >>> 15);
}
