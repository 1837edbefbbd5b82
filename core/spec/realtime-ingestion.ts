// `RealtimeIngestion` as a user writes it: every field, its meaning and unit. The zod schema (schema.ts) is
// typed against these interfaces; CRD, JSON schema and reference page are generated from it.
// Vocabulary and defaults: ingestion.md 12.

/** The API group and version. */
export const API_VERSION = 'sluice.dev/v1alpha1';
/** The kind. */
export const KIND = 'RealtimeIngestion';

/** Types of a dimension. */
export const DIMENSION_TYPES = ['string', 'long', 'double', 'float'] as const;
/** One of {@link DIMENSION_TYPES}. */
export type DimensionType = (typeof DIMENSION_TYPES)[number];

/** How a list of values is stored: sorted, sorted without duplicates, or as given. */
export const MULTI_VALUE_HANDLING = ['sorted_array', 'sorted_set', 'array'] as const;
/** One of {@link MULTI_VALUE_HANDLING}. */
export type MultiValueHandling = (typeof MULTI_VALUE_HANDLING)[number];

/** Metric types that can be computed at ingestion. */
export const METRIC_TYPES = [
  'count',
  'longSum',
  'doubleSum',
  'floatSum',
  'longMin',
  'longMax',
  'doubleMin',
  'doubleMax',
  'floatMin',
  'floatMax',
  'longFirst',
  'longLast',
  'doubleFirst',
  'doubleLast',
  'floatFirst',
  'floatLast',
  'stringFirst',
  'stringLast',
  'hyperUnique',
  'thetaSketch',
  'HLLSketchBuild',
  'quantilesDoublesSketch',
] as const;
/** One of {@link METRIC_TYPES}. */
export type MetricType = (typeof METRIC_TYPES)[number];

/** A dimension: stored as read. */
export interface DimensionSpec {
  readonly name: string;
  /** Default string. */
  readonly type?: DimensionType;
  /** Strings only. Default true. */
  readonly createBitmapIndex?: boolean;
  /** Strings only. Default sorted_array. */
  readonly multiValueHandling?: MultiValueHandling;
}

/** A metric: aggregated over the rows that roll up into one. */
export interface MetricSpec {
  readonly type: MetricType;
  /** Output column. */
  readonly name: string;
  /** Input field; all types but `count` need one. */
  readonly fieldName?: string;
  /** thetaSketch: hashes kept, a power of two. Default 16384. */
  readonly size?: number;
  /** HLLSketchBuild: log2 of the number of registers. Default 12. */
  readonly lgK?: number;
  /** HLLSketchBuild: how registers are stored. Default HLL_4. */
  readonly tgtHllType?: 'HLL_4' | 'HLL_6' | 'HLL_8';
  /** quantilesDoublesSketch: accuracy, a power of two. Default 128. */
  readonly k?: number;
  /** stringFirst, stringLast: UTF-8 bytes kept of a value. Default 1024. */
  readonly maxStringBytes?: number;
}

/** Where the event time is and how it is written. */
export interface TimestampSpec {
  /** Default `timestamp`. */
  readonly column?: string;
  /** `auto`, `iso`, `posix`, `millis`, `micro`, `nano` or a Joda pattern. Default auto. */
  readonly format?: string;
  /** ISO instant for rows without a timestamp; without it such rows are unparseable. */
  readonly missingValue?: string;
}

/** Kinds of file compression and encoding a segment is written with. Druid's indexSpec. */
export interface IndexSpec {
  /** Default roaring. */
  readonly bitmap?: 'roaring' | 'concise';
  /** Default lz4. */
  readonly dimensionCompression?: 'lz4' | 'lzf' | 'zstd' | 'uncompressed';
  /** Default lz4. */
  readonly metricCompression?: 'lz4' | 'lzf' | 'zstd' | 'uncompressed' | 'none';
  /** Default longs. */
  readonly longEncoding?: 'longs' | 'auto';
}

/** Schema of the rows. */
export interface SchemaSpec {
  readonly format: { readonly type: 'json' | 'csv' | 'tsv' | 'avro' | 'protobuf' };
  readonly timestamp?: TimestampSpec;
  /** Empty or absent: every root field but timestamp, exclusions and metric inputs becomes a string dimension. */
  readonly dimensions?: readonly DimensionSpec[];
  /** Only with discovery. */
  readonly dimensionExclusions?: readonly string[];
  readonly metrics?: readonly MetricSpec[];
  /** Default true. */
  readonly rollup?: boolean;
  /** A granularity name (none, second, minute, ..., all) or an ISO period. Default none. */
  readonly queryGranularity?: string;
  /** IANA zone in which period granularities are aligned. Default UTC. */
  readonly timeZone?: string;
  /** A granularity name or ISO period; hour, day, week, month, year and their multiples. Default day. */
  readonly segmentGranularity?: string;
}

/** A reference to one key of a Kubernetes Secret (locally: a file, see docs). */
export interface SecretKeyRef {
  readonly name: string;
  readonly key: string;
}

