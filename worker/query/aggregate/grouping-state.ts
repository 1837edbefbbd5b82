// State of the grouping aggregator: which dimensions a row of a groupBy with subtotals leaves out. Rows do not change
// it; finish/group-by.ts sets it for each grouping. Source: druid-query-api.md 10.

import type { Value } from '../value.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';
import type { AggregateState } from './state.ts';

/** A bit a dimension, the last one named lowest: 1 = it is left out. */
export class GroupingState implements AggregateState {
  readonly cellBytes = 8;
  private cells: BigInt64Array = new BigInt64Array(0);

  /** `slots` cells of the same bits. */
  static filled(slots: number, bits: bigint): GroupingState {
    const state = new GroupingState();
    state.cells = new BigInt64Array(slots).fill(bits);
    return state;
  }

  reserve(slots: number): void {
    if (slots <= this.cells.length) return;
    const grown = new BigInt64Array(Math.max(slots, this.cells.length * 2));
    grown.set(this.cells);
    this.cells = grown;
  }

  merge(other: AggregateState, slots: Int32Array): void {
    if (!(other instanceof GroupingState)) throw new TypeError('groupings merge with groupings');
    for (let i = 0; i < slots.length; i++) this.cells[slots[i]!] = other.cells[i]!;
  }

  pick(slots: Int32Array): GroupingState {
    const picked = new GroupingState();
    picked.cells = BigInt64Array.from(slots, (slot) => this.cells[slot]!);
    return picked;
  }

  value(slot: number): Value {
    return this.cells[slot] ?? 0n;
  }

  raw(slot: number): Value {
    return this.value(slot);
  }

  write(out: ByteWriter, count: number): void {
    out.cells(this.cells.subarray(0, count));
  }

  read(input: ByteReader, count: number): void {
    this.cells = input.longs(count);
  }
}
