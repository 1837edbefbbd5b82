// hyperUnique and cardinality: a sketch a cell. Source: druid-query-api.md 10, druid-segment-format.md 6.

import { HyperUnique } from '../../../core/complex/hyper-unique.ts';
import type { Value } from '../value.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';
import type { AggregateState } from './state.ts';

/** Cells of sketches, made on first use. `round` = the finalised value is a LONG. */
export class SketchState implements AggregateState {
  readonly cellBytes = 1100;
  readonly round: boolean;
  private sketches: (HyperUnique | undefined)[] = [];

  constructor(round: boolean) {
    this.round = round;
  }

  reserve(): void {
    // Cells are sparse: an empty one costs nothing.
  }

  /** The sketch of a cell, to add to. */
  sketch(slot: number): HyperUnique {
    return (this.sketches[slot] ??= new HyperUnique());
  }

  merge(other: AggregateState, slots: Int32Array): void {
    if (!(other instanceof SketchState)) throw new TypeError('sketches merge with sketches');
    for (let i = 0; i < slots.length; i++) {
      const sketch = other.sketches[i];
      if (sketch !== undefined) this.sketch(slots[i]!).fold(sketch);
    }
  }

  pick(slots: Int32Array): SketchState {
    const picked = new SketchState(this.round);
    picked.sketches = Array.from(slots, (slot) => this.sketches[slot]);
    return picked;
  }

  value(slot: number): Value {
    const estimate = this.sketches[slot]?.estimate() ?? 0;
    return this.round ? BigInt(Math.round(estimate)) : estimate;
  }

  raw(slot: number): Value {
    return (this.sketches[slot] ?? new HyperUnique()).toBytes();
  }

  write(out: ByteWriter, count: number): void {
    for (let i = 0; i < count; i++) out.bytes(this.sketches[i]?.toBytes() ?? new Uint8Array(0));
  }

  read(input: ByteReader, count: number): void {
    for (let i = 0; i < count; i++) {
      const bytes = input.bytes();
      if (bytes.length > 0) this.sketch(i).foldBytes(bytes);
    }
  }
}