/** A Kafka source. */
export interface KafkaSourceSpec {
  readonly bootstrapServers: readonly string[];
  readonly topic: string;
  /** Only where nothing is committed. Default Earliest. */
  readonly start?: {
    readonly from: 'Earliest' | 'Latest' | 'Timestamp' | 'Offsets';
    /** ISO instant, with `from: Timestamp`. */
    readonly timestamp?: string;
    /** Partition and decimal offset, with `from: Offsets`. Others start at earliest. */
    readonly offsets?: readonly { readonly partition: number; readonly offset: string }[];
  };
  /** Default Stop. */
  readonly offsetOutOfRange?: 'Stop' | 'ResetToEarliest' | 'ResetToLatest';
  /** Group that committed offsets are mirrored to, for lag tools. Default `sluice-<namespace>-<name>`. */
  readonly consumerGroup?: string;
  readonly tls?: {
    readonly enabled: boolean;
    readonly caSecret?: SecretKeyRef;
    readonly certSecret?: SecretKeyRef;
    readonly keySecret?: SecretKeyRef;
  };
  readonly sasl?: {
    readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
    readonly usernameSecret: SecretKeyRef;
    readonly passwordSecret: SecretKeyRef;
  };
}

/** A file source, for the embedded mode: each matching file is a partition, in name order. */
export interface FileSourceSpec {
  /** Paths, relative to the folder of the resource file; ndjson, `.gz` allowed. */
  readonly paths: readonly string[];
}

/** When a row is too late or too early. */
export interface LatenessSpec {
  /** Default none. */
  readonly policy?: 'none' | 'serverTime' | 'messageTime';
  /** ISO period. Default PT10M. */
  readonly windowPeriod?: string;
  /** Overrides the late side. */
  readonly latePeriod?: string;
  /** Overrides the early side. */
  readonly earlyPeriod?: string;
}

/** What happens to records that cannot be read. */
export interface BadRecordsSpec {
  /** Reading stops with a condition beyond this many since the ingestion began. Default unlimited. */
  readonly max?: number;
  /** Samples kept a worker. Default 20. */
  readonly samples?: number;
  readonly deadLetter?: {
    /** Exactly one of topic and prefix. */
    readonly topic?: string;
    readonly prefix?: string;
    readonly includeLate?: boolean;
    /** What a broken target does. Default Block. */
    readonly onFailure?: 'Block' | 'Drop';
  };
}

/** Worker pods. */
export interface WorkersSpec {
  /** Groups of partitions; capped at the partition count. Default 1. */
  readonly count?: number;
  /** Workers a group. Default 1. */
  readonly replicas?: number;
  readonly resources?: {
    readonly requests?: Readonly<Record<string, string>>;
    readonly limits?: Readonly<Record<string, string>>;
  };
  /** Volume for hydrants; absent: emptyDir. */
  readonly storage?: { readonly size: string; readonly storageClassName?: string };
  /** How long workers of a deleted resource may publish before they are ended by force, s. Default 120. */
  readonly drainDeadlineSeconds?: number;
  /** How long a change of workers may stand still before a condition says so, s. Default 600. */
  readonly progressDeadlineSeconds?: number;
  /** How long a group may have no worker before the others take over its partitions, s. Default 300. */
  readonly takeoverSeconds?: number;
  /** Pod settings merged into the generated pod. */
  readonly template?: Readonly<Record<string, unknown>>;
}

/** When sequences end and hydrants are persisted. */
export interface SegmentsSpec {
  /** ISO period after which a sequence is published. Default PT1H. */
  readonly period?: string;
  /** Stored rows a segment. Default 5000000. */
  readonly maxRows?: number;
  /** Bytes on disk a sequence. Default 2147483647. */
  readonly maxBytes?: number;
  /** ISO period. Default PT10M. */
  readonly persistPeriod?: string;
  /** Rows in memory before a persist. Default 500000. */
  readonly maxRowsInMemory?: number;
  /** Bytes in memory before a persist. Default 134217728. */
  readonly maxBytesInMemory?: number;
  /** Open time chunks before a sequence is cut. Default 100. */
  readonly maxOpenChunks?: number;
  /** ISO period a sequence may take from its cut to its publication before a condition says so. Default PT30M. */
  readonly publishDeadline?: string;
  readonly indexSpec?: IndexSpec;
  readonly publishTo?: { readonly druid?: Readonly<Record<string, unknown>> };
}

/** One retention rule, first match wins. */
export interface RetentionRule {
  /** ISO period back from now; absent with `interval` absent too: for ever. */
  readonly period?: string;
  /** ISO interval. */
  readonly interval?: string;
  /** Replicas a tier; only for load rules. Default `{ _default_tier: 1 }`. */
  readonly tiers?: Readonly<Record<string, number>>;
}

/** Which segments are served. */
export interface RetentionSpec {
  readonly load?: readonly RetentionRule[];
  /** True: what no load rule matches is dropped. Default false. */
  readonly dropOthers?: boolean;
}

/** The spec. */
export interface RealtimeIngestionSpec {
  readonly dataSource: string;
  readonly source: { readonly kafka?: KafkaSourceSpec; readonly file?: FileSourceSpec };
  readonly schema: SchemaSpec;
  readonly lateness?: LatenessSpec;
  readonly badRecords?: BadRecordsSpec;
  readonly workers?: WorkersSpec;
  readonly segments?: SegmentsSpec;
  readonly autoscale?: {
    readonly min: number;
    readonly max: number;
    readonly scaleOutLag?: number;
    readonly scaleInLag?: number;
  };
  readonly retention?: RetentionSpec;
  /** Default Retain. */
  readonly deletionPolicy?: 'Retain' | 'Purge';
  /** Default false. */
  readonly suspend?: boolean;
}

/** The resource. */
export interface RealtimeIngestion {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: typeof KIND;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly [key: string]: unknown;
  };
  readonly spec: RealtimeIngestionSpec;
}
