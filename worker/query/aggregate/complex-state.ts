// State of sketch aggregators: a sketch a cell. Source: druid-query-api.md 10.

import { type ComplexKind, complexKind } from '../../../core/complex/complex-kind.ts';
import type { ComplexValue } from '../../../core/complex/complex-value.ts';
import { HllSketch } from '../../../core/complex/hll-sketch.ts';
import { QuantilesSketch } from '../../../core/complex/quantiles-sketch.ts';
import { ThetaSketch } from '../../../core/complex/theta-sketch.ts';
import type { SketchAggregator } from '../sketch-model.ts';
import type { Value } from '../value.ts';
import { ComplexCells } from './complex-cells.ts';

/** What the cells of a sketch aggregator are. */
function kindOfSketch(aggregator: SketchAggregator): ComplexKind {
  const kind = complexKind(aggregator.sketch);
  if (kind === undefined) throw new TypeError(`${aggregator.sketch.type} is no sketch`);
  return kind;
}

/** Cells of sketches, made on first use. */
export class ComplexState extends ComplexCells<ComplexValue> {
  readonly cellBytes = 4096;
  readonly aggregator: SketchAggregator;
  readonly kind: ComplexKind;

  constructor(aggregator: SketchAggregator) {
    super();
    this.aggregator = aggregator;
    this.kind = kindOfSketch(aggregator);
  }

  protected make(): ComplexValue {
    return this.kind.make();
  }

  protected empty(): ComplexState {
    return new ComplexState(this.aggregator);
  }

  value(slot: number): Value {
    if (!this.aggregator.shouldFinalize) return this.raw(slot);
    const cell = this.cells[slot] ?? this.make();
    if (cell instanceof QuantilesSketch) return BigInt(cell.n);
    if (!(cell instanceof HllSketch || cell instanceof ThetaSketch))
      throw new TypeError(`${this.kind.typeName} has no estimate`);
    const estimate = cell.estimate();
    return this.aggregator.round ? BigInt(Math.round(estimate)) : estimate;
  }
}
