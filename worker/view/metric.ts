// Metrics as a view describes them: the value type a metric is stored with and its combining form. Used by
// whatever builds a view or a segment; queries read the result from ViewMetadata.

import type { MetricType } from '../../core/spec/realtime-ingestion.ts';
import type { CombiningAggregator } from './view.ts';

/** The stored value type of a metric. Source: druid-segment-format.md 2.9. */
export function metricValueType(type: MetricType): 'LONG' | 'DOUBLE' | 'FLOAT' {
  if (type.startsWith('double')) return 'DOUBLE';
  return type.startsWith('float') ? 'FLOAT' : 'LONG';
}

/**
 * The combining form of an ingestion metric: reads and writes the stored column; a count becomes a sum.
 * Source: druid-segment-format.md 1.4.
 */
export function combiningForm(metric: {
  readonly type: MetricType;
  readonly name: string;
}): CombiningAggregator {
  const type = metric.type === 'count' ? 'longSum' : metric.type;
  return { type, name: metric.name, fieldName: metric.name };
}
