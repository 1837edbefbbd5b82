// State of sketch aggregators: a sketch a cell. Source: druid-query-api.md 10.

import { type ComplexKind, complexKind } from '../../../core/complex/complex-kind.ts';
import type { ComplexValue } from '../../../core/complex/complex-value.ts';
import { HllSketch } from '../../../core/complex/hll-sketch.ts';
import { QuantilesSketch } from '../../../core/complex/quantiles-sketch.ts';
import { ThetaSketch } from '../../../core/complex/theta-sketch.ts';
import type { SketchAggregator } from '../sketch-model.ts';
import type { Value } from '../value.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';
import type { AggregateState } from './state.ts';

/** What the cells of a sketch aggregator are. */
function kindOfSketch(aggregator: SketchAggregator): ComplexKind {
  const kind = complexKind(aggregator.sketch);
  if (kind === undefined) throw new TypeError(`${aggregator.sketch.type} is no sketch`);
  return kind;
}

/** Cells of sketches, made on first use. */
export class ComplexState implements AggregateState {
  readonly cellBytes = 4096;
  readonly aggregator: SketchAggregator;
  readonly kind: ComplexKind;
  private cells: (ComplexValue | undefined)[] = [];

  constructor(aggregator: SketchAggregator) {
    this.aggregator = aggregator;
    this.kind = kindOfSketch(aggregator);
  }

  reserve(): void {
    // Cells are sparse: an empty one costs nothing.
  }

  /** The sketch of a cell, to add to. */
  cell(slot: number): ComplexValue {
    return (this.cells[slot] ??= this.kind.make());
  }

  merge(other: AggregateState, slots: Int32Array): void {
    if (!(other instanceof ComplexState)) throw new TypeError('sketches merge with sketches');
    for (let i = 0; i < slots.length; i++) {
      const cell = other.cells[i];
      if (cell !== undefined) this.cell(slots[i]!).fold(cell);
    }
  }

  pick(slots: Int32Array): ComplexState {
    const picked = new ComplexState(this.aggregator);
    picked.cells = Array.from(slots, (slot) => this.cells[slot]);
    return picked;
  }

  value(slot: number): Value {
    if (!this.aggregator.shouldFinalize) return this.raw(slot);
    const cell = this.cells[slot] ?? this.kind.make();
    if (cell instanceof QuantilesSketch) return BigInt(cell.n);
    if (!(cell instanceof HllSketch || cell instanceof ThetaSketch))
      throw new TypeError(`${this.kind.typeName} has no estimate`);
    const estimate = cell.estimate();
    return this.aggregator.round ? BigInt(Math.round(estimate)) : estimate;
  }

  raw(slot: number): Value {
    return (this.cells[slot] ?? this.kind.make()).toBytes();
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
