// What segments of a schema say of themselves, fresh rows and finished files alike. Used by the index thread for its
// views and by the build thread for the files.

import { druidGranularity } from '../../../core/model/granularity.ts';
import type { CompiledSchema } from '../../../core/spec/compiled.ts';
import { combiningForm } from '../../view/metric.ts';
import type { ViewMetadata } from '../../view/view.ts';

/** As it goes to metadata.drd. Source: druid-segment-format.md 1.4. */
export function timestampSpecOf(schema: CompiledSchema): unknown {
  const { column, format, missingValueMs } = schema.timestamp;
  return {
    column,
    format,
    missingValue: missingValueMs === null ? null : new Date(missingValueMs).toISOString(),
  };
}

/** Metadata of fresh rows, the same as their segment will carry. */
export function metadataOf(schema: CompiledSchema): ViewMetadata {
  return {
    aggregators: schema.metrics.map(combiningForm),
    queryGranularity: druidGranularity(schema.queryGranularity),
    rollup: schema.rollup,
    timestampSpec: timestampSpecOf(schema),
  };
}
