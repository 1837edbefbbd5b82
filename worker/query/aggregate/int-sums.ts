// Sums of longs that fit 32 bits, without a BigInt a row: partial sums in doubles, moved to the 64-bit cells before they
// could lose a digit. Fed by feed.ts. Source: performance.md 6.

import { isDense, type RowMask } from '../engine/row-list.ts';
import { IDENTITY } from '../engine/selection.ts';
import type { SlotSums } from '../engine/stored-source.ts';
import type { NumericInput } from './numeric-input.ts';
import type { LongState } from './state.ts';

/** So many values of 32 bits add up to less than 2^53. */
const ROWS_MAX = 1 << 21;

/** With at most so many slots each has {@link LANES} sums: an addition waits for the one before it to the same sum. */
const FEW_SLOTS = 2048;
const LANES = 4;

/** Puts 32-bit values into the cells of a sum; the cells are right only after {@link flush}. */
export class IntSums {
  private readonly state: LongState;
  /** -0 = no value yet, which no sum of whole numbers ever is. */
  private pending: Float64Array = new Float64Array(0);
  /** Sums a slot, side by side. */
  private lanes = LANES;
  private rowsLeft = ROWS_MAX;
  private readonly makeSlotSums: NumericInput['slotSums'];
  /** Made by the column, for `slotCount` slots; undefined where it makes none. */
  private slotSums: SlotSums | undefined;
  private slotCount = 0;
  private readonly put: (slot: number, sum: number) => void;
  /** The cells by halves, low first. */
  private halves: Int32Array = new Int32Array(0);

  constructor(state: LongState, slotSums: NumericInput['slotSums'] = () => undefined) {
    this.state = state;
    this.makeSlotSums = slotSums;
    this.put = (slot, sum) => {
      const { cells, has } = state;
      if (this.halves.buffer !== cells.buffer)
        this.halves = new Int32Array(cells.buffer, cells.byteOffset, 2 * cells.length);
      if (has[slot] === 0) clear(this.halves, 2 * slot);
      addTo(this.halves, 2 * slot, sum);
      has[slot] = 1;
    };
  }

  /** Rows `rows[from .. to-1]`, ascending, at least one, into one cell. */
  run(values: Int32Array, rows: Int32Array, from: number, to: number, slot: number): void {
    const first = rows[from]!;
    const last = rows[to - 1]!;
    // Rows in a row need no indirection, which is the case without a filter.
    const sum =
      last - first === to - 1 - from
        ? sumBetween(values, first, last + 1)
        : sumListed(values, rows, from, to);
    this.addSum(BigInt(sum), slot);
  }

  /** The rows of a mask, at least one, into one cell. */
  runMasked(values: Int32Array, mask: RowMask, slot: number): void {
    this.addSum(BigInt(sumMasked(values, mask)), slot);
  }

  /** What some rows, at least one, add up to. */
  addSum(sum: bigint, slot: number): void {
    const { cells, has } = this.state;
    cells[slot] = cells[slot]! + sum;
    has[slot] = 1;
  }

  /** Row i of the vector, for all of its rows, into cell `slots[i]`. False = nothing was done: use {@link group}. */
  groupWhole(slots: Int32Array): boolean {
    const { length } = this.state.cells;
    if (this.slotCount !== length) {
      this.slotSums?.flush();
      this.slotSums = this.makeSlotSums(length, this.put);
      this.slotCount = length;
    }
    return this.slotSums?.add(slots) ?? false;
  }

  /** Row i of the list into cell `slots[i]`. */
  group(values: Int32Array, rows: Int32Array, count: number, slots: Int32Array): void {
    if (count === 0) return;
    if (this.rowsLeft < count) this.flush();
    this.rowsLeft -= count;
    this.reserve();
    const { pending, lanes } = this;
    if (lanes === LANES) {
      if (rows === IDENTITY) addFirstInLanes(pending, values, count, slots);
      else addListedInLanes(pending, values, rows, count, slots);
    } else if (rows === IDENTITY) addFirst(pending, values, count, slots);
    else addListed(pending, values, rows, count, slots);
  }

  private reserve(): void {
    const { length } = this.state.cells;
    if (this.pending.length >= length * this.lanes) return;
    this.flush();
    this.lanes = length <= FEW_SLOTS ? LANES : 1;
    this.pending = new Float64Array(length * this.lanes).fill(-0);
  }

  /** Moves what is pending to the cells. */
  flush(): void {
    const { pending, lanes } = this;
    this.slotSums?.flush();
    this.rowsLeft = ROWS_MAX;
    for (let at = 0, slot = 0; at < pending.length; at += lanes, slot++) {
      let sum = pending[at]!;
      for (let lane = 1; lane < lanes; lane++) sum += pending[at + lane]!;
      if (!Object.is(sum, -0)) this.put(slot, sum);
    }
    pending.fill(-0);
  }
}

