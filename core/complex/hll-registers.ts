// The dense state of an HLL sketch: 2^lgK registers, a byte each, with the sums its estimates need. Held by
// hll-sketch.ts, stored by hll-bytes.ts.

import { compositeEstimate } from './hll-estimate.ts';

/** Widths of a register when stored. */
export const HLL_TYPES = ['HLL_4', 'HLL_6', 'HLL_8'] as const;
/** One of {@link HLL_TYPES}. */
export type HllType = (typeof HLL_TYPES)[number];

const ADDRESS_BITS = 26;
const ADDRESS_MASK = 0x3ffffff;

/** The dense state: one byte a register. */
export class Registers {
  readonly lgK: number;
  readonly values: Uint8Array;
  /** Historic inverse probability estimate; meaningless once merged. */
  hip = 0;
  /** Sum of 2^-value over values below 32, and from 32 on: kept apart for precision. */
  kxq0: number;
  kxq1 = 0;
  isMerged = false;

  constructor(lgK: number) {
    this.lgK = lgK;
    this.values = new Uint8Array(2 ** lgK);
    this.kxq0 = 2 ** lgK;
  }

  add(pair: number): void {
    const slot = pair & ADDRESS_MASK & (this.values.length - 1);
    const value = pair >>> ADDRESS_BITS;
    const old = this.values[slot]!;
    if (value <= old) return;
    this.hip += this.values.length / (this.kxq0 + this.kxq1);
    if (old < 32) this.kxq0 -= 2 ** -old;
    else this.kxq1 -= 2 ** -old;
    if (value < 32) this.kxq0 += 2 ** -value;
    else this.kxq1 += 2 ** -value;
    this.values[slot] = value;
  }

  /** Sums anew from the registers. */
  recount(): void {
    this.kxq0 = 0;
    this.kxq1 = 0;
    for (const value of this.values) {
      if (value < 32) this.kxq0 += 2 ** -value;
      else this.kxq1 += 2 ** -value;
    }
  }

  get zeros(): number {
    let zeros = 0;
    for (const value of this.values) if (value === 0) zeros++;
    return zeros;
  }

  /** The same values in fewer registers; estimates go on where they were. */
  downsampled(lgK: number): Registers {
    const smaller = new Registers(lgK);
    this.values.forEach((value, slot) => {
      if (value > 0) smaller.add((value << ADDRESS_BITS) | slot);
    });
    smaller.hip = this.isMerged ? 0 : this.hip;
    smaller.isMerged = this.isMerged;
    return smaller;
  }

  copy(): Registers {
    const copy = new Registers(this.lgK);
    copy.values.set(this.values);
    copy.hip = this.hip;
    copy.kxq0 = this.kxq0;
    copy.kxq1 = this.kxq1;
    copy.isMerged = this.isMerged;
    return copy;
  }

  /** Greatest of both, register by register; this one has no more registers than the other. */
  merge(other: Registers): void {
    const mask = this.values.length - 1;
    other.values.forEach((value, slot) => {
      if (value > this.values[slot & mask]!) this.values[slot & mask] = value;
    });
    this.isMerged = true;
    this.hip = 0;
    this.recount();
  }

  get estimate(): number {
    if (!this.isMerged) return this.hip;
    return compositeEstimate(this.lgK, this.kxq0 + this.kxq1, this.zeros);
  }
}
