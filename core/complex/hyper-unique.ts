// Druid's own HyperLogLog: 2048 registers of 4 bits, an offset and one overflow pair. Reads the objects stored
// in hyperUnique columns and writes the same bytes; estimates exactly as Druid does, quirks included.
// Source: druid-segment-format.md 6.

import { type ComplexValue, corruptBytes, type HashSketch } from './complex-value.ts';
import { REGISTERS } from './hyper-unique-hash.ts';

const PAYLOAD = 1024;
/** Fewer non-zero registers than this are stored as entries. */
const DENSE_FROM = 128;
const HEADER = 7;
const HEADER_V0 = 3;
const ALPHA = 0.7213 / (1 + 1.079 / REGISTERS);
/** Largest rho a register can hold above the offset. */
const RANGE = 15;

/** One sketch. */
export class HyperUnique implements HashSketch {
  readonly heldBytes: number = PAYLOAD;
  private offset = 0;
  private nonZero = 0;
  private overflowValue = 0;
  private overflowRegister = 0;
  /** Register b is in byte b >> 1: even b in the high nibble. */
  private readonly payload: Uint8Array = new Uint8Array(PAYLOAD);

  /** Adds a hashed value. Section 6.3. */
  addHash(packed: number): void {
    this.addRegister(packed & (REGISTERS - 1), packed >>> 11);
  }

  private addRegister(register: number, rho: number): void {
    if (rho <= this.offset) return;
    if (rho > this.offset + RANGE) {
      if (rho <= this.overflowValue) return;
      const { overflowRegister, overflowValue } = this;
      if (overflowValue > 0 && overflowValue <= this.offset + RANGE)
        this.addRegister(overflowRegister, overflowValue);
      this.overflowRegister = register;
      this.overflowValue = rho;
      return;
    }
    this.raise(register, rho - this.offset);
    if (this.nonZero === REGISTERS) this.lower();
  }

  private raise(register: number, value: number): void {
    const at = register >> 1;
    const shift = (register & 1) === 0 ? 4 : 0;
    const byte = this.payload[at]!;
    const held = (byte >> shift) & 15;
    if (value <= held) return;
    this.payload[at] = (byte & ~(15 << shift)) | (value << shift);
    if (held === 0) this.nonZero++;
  }

  /** All registers are set: the offset takes over one. */
  private lower(): void {
    this.offset++;
    this.nonZero = 0;
    for (let i = 0; i < PAYLOAD; i++) {
      const byte = this.payload[i]! - 0x11;
      this.payload[i] = byte;
      if ((byte & 0xf0) !== 0) this.nonZero++;
      if ((byte & 0x0f) !== 0) this.nonZero++;
    }
  }

  /** Folds another sketch in. Section 6.4. */
  fold(other: ComplexValue): void {
    if (!(other instanceof HyperUnique)) throw new TypeError('hyperUniques fold hyperUniques');
    if (other.offset > this.offset) {
      const copy = new HyperUnique();
      copy.assign(this);
      this.assign(other);
      this.foldLower(copy);
    } else {
      this.foldLower(other);
    }
  }

  private assign(other: HyperUnique): void {
    this.offset = other.offset;
    this.nonZero = other.nonZero;
    this.overflowValue = other.overflowValue;
    this.overflowRegister = other.overflowRegister;
    this.payload.set(other.payload);
  }

  private foldLower(other: HyperUnique): void {
    const difference = this.offset - other.offset;
    for (let i = 0; i < PAYLOAD; i++) {
      const byte = other.payload[i]!;
      if (byte === 0) continue;
      const high = (byte >> 4) - difference;
      const low = (byte & 15) - difference;
      if (high > 0) this.raise(i * 2, high);
      if (low > 0) this.raise(i * 2 + 1, low);
    }
    if (this.nonZero === REGISTERS) this.lower();
    if (other.overflowValue > 0) this.addRegister(other.overflowRegister, other.overflowValue);
  }

