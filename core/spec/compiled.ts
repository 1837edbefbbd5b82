// The third stage of a resource: everything resolved to milliseconds, bytes and closed unions, no optional
// field left that has a default. Workers see only this. Built once by compile.ts in the composition root.

import type { Granularity } from '../model/granularity.ts';
import type { Interval } from '../model/interval.ts';
import type {
  DimensionType,
  MetricType,
  MultiValueHandling,
  RetentionSpec,
} from './realtime-ingestion.ts';

/** A dimension with defaults. */
export interface CompiledDimension {
  readonly name: string;
  readonly type: DimensionType;
  readonly createBitmapIndex: boolean;
  readonly multiValueHandling: MultiValueHandling;
}

/** A metric with defaults. `fieldName` is `''` for count. */
export interface CompiledMetric {
  readonly type: MetricType;
  readonly name: string;
  readonly fieldName: string;
  /** Parameters of sketches and text pairs; absent = their default (core/complex/complex-kind.ts). */
  readonly size?: number;
  readonly lgK?: number;
  readonly tgtHllType?: 'HLL_4' | 'HLL_6' | 'HLL_8';
  readonly k?: number;
  readonly maxStringBytes?: number;
}

/** How segments are written. */
export interface CompiledIndexSpec {
  readonly bitmap: 'roaring' | 'concise';
  readonly dimensionCompression: 'lz4' | 'lzf' | 'zstd' | 'uncompressed';
  readonly metricCompression: 'lz4' | 'lzf' | 'zstd' | 'uncompressed' | 'none';
  readonly longEncoding: 'longs' | 'auto';
}

/** What decides how bytes become rows: stored under `R/schemas/<revision>` as JSON (protocol.md 2). */
export interface CompiledSchema {
  readonly timestamp: {
    readonly column: string;
    readonly format: string;
    readonly missingValueMs: number | null;
  };
  /** Empty with discovery. */
  readonly dimensions: readonly CompiledDimension[];
  readonly discovery: boolean;
  readonly dimensionExclusions: readonly string[];
  readonly metrics: readonly CompiledMetric[];
  readonly rollup: boolean;
  readonly queryGranularity: Granularity;
  readonly segmentGranularity: Granularity;
  readonly lateness: {
    readonly policy: 'none' | 'serverTime' | 'messageTime';
    /** Milliseconds; Infinity where the side is open. */
    readonly lateMs: number;
    readonly earlyMs: number;
  };
  readonly indexSpec: CompiledIndexSpec;
}

/** A secret as a composition root resolves it. */
export type SecretLookup = (ref: { readonly name: string; readonly key: string }) => string;

/** A compiled Kafka source. Secrets are references until the adapter is opened. */
export interface CompiledKafkaSource {
  readonly type: 'kafka';
  readonly bootstrapServers: readonly string[];
  readonly topic: string;
  readonly start:
    | { readonly from: 'Earliest' | 'Latest' }
    | { readonly from: 'Timestamp'; readonly timestampMs: number }
    | { readonly from: 'Offsets'; readonly offsets: ReadonlyMap<number, number> };
  readonly offsetOutOfRange: 'Stop' | 'ResetToEarliest' | 'ResetToLatest';
  readonly consumerGroup: string;
  readonly tls: {
    readonly ca?: { readonly name: string; readonly key: string };
    readonly cert?: { readonly name: string; readonly key: string };
    readonly key?: { readonly name: string; readonly key: string };
  } | null;
  readonly sasl: {
    readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
    readonly username: { readonly name: string; readonly key: string };
    readonly password: { readonly name: string; readonly key: string };
  } | null;
}

/** A compiled file source; paths absolute. */
export interface CompiledFileSource {
  readonly type: 'file';
  readonly paths: readonly string[];
}

/** A dead-letter target. */
export interface CompiledDeadLetter {
  readonly target: { readonly topic: string } | { readonly prefix: string };
  readonly includeLate: boolean;
  readonly onFailure: 'Block' | 'Drop';
}

/** A compiled resource. */
export interface CompiledIngestion {
  readonly namespace: string;
  readonly name: string;
  readonly dataSource: string;
  readonly source: CompiledKafkaSource | CompiledFileSource;
  readonly schema: CompiledSchema;
  readonly badRecords: {
    readonly max: number;
    readonly samples: number;
    readonly deadLetter: CompiledDeadLetter | null;
  };
  readonly workers: {
    readonly count: number;
    readonly replicas: number;
    /** How long a group may have no worker. */
    readonly takeoverMs: number;
  };
  readonly segments: {
    readonly periodMs: number;
    readonly maxRows: number;
    readonly maxBytes: number;
    readonly persistPeriodMs: number;
    readonly maxRowsInMemory: number;
    readonly maxBytesInMemory: number;
    readonly maxOpenChunks: number;
    readonly publishDeadlineMs: number;
  };
  readonly retention: RetentionSpec;
  readonly deletionPolicy: 'Retain' | 'Purge';
  readonly suspend: boolean;
}

/** Re-exported so that workers need only this file for the schema's vocabulary. */
export type { Interval };
