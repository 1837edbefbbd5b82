// The HLL sketch of DataSketches and its union in one: coupons while few, then 2^lgK registers. Estimates by
// historic inverse probability as long as values came one by one, by the composite estimator once two were merged.
// Bytes: hll-bytes.ts. Source: Apache DataSketches `hll`, whose bytes and estimates Druid shows.

import {
  type ComplexValue,
  type HashSketch,
  type ValueHash,
  type ValueHasher,
} from './complex-value.ts';
import { readHll, writeHll } from './hll-bytes.ts';
import { Coupons, LIST_MAX } from './hll-coupons.ts';
import { couponBounds, couponEstimate, relativeError } from './hll-estimate.ts';
import { HLL_TYPES, type HllType, Registers } from './hll-registers.ts';
import { hashDouble, hashLong, hashUtf16, hashUtf8, lastHash } from './sketch-hash.ts';

const ADDRESS_BITS = 26;
const ADDRESS_MASK = 0x3ffffff;

function coupon(out: ValueHash): boolean {
  const { h2Low, h2High, h1Low } = lastHash;
  const zeros = h2High === 0 ? 32 + Math.clz32(h2Low) : Math.clz32(h2High);
  out.low = ((Math.min(zeros, 62) + 1) << ADDRESS_BITS) | (h1Low & ADDRESS_MASK);
  out.high = 0;
  return true;
}

/** Coupons of values; empty text is ignored. Text is hashed as UTF-16 unless `isUtf8`. */
export function hllHasher(isUtf8: boolean): ValueHasher {
  const hash = isUtf8 ? hashUtf8 : hashUtf16;
  return {
    text(bytes, start, end, out) {
      if (start === end) return false;
      hash(bytes, start, end);
      return coupon(out);
    },
    long(low, high, out) {
      hashLong(low, high);
      return coupon(out);
    },
    double(value, out) {
      hashDouble(value);
      return coupon(out);
    },
  };
}

/** A sketch of at most 2^lgMaxK registers. */
export class HllSketch implements HashSketch {
  readonly lgMaxK: number;
  readonly type: HllType;
  private coupons: Coupons | undefined = new Coupons();
  private registers: Registers | undefined;

  constructor(lgMaxK: number, type: HllType) {
    this.lgMaxK = lgMaxK;
    this.type = type;
  }

  get heldBytes(): number {
    return this.registers?.values.length ?? 64 + 4 * (this.coupons?.slots.length ?? 0);
  }

  get isEmpty(): boolean {
    return this.coupons?.count === 0;
  }

  addHash(low: number): void {
    const { coupons } = this;
    if (coupons === undefined) {
      this.registers?.add(low);
      return;
    }
    if (!coupons.add(low)) return;
    if (coupons.isSet) {
      if (!coupons.isCrowded) return;
      if (coupons.lgSlots === this.lgMaxK - 3) this.promote(coupons);
      else coupons.double();
    } else if (coupons.count === LIST_MAX) {
      if (this.lgMaxK < 8) this.promote(coupons);
      else coupons.toSet();
    }
  }

  private promote(coupons: Coupons): void {
    const registers = new Registers(this.lgMaxK);
    coupons.forEach((pair) => registers.add(pair));
    registers.hip = couponEstimate(coupons.count);
    this.registers = registers;
    this.coupons = undefined;
  }

  fold(other: ComplexValue): void {
    if (!(other instanceof HllSketch)) throw new TypeError('HLL sketches fold HLL sketches');
    if (other.registers === undefined) other.coupons?.forEach((pair) => this.addHash(pair));
    else this.foldRegisters(other.registers);
  }

  private foldRegisters(source: Registers): void {
    const mine = this.registers;
    if (mine === undefined) {
      const taken = source.lgK > this.lgMaxK ? source.downsampled(this.lgMaxK) : source.copy();
      this.coupons?.forEach((pair) => taken.add(pair));
      this.registers = taken;
      this.coupons = undefined;
      return;
    }
    const target = source.lgK < mine.lgK ? mine.downsampled(source.lgK) : mine;
    target.merge(source);
    this.registers = target;
  }

  foldBytes(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const state = readHll(bytes);
    if (state instanceof Registers) this.foldRegisters(state);
    else for (const pair of state) this.addHash(pair);
  }

  toBytes(): Uint8Array {
    return writeHll(this.registers ?? this.coupons ?? new Coupons(), this.lgMaxK, this.type);
  }

  estimate(): number {
    return this.registers?.estimate ?? couponEstimate(this.coupons?.count ?? 0);
  }

  /** Estimate, lower and upper bound. */
  bounds(deviations: number): [number, number, number] {
    const estimate = this.estimate();
    const { registers } = this;
    if (registers === undefined)
      return [estimate, ...couponBounds(this.coupons?.count ?? 0, deviations)];
    const { isMerged, lgK, values } = registers;
    const lower = estimate / (1 + relativeError(false, isMerged, lgK, deviations));
    const upper = estimate / (1 + relativeError(true, isMerged, lgK, deviations));
    return [estimate, Math.max(lower, values.length - registers.zeros), upper];
  }

  /** A stored sketch as it is, with its own number of registers. @throws Failure `corrupt` ComplexCorrupt */
  static ofBytes(bytes: Uint8Array): HllSketch {
    const lgK = Math.min(21, Math.max(4, bytes[3] ?? 4));
    const sketch = new HllSketch(lgK, HLL_TYPES[((bytes[7] ?? 0) >> 2) & 3] ?? 'HLL_4');
    sketch.foldBytes(bytes);
    return sketch;
  }
}
