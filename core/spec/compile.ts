// A validated resource -> the compiled one that workers see: defaults filled in, periods in milliseconds, paths
// absolute. Runs once, in the composition root. Defaults: ingestion.md 12.

import { resolve } from 'node:path';
import type {
  CompiledDeadLetter,
  CompiledFileSource,
  CompiledIngestion,
  CompiledKafkaSource,
  CompiledSchema,
} from './compiled.ts';
import { compileGranularity, compilePeriodMs } from './granularity-text.ts';
import type {
  BadRecordsSpec,
  KafkaSourceSpec,
  LatenessSpec,
  RealtimeIngestion,
  SchemaSpec,
  SegmentsSpec,
} from './realtime-ingestion.ts';

/** Longer than a pod takes to be replaced, its image pulled included; what was read since the last publication is read again. */
const TAKEOVER_SECONDS = 300;

/** Compiles a resource that {@link readIngestions} accepted. `baseDir` is where relative paths begin. */
export function compileIngestion(resource: RealtimeIngestion, baseDir: string): CompiledIngestion {
  const { spec, metadata } = resource;
  const namespace = metadata.namespace ?? 'default';
  return {
    namespace,
    name: metadata.name,
    dataSource: spec.dataSource,
    source:
      spec.source.kafka === undefined
        ? compileFile(spec.source.file?.paths ?? [], baseDir)
        : compileKafka(spec.source.kafka, `sluice-${namespace}-${metadata.name}`),
    schema: compileSchema(spec.schema, spec.lateness ?? {}, spec.segments ?? {}),
    badRecords: {
      max: spec.badRecords?.max ?? Infinity,
      samples: spec.badRecords?.samples ?? 20,
      deadLetter: compileDeadLetter(spec.badRecords),
    },
    workers: {
      count: spec.workers?.count ?? 1,
      replicas: spec.workers?.replicas ?? 1,
      takeoverMs: (spec.workers?.takeoverSeconds ?? TAKEOVER_SECONDS) * 1000,
    },
    segments: compileSegments(spec.segments ?? {}),
    retention: spec.retention ?? {},
    deletionPolicy: spec.deletionPolicy ?? 'Retain',
    suspend: spec.suspend ?? false,
  };
}

function compileFile(paths: readonly string[], baseDir: string): CompiledFileSource {
  return { type: 'file', paths: paths.map((path) => resolve(baseDir, path)) };
}

function compileKafka(kafka: KafkaSourceSpec, defaultGroup: string): CompiledKafkaSource {
  const { tls, sasl } = kafka;
  return {
    type: 'kafka',
    bootstrapServers: kafka.bootstrapServers,
    topic: kafka.topic,
    start: compileStart(kafka.start),
    offsetOutOfRange: kafka.offsetOutOfRange ?? 'Stop',
    consumerGroup: kafka.consumerGroup ?? defaultGroup,
    tls:
      tls?.enabled === true
        ? {
            ...(tls.caSecret === undefined ? {} : { ca: tls.caSecret }),
            ...(tls.certSecret === undefined ? {} : { cert: tls.certSecret }),
            ...(tls.keySecret === undefined ? {} : { key: tls.keySecret }),
          }
        : null,
    sasl:
      sasl === undefined
        ? null
        : {
            mechanism: sasl.mechanism,
            username: sasl.usernameSecret,
            password: sasl.passwordSecret,
          },
  };
}

function compileStart(start: KafkaSourceSpec['start']): CompiledKafkaSource['start'] {
  if (start === undefined || start.from === 'Earliest') return { from: 'Earliest' };
  if (start.from === 'Latest') return { from: 'Latest' };
  if (start.from === 'Timestamp')
    return { from: 'Timestamp', timestampMs: Date.parse(start.timestamp ?? '') };
  return {
    from: 'Offsets',
    offsets: new Map((start.offsets ?? []).map((o) => [o.partition, Number(o.offset)])),
  };
}

