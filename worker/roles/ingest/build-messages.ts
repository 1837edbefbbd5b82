// What the main thread asks of the build thread of an ingest worker: persist frozen pieces, merge hydrants into
// finished segments. Each request is one unit of work; they run one after the other.

import type { Interval } from '../../../core/model/interval.ts';
import type { CompiledSchema } from '../../../core/spec/compiled.ts';
import type { IndexData } from '../../index/index-data.ts';

/** Requests. Folders are created by the thread; an existing one is replaced. */
export type BuildRequest =
  /** One hydrant. Answer: {@link BuiltDir}. */
  | {
      readonly type: 'persist';
      readonly data: IndexData;
      readonly schema: CompiledSchema;
      readonly dimensions: readonly string[];
      readonly dir: string;
    }
  /** Hydrants of one segment -> segment folder -> zip. Answer: {@link BuiltZip}. */
  | {
      readonly type: 'merge';
      readonly hydrants: readonly string[];
      readonly segmentId: string;
      readonly interval: Interval;
      readonly schema: CompiledSchema;
      readonly dimensions: readonly string[];
      readonly dir: string;
      readonly zipFile: string;
    };

/** A folder in segment format. */
export interface BuiltDir {
  readonly rows: number;
  readonly sizeBytes: number;
}

/** A zipped segment. */
export interface BuiltZip extends BuiltDir {
  readonly zipBytes: number;
  readonly sha256: string;
  /** Stored columns, in order. */
  readonly dimensions: readonly string[];
  readonly metrics: readonly string[];
}
