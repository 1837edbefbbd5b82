// The compiled schema of the ingest benchmarks: all dimensions in the group key, a count and three sums, minute grain.

import type { CompiledSchema } from '../core/spec/compiled.ts';
import type { OpenSequence } from '../worker/roles/ingest/index-messages.ts';
import { START_MS, SUMS } from './wikipedia-rows.ts';

/** A rolled-up schema over string dimensions. */
export function benchSchema(dimensions: readonly string[]): CompiledSchema {
  return {
    timestamp: { column: 'timestamp', format: 'auto', missingValueMs: null },
    dimensions: dimensions.map((name) => ({
      name,
      type: 'string',
      createBitmapIndex: true,
      multiValueHandling: 'sorted_array',
    })),
    discovery: false,
    dimensionExclusions: [],
    metrics: [
      { type: 'count', name: 'count', fieldName: '' },
      ...SUMS.map((name) => ({ type: 'longSum' as const, name, fieldName: name })),
    ],
    rollup: true,
    queryGranularity: { type: 'period', period: 'PT1M', timeZone: 'UTC', originMs: null },
    segmentGranularity: { type: 'period', period: 'P1D', timeZone: 'UTC', originMs: null },
    lateness: { policy: 'none', lateMs: Infinity, earlyMs: Infinity },
    indexSpec: {
      bitmap: 'roaring',
      dimensionCompression: 'lz4',
      metricCompression: 'lz4',
      longEncoding: 'longs',
    },
  };
}

/** Begins a sequence of one chunk that holds all rows. */
export function openSequence(
  dimensions: readonly string[],
  partitions: readonly number[],
): OpenSequence {
  return {
    type: 'open',
    sequenceId: 'bench',
    schema: benchSchema(dimensions),
    chunks: [
      { interval: { startMs: START_MS, endMs: START_MS + 86_400_000 }, segmentId: 'bench-segment' },
    ],
    dimensions: [],
    positions: Object.fromEntries(
      partitions.map((p) => [String(p), { offset: 0, watermarkMs: null, leaderEpoch: -1 }]),
    ),
    end: null,
    samplesMax: 0,
  };
}
