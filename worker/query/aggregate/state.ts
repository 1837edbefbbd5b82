// Aggregation state: one column of cells, a cell a group. States know nothing of views: they merge, travel and
// give values. Fed by feeders (feed.ts); merged by merge.ts; read by finish/.

import type { Value } from '../value.ts';
import { type ByteReader, type ByteWriter } from './bytes.ts';

/** One aggregator's cells. */
export interface AggregateState {
  /** Makes cells `0 .. slots-1` usable; new ones are empty. */
  reserve(slots: number): void;
  /** Folds cell i of `other`, which must be of the same kind, into cell `slots[i]`. */
  merge(other: AggregateState, slots: Int32Array): void;
  /** A new state holding the given cells in the given order. */
  pick(slots: Int32Array): AggregateState;
  /** Finalised value; what an empty cell gives is the aggregator's value over no rows. */
  value(slot: number): Value;
  /** Unfinalised value: differs for sketches only, which give their bytes. */
  raw(slot: number): Value;
  /** Estimated bytes of a cell. */
  readonly cellBytes: number;
  write(out: ByteWriter, count: number): void;
  read(input: ByteReader, count: number): void;
}

function grownTo(current: number, slots: number): number {
  return slots <= current ? current : Math.max(slots, current * 2, 16);
}

/** count: never null. */
export class CountState implements AggregateState {
  readonly cellBytes = 8;
  cells: Float64Array = new Float64Array(0);

  reserve(slots: number): void {
    const size = grownTo(this.cells.length, slots);
    if (size === this.cells.length) return;
    const grown = new Float64Array(size);
    grown.set(this.cells);
    this.cells = grown;
  }

  merge(other: AggregateState, slots: Int32Array): void {
    if (!(other instanceof CountState)) throw new TypeError('count merges with count');
    for (let i = 0; i < slots.length; i++)
      this.cells[slots[i]!] = this.cells[slots[i]!]! + other.cells[i]!;
  }

  pick(slots: Int32Array): CountState {
    const picked = new CountState();
    picked.cells = Float64Array.from(slots, (slot) => this.cells[slot]!);
    return picked;
  }

  value(slot: number): Value {
    return BigInt(this.cells[slot] ?? 0);
  }

  raw(slot: number): Value {
    return this.value(slot);
  }

  write(out: ByteWriter, count: number): void {
    out.cells(this.cells.subarray(0, count));
  }

  read(input: ByteReader, count: number): void {
    this.cells = input.doubles(count);
  }
}

/** What a numeric state does with a further value. */
export type Operation = 'sum' | 'min' | 'max';

/** longSum, longMin, longMax. Sums wrap at 64 bits as in Java; a cell without values is null. */
export class LongState implements AggregateState {
  readonly cellBytes = 9;
  readonly operation: Operation;
  cells: BigInt64Array = new BigInt64Array(0);
  /** 1 = the cell has a value. */
  has: Uint8Array = new Uint8Array(0);

  constructor(operation: Operation) {
    this.operation = operation;
  }

  reserve(slots: number): void {
    const size = grownTo(this.cells.length, slots);
    if (size === this.cells.length) return;
    const cells = new BigInt64Array(size);
    const has = new Uint8Array(size);
    cells.set(this.cells);
    has.set(this.has);
    this.cells = cells;
    this.has = has;
  }

  merge(other: AggregateState, slots: Int32Array): void {
    if (!(other instanceof LongState)) throw new TypeError('longs merge with longs');
    for (let i = 0; i < slots.length; i++)
      if (other.has[i] === 1) this.add(slots[i]!, other.cells[i]!);
  }

  private add(slot: number, value: bigint): void {
    const { cells, has, operation } = this;
    if (has[slot] === 0) cells[slot] = value;
    else if (operation === 'sum') cells[slot] = cells[slot]! + value;
    else if (operation === 'min' ? value < cells[slot]! : value > cells[slot]!) cells[slot] = value;
    has[slot] = 1;
  }

  pick(slots: Int32Array): LongState {
    const picked = new LongState(this.operation);
    picked.reserve(slots.length);
    for (let i = 0; i < slots.length; i++) {
      picked.cells[i] = this.cells[slots[i]!]!;
      picked.has[i] = this.has[slots[i]!]!;
    }
    return picked;
  }

  /** The cells of the slots as doubles, `empty` = no value; null when one of them is not exact as a double. */
  doubles(slots: Int32Array, empty: number): Float64Array | null {
    const halves = new Int32Array(this.cells.buffer, this.cells.byteOffset, 2 * this.cells.length);
    const out = new Float64Array(slots.length);
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i]!;
      const value = halves[2 * slot + 1]! * 4294967296 + (halves[2 * slot]! >>> 0);
      if (!Number.isSafeInteger(value)) return null;
      out[i] = this.has[slot] === 1 ? value : empty;
    }
    return out;
  }

  value(slot: number): Value {
    return this.has[slot] === 1 ? (this.cells[slot] ?? null) : null;
  }

  raw(slot: number): Value {
    return this.value(slot);
  }

  write(out: ByteWriter, count: number): void {
    out.cells(this.cells.subarray(0, count));
    out.cells(this.has.subarray(0, count));
  }

  read(input: ByteReader, count: number): void {
    this.cells = input.longs(count);
    this.has = input.raw(count);
  }
}

/** doubleSum to floatMax. A float state rounds to 32 bits after each step, as Druid does. */
export class DoubleState implements AggregateState {
  readonly cellBytes = 9;
  readonly operation: Operation;
  readonly isFloat: boolean;
  cells: Float64Array = new Float64Array(0);
  /** 1 = the cell has a value. */
  has: Uint8Array = new Uint8Array(0);

  constructor(operation: Operation, isFloat: boolean) {
    this.operation = operation;
    this.isFloat = isFloat;
  }

  reserve(slots: number): void {
    const size = grownTo(this.cells.length, slots);
    if (size === this.cells.length) return;
    const cells = new Float64Array(size);
    const has = new Uint8Array(size);
    cells.set(this.cells);
    has.set(this.has);
    this.cells = cells;
    this.has = has;
  }

  merge(other: AggregateState, slots: Int32Array): void {
    if (!(other instanceof DoubleState)) throw new TypeError('doubles merge with doubles');
    for (let i = 0; i < slots.length; i++)
      if (other.has[i] === 1) this.add(slots[i]!, other.cells[i]!);
  }

  private add(slot: number, value: number): void {
    const { cells, has, operation } = this;
    if (has[slot] === 0) cells[slot] = value;
    else if (operation === 'sum')
      cells[slot] = this.isFloat ? Math.fround(cells[slot]! + value) : cells[slot]! + value;
    else
      cells[slot] =
        operation === 'min' ? Math.min(cells[slot]!, value) : Math.max(cells[slot]!, value);
    has[slot] = 1;
  }

  pick(slots: Int32Array): DoubleState {
    const picked = new DoubleState(this.operation, this.isFloat);
    picked.reserve(slots.length);
    for (let i = 0; i < slots.length; i++) {
      picked.cells[i] = this.cells[slots[i]!]!;
      picked.has[i] = this.has[slots[i]!]!;
    }
    return picked;
  }

  value(slot: number): Value {
    return this.has[slot] === 1 ? (this.cells[slot] ?? null) : null;
  }

  raw(slot: number): Value {
    return this.value(slot);
  }

  write(out: ByteWriter, count: number): void {
    out.cells(this.cells.subarray(0, count));
    out.cells(this.has.subarray(0, count));
  }

  read(input: ByteReader, count: number): void {
    this.cells = input.doubles(count);
    this.has = input.raw(count);
  }
}