  /**
   * Folds stored bytes in, either version, dense or sparse; an empty array is an empty sketch.
   *
   * @throws Failure `corrupt` ComplexCorrupt when the bytes are no sketch
   */
  foldBytes(bytes: Uint8Array): void {
    if (bytes.length === 0 || this.foldEntries(bytes)) return;
    unpacked.clear();
    unpacked.readBytes(bytes);
    this.fold(unpacked);
  }

  /** Folds the sparse form as it is written: rows of a column mostly have it. False, and nothing done, for any other. */
  private foldEntries(bytes: Uint8Array): boolean {
    const { length } = bytes;
    const isV0 = length % 3 === 0;
    const header = isV0 ? HEADER_V0 : HEADER;
    if (length < header || length >= header + PAYLOAD || (length - header) % 3 !== 0) return false;
    const difference = this.offset - bytes[isV0 ? 0 : 1]!;
    const nonZero = (bytes[isV0 ? 1 : 2]! << 8) | bytes[isV0 ? 2 : 3]!;
    if (difference < 0 || nonZero > REGISTERS || 3 * nonZero < length - header) return false;
    let last = -1;
    for (let at = header; at < length; at += 3) {
      const position = (bytes[at]! << 8) | bytes[at + 1]!;
      // Padding, where one byte holds two registers.
      if (position === 0 && bytes[at + 2] === 0) continue;
      const index = position - header;
      if (index <= last || index >= PAYLOAD) return false;
      last = index;
    }
    for (let at = header; at < length; at += 3) {
      const register = 2 * (((bytes[at]! << 8) | bytes[at + 1]!) - header);
      const byte = bytes[at + 2]!;
      const high = (byte >> 4) - difference;
      const low = (byte & 15) - difference;
      if (high > 0) this.raise(register, high);
      if (low > 0) this.raise(register + 1, low);
    }
    if (this.nonZero === REGISTERS) this.lower();
    if (!isV0 && bytes[4]! > 0)
      this.addRegister(((bytes[5]! << 8) | bytes[6]!) & (REGISTERS - 1), bytes[4]!);
    return true;
  }

  private clear(): void {
    this.offset = 0;
    this.nonZero = 0;
    this.overflowValue = 0;
    this.overflowRegister = 0;
    this.payload.fill(0);
  }

  private readBytes(bytes: Uint8Array): void {
    const isV0 = bytes.length % 3 === 0 || bytes.length === HEADER_V0 + PAYLOAD;
    const header = isV0 ? HEADER_V0 : HEADER;
    if (bytes.length < header) throw corruptSketch(bytes.length);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.offset = view.getUint8(isV0 ? 0 : 1);
    this.nonZero = view.getInt16(isV0 ? 1 : 2);
    if (!isV0) {
      this.overflowValue = view.getUint8(4);
      this.overflowRegister = view.getInt16(5) & (REGISTERS - 1);
    }
    if (this.nonZero < 0 || this.nonZero > REGISTERS) throw corruptSketch(bytes.length);
    if (bytes.length === header + PAYLOAD) this.payload.set(bytes.subarray(header));
    else this.readEntries(bytes, view, header);
    let entries = 0;
    for (const byte of this.payload) if (byte !== 0) entries++;
    // So few registers are written as entries: there must be room for all of them.
    if (this.nonZero < DENSE_FROM && entries > this.nonZero) throw corruptSketch(bytes.length);
  }

  private readEntries(bytes: Uint8Array, view: DataView, header: number): void {
    if ((bytes.length - header) % 3 !== 0) throw corruptSketch(bytes.length);
    for (let at = header; at < bytes.length; at += 3) {
      const position = view.getInt16(at);
      const value = view.getUint8(at + 2);
      if (position === 0 && value === 0) continue;
      const index = position - header;
      if (index < 0 || index >= PAYLOAD) throw corruptSketch(bytes.length);
      this.payload[index] = value;
    }
  }

