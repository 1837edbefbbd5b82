// What a build is given and what it gives back. Used by build.ts and its parts.

import type { Granularity } from '../../core/model/granularity.ts';
import type { Interval } from '../../core/model/interval.ts';
import type {
  CompiledDimension,
  CompiledIndexSpec,
  CompiledMetric,
} from '../../core/spec/compiled.ts';
import type { View } from '../view/view.ts';

/** What to build. */
export interface BuildOptions {
  /** Inputs: hydrants, segments or an in-memory index; at most 32 767. Their rows are all taken. */
  readonly views: readonly View[];
  /** The time chunk; half-open. Every row is inside. */
  readonly interval: Interval;
  /** In segment order; with discovery the final list. */
  readonly dimensions: readonly CompiledDimension[];
  /** Stored sorted by name, as Druid does. */
  readonly metrics: readonly CompiledMetric[];
  /** Combine rows of equal time and dimensions. */
  readonly rollup: boolean;
  readonly queryGranularity: Granularity;
  /** As it goes to metadata.drd; null if unknown. */
  readonly timestampSpec: unknown;
  readonly indexSpec: CompiledIndexSpec;
  /** True for a piece that a merge will soon replace: packed fast rather than small. */
  readonly isHydrant?: boolean;
  /** Created; must not exist or be empty. Removed again when the build fails. */
  readonly outDir: string;
  /** Asked every few thousand rows; true stops the build. */
  readonly shouldStop?: () => boolean;
}

/** A finished segment folder, durable on disk. */
export interface BuiltSegment {
  readonly dir: string;
  readonly rows: number;
  /** Sum of the uncompressed file sizes, as in DataSegment.size. */
  readonly sizeBytes: number;
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
}
