// Metrics as a view describes them: the value type a metric is stored with and its combining form. Used by
// whatever builds a view or a segment; queries read the result from ViewMetadata.

import { COMPLEX_DEFAULTS, type ComplexAggregator } from '../../core/complex/complex-kind.ts';
import type { MetricType } from '../../core/spec/realtime-ingestion.ts';
import type { CombiningAggregator } from './view.ts';

/** The stored value type of a metric. Source: druid-segment-format.md 2.9. */
export function metricValueType(type: MetricType): 'LONG' | 'DOUBLE' | 'FLOAT' {
  if (type.startsWith('double')) return 'DOUBLE';
  return type.startsWith('float') ? 'FLOAT' : 'LONG';
}

/** A metric as specs write it; parameters that are absent have their default. */
interface Metric extends ComplexAggregator {
  readonly type: MetricType;
  readonly name: string;
}

/**
 * The combining form of an ingestion metric: reads and writes the stored column; a count becomes a sum. Keys are in
 * Druid's order. Source: druid-segment-format.md 1.4, 8.1.
 */
export function combiningForm(metric: Metric): CombiningAggregator {
  const { type, name } = metric;
  const base = { type, name, fieldName: name };
  const { size, lgK, tgtHllType, k, maxStringBytes } = { ...COMPLEX_DEFAULTS, ...metric };
  switch (type) {
    case 'count':
      return { ...base, type: 'longSum' };
    case 'hyperUnique':
      return Object.assign(base, { isInputHyperUnique: false, round: false });
    case 'thetaSketch':
      return Object.assign(base, { size });
    case 'HLLSketchBuild':
      return Object.assign({ ...base, type: 'HLLSketchMerge' }, { lgK, tgtHllType });
    case 'quantilesDoublesSketch': {
      const parameters = { k, maxStreamLength: 1_000_000_000 };
      return { type: 'quantilesDoublesSketchMerge', name, ...parameters, fieldName: name };
    }
    case 'stringFirst':
    case 'stringLast':
      return Object.assign(base, { timeColumn: '__time', maxStringBytes });
    default:
      return /(First|Last)$/.test(type) ? Object.assign(base, { timeColumn: '__time' }) : base;
  }
}
