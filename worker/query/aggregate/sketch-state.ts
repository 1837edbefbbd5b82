// hyperUnique and cardinality: a sketch a cell. Source: druid-query-api.md 10, druid-segment-format.md 6.

import { HyperUnique } from '../../../core/complex/hyper-unique.ts';
import type { Value } from '../value.ts';
import { ComplexCells } from './complex-cells.ts';

/** Cells of sketches, made on first use. `round` = the finalised value is a LONG. */
export class SketchState extends ComplexCells<HyperUnique> {
  readonly cellBytes = 1100;
  readonly round: boolean;

  constructor(round: boolean) {
    super();
    this.round = round;
  }

  protected make(): HyperUnique {
    return new HyperUnique();
  }

  protected empty(): SketchState {
    return new SketchState(this.round);
  }

  value(slot: number): Value {
    const estimate = this.cells[slot]?.estimate() ?? 0;
    return this.round ? BigInt(Math.round(estimate)) : estimate;
  }
}
