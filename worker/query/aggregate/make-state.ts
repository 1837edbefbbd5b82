// From an aggregator of a query to its empty state. Fed by execution, merge and decoding alike, so that all
// three agree. Source: druid-query-api.md 10.

import type { Aggregator } from '../model.ts';
import { ComplexState } from './complex-state.ts';
import { GroupingState } from './grouping-state.ts';
import { MeanState } from './mean-state.ts';
import { PickState } from './pick-state.ts';
import { SketchState } from './sketch-state.ts';
import { type AggregateState, CountState, DoubleState, LongState } from './state.ts';

/** An empty state; a filtered aggregator has its inner one's. */
export function makeState(aggregator: Aggregator): AggregateState {
  switch (aggregator.type) {
    case 'count':
      return new CountState();
    case 'numeric':
      return aggregator.valueType === 'LONG'
        ? new LongState(aggregator.operation)
        : new DoubleState(aggregator.operation, aggregator.valueType === 'FLOAT');
    case 'pick':
      return new PickState(aggregator.operation);
    case 'cardinality':
    case 'hyperUnique':
      return new SketchState(aggregator.round);
    case 'sketch':
      return new ComplexState(aggregator);
    case 'mean':
      return new MeanState();
    case 'grouping':
      return new GroupingState();
    case 'filtered':
      return makeState(aggregator.aggregator);
  }
}