function compileSchema(
  schema: SchemaSpec,
  lateness: LatenessSpec,
  segments: SegmentsSpec,
): CompiledSchema {
  const zone = schema.timeZone ?? 'UTC';
  const { timestamp, dimensions = [] } = schema;
  return {
    timestamp: {
      column: timestamp?.column ?? 'timestamp',
      format: timestamp?.format ?? 'auto',
      missingValueMs:
        timestamp?.missingValue === undefined ? null : Date.parse(timestamp.missingValue),
    },
    dimensions: dimensions.map((d) => ({
      name: d.name,
      type: d.type ?? 'string',
      createBitmapIndex: d.createBitmapIndex ?? true,
      multiValueHandling: d.multiValueHandling ?? 'sorted_array',
    })),
    discovery: dimensions.length === 0,
    dimensionExclusions: schema.dimensionExclusions ?? [],
    metrics: (schema.metrics ?? []).map((m) => ({ ...m, fieldName: m.fieldName ?? '' })),
    rollup: schema.rollup ?? true,
    queryGranularity: compileGranularity(schema.queryGranularity ?? 'none', zone),
    segmentGranularity: compileGranularity(schema.segmentGranularity ?? 'day', zone),
    lateness: compileLateness(lateness),
    indexSpec: {
      bitmap: segments.indexSpec?.bitmap ?? 'roaring',
      dimensionCompression: segments.indexSpec?.dimensionCompression ?? 'lz4',
      metricCompression: segments.indexSpec?.metricCompression ?? 'lz4',
      longEncoding: segments.indexSpec?.longEncoding ?? 'longs',
    },
  };
}

/** messageTime has no early side of its own; serverTime has both. Source: ingestion.md 3. */
function compileLateness(lateness: LatenessSpec): CompiledSchema['lateness'] {
  const policy = lateness.policy ?? 'none';
  const windowMs = compilePeriodMs(lateness.windowPeriod ?? 'PT10M');
  const lateMs =
    lateness.latePeriod === undefined ? windowMs : compilePeriodMs(lateness.latePeriod);
  const earlyDefault = policy === 'serverTime' ? windowMs : -1;
  const earlyMs =
    lateness.earlyPeriod === undefined ? earlyDefault : compilePeriodMs(lateness.earlyPeriod);
  if (policy === 'none') return { policy, lateMs: OPEN_MS, earlyMs: OPEN_MS };
  return { policy, lateMs, earlyMs: earlyMs < 0 ? OPEN_MS : earlyMs };
}

/** An open side: longer than time itself, and JSON can hold it (a stored schema is JSON). */
const OPEN_MS = Number.MAX_SAFE_INTEGER;

function compileDeadLetter(bad: BadRecordsSpec | undefined): CompiledDeadLetter | null {
  const letter = bad?.deadLetter;
  if (letter === undefined) return null;
  return {
    target: letter.topic === undefined ? { prefix: letter.prefix ?? '' } : { topic: letter.topic },
    includeLate: letter.includeLate ?? false,
    onFailure: letter.onFailure ?? 'Block',
  };
}

function compileSegments(segments: SegmentsSpec): CompiledIngestion['segments'] {
  return {
    periodMs: compilePeriodMs(segments.period ?? 'PT1H'),
    maxRows: segments.maxRows ?? 5_000_000,
    maxBytes: segments.maxBytes ?? 2_147_483_647,
    persistPeriodMs: compilePeriodMs(segments.persistPeriod ?? 'PT10M'),
    maxRowsInMemory: segments.maxRowsInMemory ?? 500_000,
    maxBytesInMemory: segments.maxBytesInMemory ?? 134_217_728,
    maxOpenChunks: segments.maxOpenChunks ?? 100,
    publishDeadlineMs: compilePeriodMs(segments.publishDeadline ?? 'PT30M'),
  };
}
