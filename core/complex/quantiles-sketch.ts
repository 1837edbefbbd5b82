// The classic quantiles sketch of DataSketches over doubles: a buffer of up to 2 k values and levels of k values,
// each worth twice the one below. Which half of two levels stays is chosen by a hash of the count instead of a coin,
// so that the same values in the same order give the same bytes. Bytes: quantiles-bytes.ts.

import { type ComplexValue } from './complex-value.ts';
import { type QuantilesState, readQuantiles, writeQuantiles } from './quantiles-bytes.ts';

/** The least and the greatest k; always a power of two. */
export const QUANTILES_K: readonly [number, number] = [2, 32_768];

/** Values in order, with the weight of all up to each. */
export interface SortedView {
  readonly values: Float64Array;
  readonly cumulative: Float64Array;
}

/** A sketch of at most the accuracy of `k`. */
export class QuantilesSketch implements ComplexValue, QuantilesState {
  k: number;
  n = 0;
  min: number = Number.NaN;
  max: number = Number.NaN;
  /** Values not in a level yet, as many as {@link baseCount}. */
  base: Float64Array;
  baseCount = 0;
  /** Level i holds k ascending values of weight 2^(i+1), or nothing. */
  levels: (Float64Array | undefined)[] = [];

  constructor(k: number) {
    this.k = k;
    this.base = new Float64Array(Math.min(2 * k, 8));
  }

  get heldBytes(): number {
    let levels = 0;
    for (const level of this.levels) levels += level?.byteLength ?? 0;
    return this.base.byteLength + levels;
  }

  /** Adds a value; NaN is ignored. */
  add(value: number): void {
    if (Number.isNaN(value)) return;
    if (!(value >= this.min)) this.min = value;
    if (!(value <= this.max)) this.max = value;
    this.n++;
    if (this.baseCount === this.base.length) {
      const grown = new Float64Array(Math.min(2 * this.k, 2 * this.base.length));
      grown.set(this.base);
      this.base = grown;
    }
    this.base[this.baseCount++] = value;
    if (this.baseCount === 2 * this.k) {
      this.baseCount = 0;
      this.carry(0, this.halved(this.base.sort()));
    }
  }

  /** Every other value of `2 k`, starting with the first or the second. */
  private halved(values: Float64Array): Float64Array {
    const out = new Float64Array(values.length / 2);
    for (let i = 0, from = this.coin(2); i < out.length; i++) out[i] = values[2 * i + from]!;
    return out;
  }

  /** 0 .. sides-1 (a power of two): the top bits of the count times an odd constant. */
  private coin(sides: number): number {
    let hash = Math.imul(this.n ^ (this.levels.length << 20), 0x9e3779b1);
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    return (hash >>> 13) & (sides - 1);
  }

  /** Puts k values into a level, combining with what is there. */
  private carry(from: number, values: Float64Array): void {
    let level = from;
    let carried = values;
    for (;;) {
      const held = this.levels[level];
      if (held === undefined) break;
      this.levels[level] = undefined;
      const both = new Float64Array(2 * this.k);
      both.set(held);
      both.set(carried, this.k);
      carried = this.halved(both.sort());
      level++;
    }
    while (this.levels.length < level) this.levels.push(undefined);
    this.levels[level] = carried;
  }

  fold(other: ComplexValue): void {
    if (!(other instanceof QuantilesSketch))
      throw new TypeError('quantiles sketches fold quantiles sketches');
    this.take(other);
  }

  foldBytes(bytes: Uint8Array): void {
    if (bytes.length > 0) this.take(readQuantiles(bytes));
  }

  /** Few values are added one by one; levels are taken over, in the coarser of the two accuracies. */
  private take(other: QuantilesState): void {
    if (other.n === 0) return;
    const hasLevels = other.levels.some((level) => level !== undefined);
    if (hasLevels && other.k < this.k) this.coarsen(other.k);
    const { min, max } = other;
    const total = this.n + other.n;
    for (let i = 0; i < other.baseCount; i++) this.add(other.base[i]!);
    const factor = other.k / this.k;
    for (const [i, level] of other.levels.entries()) {
      if (level === undefined) continue;
      this.carry(
        i + Math.log2(factor),
        factor === 1 ? Float64Array.from(level) : this.every(level, factor),
      );
    }
    this.n = total;
    if (!(min >= this.min)) this.min = min;
    if (!(max <= this.max)) this.max = max;
  }

  private every(values: Float64Array, step: number): Float64Array {
    const from = this.coin(step);
    return Float64Array.from({ length: values.length / step }, (_, i) => values[i * step + from]!);
  }

  private coarsen(k: number): void {
    const fine = new QuantilesSketch(this.k);
    Object.assign(fine, this);
    this.k = k;
    this.n = 0;
    this.base = new Float64Array(Math.min(2 * k, 8));
    this.baseCount = 0;
    this.levels = [];
    this.take(fine);
  }

  toBytes(): Uint8Array {
    return writeQuantiles(this);
  }

  /** All kept values in order. */
  sorted(): SortedView {
    const pairs: [number, number][] = [];
    for (let i = 0; i < this.baseCount; i++) pairs.push([this.base[i]!, 1]);
    this.levels.forEach((level, i) => {
      for (const value of level ?? []) pairs.push([value, 2 ** (i + 1)]);
    });
    pairs.sort((a, b) => a[0] - b[0]);
    let weight = 0;
    return {
      values: Float64Array.from(pairs, ([value]) => value),
      cumulative: Float64Array.from(pairs, (pair) => (weight += pair[1])),
    };
  }

  /** A stored sketch as it is, with its own k. @throws Failure `corrupt` ComplexCorrupt */
  static ofBytes(bytes: Uint8Array): QuantilesSketch {
    const state = readQuantiles(bytes);
    const sketch = new QuantilesSketch(state.k);
    sketch.take(state);
    return sketch;
  }
}

/** The value at a normalised rank of 0 to 1, inclusive; NaN of nothing. */
export function quantileOf({ values, cumulative }: SortedView, rank: number): number {
  const n = cumulative.at(-1) ?? 0;
  if (n === 0) return Number.NaN;
  const wanted = Math.ceil(rank * n);
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cumulative[middle]! >= wanted) high = middle;
    else low = middle + 1;
  }
  return values[low] ?? Number.NaN;
}

/** Fraction of values at or below a value. NaN of nothing. */
export function rankOf({ values, cumulative }: SortedView, value: number): number {
  const n = cumulative.at(-1) ?? 0;
  if (n === 0) return Number.NaN;
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? 0 : cumulative[low - 1]! / n;
}
