// What segments of a schema say of themselves, fresh rows and finished files alike. Used by the index thread for its
// views, by the build thread for the files, and by the command line's own builds.

import { druidGranularity } from '../../../core/model/granularity.ts';
import type { CompiledDimension, CompiledSchema } from '../../../core/spec/compiled.ts';
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

/**
 * Dimensions in segment order. Discovered ones (`names`, in order of appearance) are sorted by name, so that every
 * replica stores the same (protocol.md 7 "Content").
 */
export function dimensionsOf(
  schema: CompiledSchema,
  names: readonly string[],
): readonly CompiledDimension[] {
  if (!schema.discovery) return schema.dimensions;
  return names
    .toSorted((a, b) => (a < b ? -1 : 1))
    .map((name) => ({
      name,
      type: 'string',
      createBitmapIndex: true,
      multiValueHandling: 'sorted_array',
    }));
}
