// Bytes of the classic quantiles sketch over doubles, compact and updatable forms. Read and written by
// quantiles-sketch.ts. Little-endian.
//
//   sketch = u8 preamble longs, 03, 08 (family), u8 flags, u16 k, u16 0, [i64 n, f64 min, f64 max, values]
//   values = compact: n mod 2k values of the base, then k values of each level that is there, lowest first
//            updatable: room for 2k values of the base, then k of every level
//   flags  = 02 read only, 04 empty, 08 compact, 10 ordered;  level i is there when bit i of n / 2k is set

import { corruptBytes } from './complex-value.ts';

/** What the bytes say. */
export interface QuantilesState {
  readonly k: number;
  readonly n: number;
  readonly min: number;
  readonly max: number;
  /** The first `baseCount` are values. */
  readonly base: Float64Array;
  readonly baseCount: number;
  readonly levels: readonly (Float64Array | undefined)[];
}

const EMPTY = 0x04;
const COMPACT = 0x08;
const WRITTEN_FLAGS = 0x1a;
const VALUES_AT = 32;

const corrupt = (offset: number, what: string): Error =>
  corruptBytes('quantilesDoublesSketch', offset, what);

/** @throws Failure `corrupt` ComplexCorrupt */
export function readQuantiles(bytes: Uint8Array): QuantilesState {
  if (bytes.length < 8) throw corrupt(0, `${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const flags = view.getUint8(3);
  const k = view.getUint16(4, true);
  if (view.getUint8(1) !== 3 || view.getUint8(2) !== 8)
    throw corrupt(1, `version ${view.getUint8(1)}, family ${view.getUint8(2)}`);
  if (k < 2 || k > 32_768 || (k & (k - 1)) !== 0)
    throw corrupt(4, `k ${k}, expected a power of two of 2 to 32768`);
  const nothing = new Float64Array(0);
  if ((flags & EMPTY) !== 0)
    return { k, n: 0, min: Number.NaN, max: Number.NaN, base: nothing, baseCount: 0, levels: [] };
  if (bytes.length < VALUES_AT) throw corrupt(0, `${bytes.length} bytes`);
  const n = Number(view.getBigInt64(8, true));
  if (!Number.isSafeInteger(n) || n <= 0) throw corrupt(8, `${n} values`);
  const isCompact = (flags & COMPACT) !== 0;
  const pattern = Math.floor(n / (2 * k));
  const baseCount = n % (2 * k);
  let at = VALUES_AT;
  const take = (count: number): Float64Array => {
    if (at + 8 * count > bytes.length)
      throw corrupt(at, `${count} values in ${bytes.length} bytes`);
    const values = new Float64Array(count);
    for (let i = 0; i < count; i++) values[i] = view.getFloat64(at + 8 * i, true);
    if (values.includes(Number.NaN)) throw corrupt(at, 'a value that is not a number');
    at += 8 * count;
    return values;
  };
  const base = take(baseCount);
  if (!isCompact && pattern > 0) at = VALUES_AT + 8 * 2 * k;
  const levels: (Float64Array | undefined)[] = [];
  for (let rest = pattern; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) levels.push(take(k).sort());
    else {
      levels.push(undefined);
      if (!isCompact) at += 8 * k;
    }
  }
  const [min, max] = [view.getFloat64(16, true), view.getFloat64(24, true)];
  if (!(min <= max)) throw corrupt(16, `least ${min}, greatest ${max}`);
  return { k, n, min, max, base, baseCount, levels };
}

/** The compact form. */
export function writeQuantiles(state: QuantilesState): Uint8Array {
  const { k, n, baseCount } = state;
  const levels = state.levels.filter((level) => level !== undefined);
  const bytes = new Uint8Array(n === 0 ? 8 : VALUES_AT + 8 * (baseCount + k * levels.length));
  const view = new DataView(bytes.buffer);
  bytes.set([n === 0 ? 1 : 2, 3, 8, WRITTEN_FLAGS | (n === 0 ? EMPTY : 0)]);
  view.setUint16(4, k, true);
  if (n === 0) return bytes;
  view.setBigInt64(8, BigInt(n), true);
  view.setFloat64(16, state.min, true);
  view.setFloat64(24, state.max, true);
  let at = VALUES_AT;
  for (const values of [state.base.slice(0, baseCount).sort(), ...levels]) {
    for (const value of values) {
      view.setFloat64(at, value, true);
      at += 8;
    }
  }
  return bytes;
}