  /** The stored form, version 1. Section 6.2. */
  toBytes(): Uint8Array {
    const isSparse = this.nonZero < DENSE_FROM;
    const bytes = new Uint8Array(HEADER + (isSparse ? this.nonZero * 3 : PAYLOAD));
    const view = new DataView(bytes.buffer);
    view.setUint8(0, 1);
    view.setUint8(1, this.offset);
    view.setInt16(2, this.nonZero);
    view.setUint8(4, this.overflowValue);
    view.setInt16(5, this.overflowRegister);
    if (!isSparse) {
      bytes.set(this.payload, HEADER);
      return bytes;
    }
    let at = HEADER;
    for (let i = 0; i < PAYLOAD; i++) {
      const byte = this.payload[i]!;
      if (byte === 0) continue;
      view.setInt16(at, i + HEADER);
      view.setUint8(at + 2, byte);
      at += 3;
    }
    return bytes;
  }

  /** Estimated distinct values, as Druid computes it from the stored form. Section 6.5. */
  estimate(): number {
    if (this.nonZero === 0 && this.offset > 0) return 0;
    const { sum, zeros } = this.nonZero < DENSE_FROM ? this.sparseSums() : this.denseSums();
    const raw = (ALPHA * REGISTERS * REGISTERS) / sum;
    if (raw <= 2.5 * REGISTERS) return zeros === 0 ? raw : REGISTERS * Math.log(REGISTERS / zeros);
    if (raw > 2 ** 64 / 30) {
      const ratio = raw / 2 ** 64;
      return ratio >= 1 ? Number.POSITIVE_INFINITY : -(2 ** 64) * Math.log(1 - ratio);
    }
    return raw;
  }

  private denseSums(): Sums {
    const sums: Sums = { sum: 0, zeros: 0 };
    for (let i = 0; i < PAYLOAD; i++) this.addByte(sums, i, this.overflowRegister >> 1);
    return sums;
  }

  /** Druid counts absent registers once more, and compares the overflow byte with the stored position. */
  private sparseSums(): Sums {
    const sums: Sums = { sum: 0, zeros: 0 };
    let entries = 0;
    for (let i = 0; i < PAYLOAD; i++) {
      if (this.payload[i] === 0) continue;
      entries++;
      this.addByte(sums, i, (this.overflowRegister >> 1) - HEADER);
    }
    const padding = this.nonZero - entries;
    // Each padding entry stands for a byte of two zero registers, at stored position 0: an overflow of register 0 or 1
    // is seen in every one of them.
    const isOverflow = this.overflowValue !== 0 && this.overflowRegister >> 1 === 0;
    const overflow = 2 ** -Math.max(this.offset, this.overflowValue);
    const zero = 2 ** -this.offset;
    sums.sum += padding * (isOverflow ? zero + overflow : 2 * zero);
    sums.zeros += padding * (isOverflow ? 1 : 2);
    sums.zeros += REGISTERS - 2 * this.nonZero;
    sums.sum += sums.zeros;
    return sums;
  }

  private addByte(sums: Sums, at: number, overflowAt: number): void {
    const byte = this.payload[at]!;
    const upper = byte >> 4;
    const lower = byte & 15;
    if (this.overflowValue !== 0 && at === overflowAt) {
      const isLower = (this.overflowRegister & 1) === 1;
      const high = isLower
        ? upper + this.offset
        : Math.max(upper + this.offset, this.overflowValue);
      const low = isLower ? Math.max(lower + this.offset, this.overflowValue) : lower + this.offset;
      sums.sum += 2 ** -high + 2 ** -low;
      if ((high & 0xf0) === 0) sums.zeros++;
      if ((low & 0x0f) === 0) sums.zeros++;
      return;
    }
    sums.sum += 2 ** -(upper + this.offset) + 2 ** -(lower + this.offset);
    if (upper === 0) sums.zeros++;
    if (lower === 0) sums.zeros++;
  }
}

interface Sums {
  sum: number;
  zeros: number;
}

/** Stored bytes on their way into a fold. */
const unpacked: HyperUnique = new HyperUnique();

const corruptSketch = (length: number): Error =>
  corruptBytes('hyperUnique', 0, `${length} bytes cannot be read`);
