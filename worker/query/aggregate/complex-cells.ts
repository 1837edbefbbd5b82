// What the states of all sketch aggregators have in common: a growing value a cell, made on first use. Extended by
// sketch-state.ts and complex-state.ts. Source: druid-query-api.md 10.

import type { ComplexValue } from '../../../core/complex/complex-value.ts';
import type { Value } from '../value.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';
import type { AggregateState } from './state.ts';

/** Cells of one kind of value. */
export abstract class ComplexCells<C extends ComplexValue> implements AggregateState {
  abstract readonly cellBytes: number;
  protected cells: (C | undefined)[] = [];

  protected abstract make(): C;
  /** A state of the same aggregator without cells. */
  protected abstract empty(): ComplexCells<C>;
  abstract value(slot: number): Value;

  reserve(): void {
    // Cells are sparse: an empty one costs nothing.
  }

  /** The value of a cell, to add to. */
  cell(slot: number): C {
    return (this.cells[slot] ??= this.make());
  }

  merge(other: AggregateState, slots: Int32Array): void {
    if (!(other instanceof ComplexCells) || other.constructor !== this.constructor)
      throw new TypeError('sketches merge with sketches');
    const cells: readonly (ComplexValue | undefined)[] = other.cells;
    for (let i = 0; i < slots.length; i++) {
      const cell = cells[i];
      if (cell !== undefined) this.cell(slots[i]!).fold(cell);
    }
  }

  pick(slots: Int32Array): ComplexCells<C> {
    const picked = this.empty();
    picked.cells = Array.from(slots, (slot) => this.cells[slot]);
    return picked;
  }

  raw(slot: number): Value {
    return (this.cells[slot] ?? this.make()).toBytes();
  }

  write(out: ByteWriter, count: number): void {
    for (let i = 0; i < count; i++) out.bytes(this.cells[i]?.toBytes() ?? new Uint8Array(0));
  }

  read(input: ByteReader, count: number): void {
    for (let i = 0; i < count; i++) {
      const bytes = input.bytes();
      if (bytes.length > 0) this.cell(i).foldBytes(bytes);
    }
  }
}