function clear(halves: Int32Array, at: number): void {
  halves[at] = 0;
  halves[at + 1] = 0;
}

/** Adds a whole number of less than 2^53 to the long at `at`, wrapping, without a BigInt. */
function addTo(halves: Int32Array, at: number, sum: number): void {
  const high = Math.floor(sum / 4294967296);
  const low = (halves[at]! >>> 0) + (sum - high * 4294967296);
  halves[at] = low;
  halves[at + 1] = halves[at + 1]! + high + (low >= 4294967296 ? 1 : 0);
}

/** Four sums at once, because an addition waits for the one before. */
function sumBetween(values: Int32Array, from: number, to: number): number {
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let row = from;
  for (; row + 3 < to; row += 4) {
    a += values[row]!;
    b += values[row + 1]!;
    c += values[row + 2]!;
    d += values[row + 3]!;
  }
  for (; row < to; row++) a += values[row]!;
  return a + b + (c + d);
}

function sumListed(values: Int32Array, rows: Int32Array, from: number, to: number): number {
  let a = 0;
  let b = 0;
  let i = from;
  for (; i + 1 < to; i += 2) {
    a += values[rows[i]!]!;
    b += values[rows[i + 1]!]!;
  }
  if (i < to) a += values[rows[i]!]!;
  return a + b;
}

function sumMasked(values: Int32Array, { words, end }: RowMask): number {
  let sum = 0;
  for (let w = 0; w << 5 < end; w++) {
    const word = words[w]!;
    const base = w << 5;
    // The values may end within the last word.
    if (base + 32 <= end && isDense(word)) sum += sumWord(values, base, word);
    else
      for (let rest = word; rest !== 0; rest &= rest - 1)
        sum += values[base + 31 - Math.clz32(rest & -rest)]!;
  }
  return sum;
}

/** All 32 values, those whose bit is not set as 0: there is nothing to guess. */
function sumWord(values: Int32Array, base: number, word: number): number {
  let a = 0;
  let b = 0;
  for (let k = 0; k < 32; k += 4) {
    const bits = word >>> k;
    a += values[base + k]! & -(bits & 1);
    b += values[base + k + 1]! & -((bits >>> 1) & 1);
    a += values[base + k + 2]! & -((bits >>> 2) & 1);
    b += values[base + k + 3]! & -((bits >>> 3) & 1);
  }
  return a + b;
}

function addFirstInLanes(
  sums: Float64Array,
  values: Int32Array,
  count: number,
  slots: Int32Array,
): void {
  let i = 0;
  for (; i + 3 < count; i += 4) {
    const a = slots[i]! << 2;
    sums[a] = sums[a]! + values[i]!;
    const b = (slots[i + 1]! << 2) | 1;
    sums[b] = sums[b]! + values[i + 1]!;
    const c = (slots[i + 2]! << 2) | 2;
    sums[c] = sums[c]! + values[i + 2]!;
    const d = (slots[i + 3]! << 2) | 3;
    sums[d] = sums[d]! + values[i + 3]!;
  }
  for (; i < count; i++) {
    const at = slots[i]! << 2;
    sums[at] = sums[at]! + values[i]!;
  }
}

function addListedInLanes(
  sums: Float64Array,
  values: Int32Array,
  rows: Int32Array,
  count: number,
  slots: Int32Array,
): void {
  for (let i = 0; i < count; i++) {
    const at = (slots[i]! << 2) | (i & 3);
    sums[at] = sums[at]! + values[rows[i]!]!;
  }
}

function addFirst(cells: Float64Array, values: Int32Array, count: number, slots: Int32Array): void {
  let i = 0;
  // Four a turn: what a turn costs by itself is as much as an addition.
  for (; i + 3 < count; i += 4) {
    const a = slots[i]!;
    cells[a] = cells[a]! + values[i]!;
    const b = slots[i + 1]!;
    cells[b] = cells[b]! + values[i + 1]!;
    const c = slots[i + 2]!;
    cells[c] = cells[c]! + values[i + 2]!;
    const d = slots[i + 3]!;
    cells[d] = cells[d]! + values[i + 3]!;
  }
  for (; i < count; i++) {
    const slot = slots[i]!;
    cells[slot] = cells[slot]! + values[i]!;
  }
}

function addListed(
  cells: Float64Array,
  values: Int32Array,
  rows: Int32Array,
  count: number,
  slots: Int32Array,
): void {
  for (let i = 0; i < count; i++) {
    const slot = slots[i]!;
    cells[slot] = cells[slot]! + values[rows[i]!]!;
  }
}
