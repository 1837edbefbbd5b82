// The values of a long, double or float column in decoded blocks, and sums of them from blocks that are unpacked but not
// kept. Made by number-supplier.ts; read through number-column.ts.

import type { ColumnSlotSums } from '../view/view.ts';
import { type CachedBlocks, eachRun } from './block-cache.ts';
import { sumMaskedPeeked, sumPeeked } from './peeked-numbers.ts';
import { type PutSum, SLOTS_MAX, SlotSums } from './slot-sums.ts';

/** Value types of numeric columns. */
export type NumberType = 'LONG' | 'DOUBLE' | 'FLOAT';

/** A decoded block. Longs that fit 32 bits are kept so: half the memory, and sums need no BigInt. */
export type NumberBlock =
  | BigInt64Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>
  | Float32Array<ArrayBuffer>;

/** Values of a numeric column, nulls as 0. */
export interface NumberSupplier {
  readonly rows: number;
  readonly type: NumberType;
  /** LONG only. */
  readLongs(from: number, count: number, out: BigInt64Array): void;
  readDoubles(from: number, count: number, out: Float64Array): void;
  /** See {@link NumericColumn.intRun}. */
  intRun(from: number, count: number): Int32Array | undefined;
  /** See {@link NumericColumn.runSum}. */
  runSum(from: number, count: number): bigint | undefined;
  /** See {@link NumericColumn.maskedSum}. */
  maskedSum(from: number, count: number, words: Int32Array): bigint | undefined;
  /** See {@link NumericColumn.slotSums}. */
  slotSums(slots: number, put: PutSum): ColumnSlotSums | undefined;
}

/** Decoded values are as quickly added up by so few slots by who asks. */
const FEW_SLOTS = 2048;

export class BlockNumbers implements NumberSupplier {
  readonly type: NumberType;
  readonly rows: number;
  readonly #sizePer: number;
  readonly #blocks: CachedBlocks<NumberBlock>;
  readonly #peekLongs: ((index: number) => BigInt64Array) | undefined;
  /** Sums of blocks. A few bytes a block, so they stay. */
  readonly #sums: (bigint | undefined)[] = [];

  constructor(parts: {
    readonly type: NumberType;
    readonly rows: number;
    readonly sizePer: number;
    readonly blocks: CachedBlocks<NumberBlock>;
    /** The longs of a block where it was unpacked. */
    readonly peekLongs: ((index: number) => BigInt64Array) | undefined;
  }) {
    this.type = parts.type;
    this.rows = parts.rows;
    this.#sizePer = parts.sizePer;
    this.#blocks = parts.blocks;
    this.#peekLongs = parts.peekLongs;
  }

  readLongs(from: number, count: number, out: BigInt64Array): void {
    eachRun(this.#blocks, this.#sizePer, from, count, (block, start, n, at) => {
      if (block instanceof BigInt64Array) out.set(block.subarray(start, start + n), at);
      else if (block instanceof Int32Array) widenInts(block, start, n, out, at);
    });
  }

  intRun(from: number, count: number): Int32Array | undefined {
    const index = Math.floor(from / this.#sizePer);
    const start = from - index * this.#sizePer;
    // A run that ends in the next block, or an empty one at the very end.
    if (count === 0 || start + count > this.#sizePer) return undefined;
    const block = this.#blocks.lend(index);
    if (!(block instanceof Int32Array)) return undefined;
    return start === 0 && count === block.length ? block : block.subarray(start, start + count);
  }

  runSum(from: number, count: number): bigint | undefined {
    const index = this.#wholeBlock(from, count);
    return index < 0 ? undefined : (this.#sums[index] ??= this.#sumOf(index));
  }

  /** A block that only its sum is asked of is not worth memory in the cache. */
  #sumOf(index: number): bigint | undefined {
    const longs = this.#blocks.has(index) ? undefined : this.#peekLongs?.(index);
    const sum = longs === undefined ? undefined : sumPeeked(longs);
    if (sum !== undefined) return sum;
    const block = this.#blocks.get(index);
    if (block instanceof Int32Array) return BigInt(block.reduce((a, b) => a + b, 0));
    if (!(block instanceof BigInt64Array)) return undefined;
    const wide = block.reduce((a, b) => a + b, 0n);
    return BigInt.asIntN(64, wide);
  }

  maskedSum(from: number, count: number, words: Int32Array): bigint | undefined {
    const longs = this.#firstLook(this.#wholeBlock(from, count));
    return longs === undefined ? undefined : sumMaskedPeeked(longs, words, (count + 31) >> 5);
  }

  slotSums(slots: number, put: PutSum): ColumnSlotSums | undefined {
    if (this.#peekLongs === undefined || slots > SLOTS_MAX) return undefined;
    const sums = new SlotSums(slots, put);
    // Once a value was too large others will be, and a look that was in vain costs as much as a block.
    let isFit = true;
    return {
      add: (from, count, slotOf) => {
        const index = this.#wholeBlock(from, count);
        if (index < 0 || !isFit) return false;
        const longs = this.#firstLook(index);
        if (longs !== undefined) return (isFit = sums.addPeeked(longs, slotOf));
        if (slots <= FEW_SLOTS) return false;
        const block = this.#blocks.lend(index);
        return (isFit = block instanceof Int32Array && sums.addInts(block, slotOf));
      },
      flush: () => sums.flush(),
    };
  }

  /** The block that is exactly these rows, or -1. */
  #wholeBlock(from: number, count: number): number {
    const index = Math.floor(from / this.#sizePer);
    const start = index * this.#sizePer;
    const isWhole = from === start && count === Math.min(this.#sizePer, this.rows - start);
    return isWhole && count > 0 ? index : -1;
  }

  /** The longs of a block that nobody looked at before, where it was unpacked. */
  #firstLook(index: number): BigInt64Array | undefined {
    if (this.#peekLongs === undefined || index < 0) return undefined;
    return this.#blocks.isFirstLook(index) ? this.#peekLongs(index) : undefined;
  }

  readDoubles(from: number, count: number, out: Float64Array): void {
    eachRun(this.#blocks, this.#sizePer, from, count, (block, start, n, at) => {
      if (block instanceof BigInt64Array) roundLongs(block, start, n, out, at);
      else out.set(block.subarray(start, start + n), at);
    });
  }
}

/** Longs from ints, by halves: low first, then the sign. */
function widenInts(
  block: Int32Array,
  start: number,
  count: number,
  out: BigInt64Array,
  at: number,
): void {
  const halves = new Int32Array(out.buffer, out.byteOffset + 8 * at, 2 * count);
  for (let i = 0, p = 0; i < count; i++, p += 2) {
    const value = block[start + i]!;
    halves[p] = value;
    halves[p + 1] = value >> 31;
  }
}

/** Longs to the nearest doubles without a BigInt per value: the high half is exact, one addition rounds. */
function roundLongs(
  block: BigInt64Array,
  start: number,
  count: number,
  out: Float64Array,
  at: number,
): void {
  const halves = new Int32Array(block.buffer, block.byteOffset, 2 * block.length);
  for (let i = 0, p = 2 * start; i < count; i++, p += 2) {
    out[at + i] = halves[p + 1]! * 4294967296 + (halves[p]! >>> 0);
  }
}
