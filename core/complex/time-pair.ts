// A value and the time it was seen at: what first and last metrics store. Text pairs have Druid's bytes; Druid
// packs pairs of numbers by column (pair-column.ts of the segment folder), so a number pair has a form of our own.
//
//   text pair   = i64 time, i32 length, UTF-8 * length      length 0 = null, as Druid reads it; big-endian
//   number pair = i64 time, [i64 | f64 | f32]               no value = null; big-endian

import { type ComplexValue, corruptBytes } from './complex-value.ts';

/** What the value is. */
export type PairValueType = 'LONG' | 'DOUBLE' | 'FLOAT' | 'STRING';

/** Druid's type names of pair columns. */
export const PAIR_TYPES: Readonly<Record<string, PairValueType>> = {
  serializablePairLongLong: 'LONG',
  serializablePairLongDouble: 'DOUBLE',
  serializablePairLongFloat: 'FLOAT',
  serializablePairLongString: 'STRING',
};

/** The type name of a column of pairs. */
export function pairTypeName(type: PairValueType): string {
  return `serializablePairLong${type.slice(0, 1)}${type.slice(1).toLowerCase()}`;
}

/** Times of a pair that never had a value: half of Java's least and greatest long. */
const NEVER_FIRST = 2n ** 62n - 1n;
const NEVER_LAST = -(2n ** 62n);

/** Time of a stored pair, ms; plus or minus infinity when nothing was seen. */
function timeOf(view: DataView): number {
  const time = view.getBigInt64(0);
  if (time >= NEVER_FIRST) return Infinity;
  return time <= NEVER_LAST ? -Infinity : Number(time);
}

/** A stored pair. Longs are bigint; null = seen without a value. */
export interface StoredPair {
  readonly timeMs: number;
  readonly value: bigint | number | string | null;
}

const WIDTHS = { LONG: 8, DOUBLE: 8, FLOAT: 4 } as const;

/** @throws Failure `corrupt` ComplexCorrupt */
export function readPair(type: PairValueType, bytes: Uint8Array): StoredPair {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const name = pairTypeName(type);
  if (bytes.length < 8) throw corruptBytes(name, 0, `${bytes.length} bytes`);
  const timeMs = timeOf(view);
  if (type === 'STRING') {
    const length = bytes.length < 12 ? -1 : view.getInt32(8);
    if (length < 0 || 12 + length > bytes.length)
      throw corruptBytes(name, 8, `text of ${length} bytes in ${bytes.length}`);
    if (length === 0) return { timeMs, value: null };
    const text = Buffer.from(bytes.buffer, bytes.byteOffset + 12, length).toString('utf8');
    return { timeMs, value: text };
  }
  if (bytes.length === 8) return { timeMs, value: null };
  if (bytes.length !== 8 + WIDTHS[type])
    throw corruptBytes(name, 8, `${bytes.length - 8} bytes of value`);
  if (type === 'LONG') return { timeMs, value: view.getBigInt64(8) };
  return { timeMs, value: type === 'DOUBLE' ? view.getFloat64(8) : view.getFloat32(8) };
}

const NO_TEXT = new Uint8Array(0);

/** Keeps the value of the least or greatest time; of equal times the earlier offer for first, the later for last. */
export class TimePair implements ComplexValue {
  readonly type: PairValueType;
  readonly isFirst: boolean;
  /** UTF-8 bytes kept of a text. */
  readonly bytesMax: number;
  private timeMs: number;
  private hasValue = false;
  private low = 0;
  private high = 0;
  private double = 0;
  /** The first `textBytes` of it are the value. */
  private text: Uint8Array = NO_TEXT;
  private textBytes = 0;

  constructor(type: PairValueType, isFirst: boolean, bytesMax: number) {
    this.type = type;
    this.isFirst = isFirst;
    this.bytesMax = bytesMax;
    this.timeMs = isFirst ? Infinity : -Infinity;
  }

  get heldBytes(): number {
    return this.text.length;
  }

  /** True when a value of that time is taken; call one of the setters next. */
  offer(timeMs: number): boolean {
    if (this.isFirst ? timeMs >= this.timeMs : timeMs < this.timeMs) return false;
    this.timeMs = timeMs;
    this.hasValue = false;
    return true;
  }

  setLong(low: number, high: number): void {
    this.hasValue = true;
    this.low = low;
    this.high = high;
  }

  setDouble(value: number): void {
    this.hasValue = true;
    this.double = value;
  }

  /** Text `bytes[start .. end-1]`, cut to the bytes allowed, at a character. Copied. */
  setText(bytes: Uint8Array, start: number, end: number): void {
    this.hasValue = true;
    let to = Math.min(end, start + this.bytesMax);
    if (to < end) while (to > start && (bytes[to]! & 0xc0) === 0x80) to--;
    const length = to - start;
    if (length > this.text.length) this.text = new Uint8Array(Math.max(16, length));
    for (let i = 0; i < length; i++) this.text[i] = bytes[start + i]!;
    this.textBytes = length;
  }

  fold(other: ComplexValue): void {
    if (!(other instanceof TimePair) || other.type !== this.type)
      throw new TypeError('pairs fold pairs of their type');
    if (Number.isFinite(other.timeMs) && this.offer(other.timeMs)) this.copyValue(other);
  }

  private copyValue(other: TimePair): void {
    this.hasValue = other.hasValue;
    this.low = other.low;
    this.high = other.high;
    this.double = other.double;
    if (other.hasValue && this.type === 'STRING') this.setText(other.text, 0, other.textBytes);
  }

  foldBytes(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const { timeMs, value } = readPair(this.type, bytes);
    if (!Number.isFinite(timeMs) || !this.offer(timeMs) || value === null) return;
    if (typeof value === 'bigint')
      this.setLong(Number(BigInt.asIntN(32, value)), Number(value >> 32n));
    else if (typeof value === 'number') this.setDouble(value);
    else this.setText(bytes, 12, bytes.length);
  }

  toBytes(): Uint8Array {
    const { type, hasValue } = this;
    const text = this.text.subarray(0, hasValue ? this.textBytes : 0);
    const width = type === 'STRING' ? 4 + text.length : hasValue ? WIDTHS[type] : 0;
    const bytes = new Uint8Array(8 + width);
    const view = new DataView(bytes.buffer);
    const isNever = !Number.isFinite(this.timeMs);
    view.setBigInt64(0, isNever ? (this.isFirst ? NEVER_FIRST : NEVER_LAST) : BigInt(this.timeMs));
    if (type === 'STRING') {
      view.setInt32(8, text.length);
      bytes.set(text, 12);
    } else if (hasValue && type === 'LONG') {
      view.setInt32(8, this.high);
      view.setInt32(12, this.low);
    } else if (hasValue && type === 'DOUBLE') view.setFloat64(8, this.double);
    else if (hasValue) view.setFloat32(8, this.double);
    return bytes;
  }
}
