// Sums of longs by slot, as grouping asks for them, made in the memory of the kernel: an addition there takes half the time,
// and a block need not be copied after it was unpacked. There is one table a thread: who begins while another is using it
// has that one put its sums away first. Used by block-numbers.ts.

import { INPUT, isUnpacked, kernel, memory } from './kernel.ts';

/** The most slots there may be. */
export const SLOTS_MAX: number = kernel.SUMS_MAX.value;
/** The most values added at once. */
const VALUES_MAX = kernel.SLOTS_MAX.value;

const sums = new Int32Array(memory.buffer, kernel.SUMS.value, 2 * SLOTS_MAX);
const slotArea = new Int32Array(memory.buffer, kernel.SLOTS.value, VALUES_MAX);
const intArea = new Int32Array(memory.buffer, INPUT, VALUES_MAX);

/** Every value adds 2^38 as well (numbers.as): sums are told from counts while they stay below half of that. */
const MAGNITUDE_MAX = 2 ** 37;
const ROWS_MAX = 2 ** 24;
/** The power of 2 that the first values are tried with, and how much more the next. */
const POWER = 12;
const POWER_STEP = 3;

let user: SlotSums | undefined;

/** Takes the sum of a slot, a whole number below 2^37. */
export type PutSum = (slot: number, sum: number) => void;

/** Sums of one column's values by slot. */
export class SlotSums {
  readonly #slots: number;
  readonly #put: PutSum;
  /** No value so far was beyond this power of 2. */
  #power = POWER;
  /** With larger ones the table would be put away too often to be worth it, or could not hold those of one call. */
  readonly #powerMax: number;
  #rowsLeft = ROWS_MAX;
  #magnitudeLeft = MAGNITUDE_MAX;

  /** @param slots  at most {@link SLOTS_MAX} */
  constructor(slots: number, put: PutSum) {
    this.#slots = slots;
    this.#put = put;
    this.#powerMax = Math.floor(Math.log2(MAGNITUDE_MAX / Math.max(VALUES_MAX, 4 * slots)));
  }

  /** Adds long i where it was unpacked to the sum of `slots[i]`. False, and nothing is done, when one is too large. */
  addPeeked(longs: BigInt64Array, slots: Int32Array): boolean {
    const { length } = longs;
    if (length > VALUES_MAX || !isUnpacked(longs)) return false;
    while (kernel.areLongsWithin(longs.byteOffset, length, this.#power) === 0)
      if (!this.#widen()) return false;
    this.#reserve(length);
    placeSlots(slots, length);
    kernel.addLongs(longs.byteOffset, length);
    return true;
  }

  /** The same of ints. */
  addInts(ints: Int32Array, slots: Int32Array): boolean {
    const { length } = ints;
    if (length > VALUES_MAX) return false;
    intArea.set(ints);
    while (kernel.areIntsWithin(length, this.#power) === 0) if (!this.#widen()) return false;
    this.#reserve(length);
    placeSlots(slots, length);
    kernel.addInts(length);
    return true;
  }

  /** Puts the sums where they belong: of each slot that was added to. */
  flush(): void {
    if (user !== this) return;
    user = undefined;
    this.#rowsLeft = ROWS_MAX;
    this.#magnitudeLeft = MAGNITUDE_MAX;
    for (let slot = 0; slot < this.#slots; slot++) {
      const low = sums[2 * slot]!;
      const high = sums[2 * slot + 1]!;
      // The nearest multiple of 2^38 is the number of values.
      if (low !== 0 || high !== 0)
        this.#put(slot, (high - (((high + 32) >> 6) << 6)) * 2 ** 32 + (low >>> 0));
    }
    sums.fill(0, 0, 2 * this.#slots);
  }

  #widen(): boolean {
    if (this.#power + POWER_STEP > this.#powerMax) return false;
    this.#power += POWER_STEP;
    return true;
  }

  #reserve(count: number): void {
    const magnitude = count * 2 ** this.#power;
    if (magnitude > this.#magnitudeLeft || count > this.#rowsLeft) this.flush();
    takeTable(this);
    this.#magnitudeLeft -= magnitude;
    this.#rowsLeft -= count;
  }
}

function takeTable(next: SlotSums): void {
  if (user !== next) user?.flush();
  user = next;
}

function placeSlots(slots: Int32Array, count: number): void {
  slotArea.set(slots.length === count ? slots : slots.subarray(0, count));
}
