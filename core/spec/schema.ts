// The schema of `RealtimeIngestion`: one description per field, from which validation, CRD, JSON schema and the
// reference page come. Typed against realtime-ingestion.ts. Cross-field rules: validate.ts.

import { z } from 'zod';
import {
  badRecordsSchema,
  latenessSchema,
  retentionSchema,
  segmentsSchema,
  workersSchema,
} from './behaviour-schema.ts';
import { columnName, flag, objectOf, optional, text, whole, word } from './object-schema.ts';
import {
  API_VERSION,
  DIMENSION_TYPES,
  type DimensionSpec,
  type FileSourceSpec,
  type KafkaSourceSpec,
  KIND,
  METRIC_TYPES,
  type MetricSpec,
  MULTI_VALUE_HANDLING,
  type RealtimeIngestion,
  type RealtimeIngestionSpec,
  type SchemaSpec,
  type SecretKeyRef,
  type TimestampSpec,
} from './realtime-ingestion.ts';

const secretRef = (what: string): z.ZodType<SecretKeyRef> =>
  objectOf<SecretKeyRef>(`Secret key that holds ${what}.`, {
    name: text('Name of the Secret.', 253),
    key: text('Key in the Secret.', 253),
  });

const dimension: z.ZodType<DimensionSpec> = objectOf<DimensionSpec>(
  'A dimension: stored as read.',
  {
    name: columnName('Field and column name.'),
    type: optional(word('Column type. Default string.', DIMENSION_TYPES)),
    createBitmapIndex: optional(flag('Whether string values get a bitmap index. Default true.')),
    multiValueHandling: optional(
      word('How a list of values is stored. Default sorted_array.', MULTI_VALUE_HANDLING),
    ),
  },
);

const metric: z.ZodType<MetricSpec> = objectOf<MetricSpec>(
  'A metric, aggregated over the rows that roll up into one.',
  {
    type: word('Aggregator.', METRIC_TYPES),
    name: columnName('Output column.'),
    fieldName: optional(text('Input field. Required by every type but count.', 512)),
    size: optional(
      whole('thetaSketch: hashes kept, a power of two. Default 16384.', 16, 67_108_864),
    ),
    lgK: optional(whole('HLLSketchBuild: log2 of the registers. Default 12.', 4, 21)),
    tgtHllType: optional(
      word('HLLSketchBuild: how registers are stored. Default HLL_4.', ['HLL_4', 'HLL_6', 'HLL_8']),
    ),
    k: optional(whole('quantilesDoublesSketch: accuracy, a power of two. Default 128.', 2, 32_768)),
    maxStringBytes: optional(
      whole('stringFirst, stringLast: UTF-8 bytes kept. Default 1024.', 1, 65_536),
    ),
  },
);

const timestamp: z.ZodType<TimestampSpec> = objectOf<TimestampSpec>(
  'Where the event time is and how it is written.',
  {
    column: optional(text('Input field. Default timestamp.', 512)),
    format: optional(
      text('auto, iso, posix, millis, micro, nano or a Joda pattern. Default auto.', 200),
    ),
    missingValue: optional(
      text('ISO instant given to rows without a timestamp; without it they are unparseable.', 64),
    ),
  },
);

const rows: z.ZodType<SchemaSpec> = objectOf<SchemaSpec>('How records become rows.', {
  format: objectOf<SchemaSpec['format']>('Record format.', {
    type: word('Format of a record.', ['json', 'csv', 'tsv', 'avro', 'protobuf']),
  }),
  timestamp: optional(timestamp),
  dimensions: optional(
    z
      .array(dimension)
      .max(2000)
      .describe(
        'Dimensions in order. Empty or absent: every root field but the timestamp, the exclusions and the inputs of metrics becomes a string dimension.',
      ),
  ),
  dimensionExclusions: optional(
    z.array(text('Field name.', 512)).max(2000).describe('Fields that discovery leaves out.'),
  ),
  metrics: optional(z.array(metric).max(500).describe('Metrics.')),
  rollup: optional(flag('Whether rows with equal time and dimensions are combined. Default true.')),
  queryGranularity: optional(
    text(
      'Granularity time is truncated to: none, second, minute, hour, day, week, month, quarter, year, all, or an ISO period. Default none.',
      64,
    ),
  ),
  timeZone: optional(text('IANA zone in which granularities are aligned. Default UTC.', 64)),
  segmentGranularity: optional(
    text('Length of a time chunk: hour, day, week, month, year or an ISO period. Default day.', 64),
  ),
});

const kafka: z.ZodType<KafkaSourceSpec> = objectOf<KafkaSourceSpec>('A Kafka topic.', {
  bootstrapServers: z
    .array(z.string().regex(/^[^\s:/]+:\d{1,5}$/, 'must be host:port, for example kafka:9092'))
    .min(1, 'needs at least one host:port')
    .max(50)
    .describe('Brokers to ask first, host:port each.'),
  topic: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,249}$/, 'is not a Kafka topic name (letters, digits, . _ -)')
    .describe('Topic.'),
  start: optional(
    objectOf<NonNullable<KafkaSourceSpec['start']>>(
      'Where reading begins; only where nothing is committed.',
      {
        from: word('Start of partitions without a committed offset. Default Earliest.', [
          'Earliest',
          'Latest',
          'Timestamp',
          'Offsets',
        ]),
        timestamp: optional(text('ISO instant, with from: Timestamp.', 64)),
        offsets: optional(
          z
            .array(
              objectOf<{ partition: number; offset: string }>('Start of one partition.', {
                partition: whole('Partition number.', 0, 1_000_000),
                offset: z
                  .string()
                  .regex(/^\d{1,15}$/, 'must be a decimal offset in quotes')
                  .describe('First offset to read, decimal.'),
              }),
            )
            .max(10_000)
            .describe(
              'Starts by partition, with from: Offsets; partitions not listed start at the earliest.',
            ),
        ),
      },
    ),
  ),
  offsetOutOfRange: optional(
    word('What happens when the offset to read is gone. Default Stop.', [
      'Stop',
      'ResetToEarliest',
      'ResetToLatest',
    ]),
  ),
  consumerGroup: optional(
    text(
      'Consumer group that published offsets are mirrored to, for lag tools. Default sluice-<namespace>-<name>.',
      249,
    ),
  ),
  tls: optional(
    objectOf<NonNullable<KafkaSourceSpec['tls']>>('TLS to the brokers.', {
      enabled: flag('Whether connections use TLS.'),
      caSecret: optional(secretRef('the CA certificate (PEM)')),
      certSecret: optional(secretRef('the client certificate (PEM)')),
      keySecret: optional(secretRef('the client key (PEM)')),
    }),
  ),
  sasl: optional(
    objectOf<NonNullable<KafkaSourceSpec['sasl']>>('SASL login.', {
      mechanism: word('SASL mechanism.', ['plain', 'scram-sha-256', 'scram-sha-512']),
      usernameSecret: secretRef('the user name'),
      passwordSecret: secretRef('the password'),
    }),
  ),
});

const file: z.ZodType<FileSourceSpec> = objectOf<FileSourceSpec>(
  'Files of lines, for the embedded mode; each file is a partition.',
  {
    paths: z
      .array(text('A path.', 4096))
      .min(1, 'needs at least one path')
      .max(1000)
      .describe('Paths, relative to the folder of the resource; ndjson, or ndjson.gz.'),
  },
);

const spec: z.ZodType<RealtimeIngestionSpec> = objectOf<RealtimeIngestionSpec>(
  'What is ingested, and how.',
  {
    dataSource: z
      .string()
      .min(1, 'must not be empty')
      .max(200)
      .regex(
        /^[A-Za-z0-9][A-Za-z0-9_.-]*$/,
        'must begin with a letter or digit and hold only letters, digits, _ . -',
      )
      .describe('Data source that queries name. Immutable.'),
    source: objectOf<RealtimeIngestionSpec['source']>(
      'Where rows come from; exactly one of kafka and file. Immutable but for connection settings.',
      {
        kafka: optional(kafka),
        file: optional(file),
      },
    ),
    schema: rows,
    lateness: optional(latenessSchema),
    badRecords: optional(badRecordsSchema),
    workers: optional(workersSchema),
    segments: optional(segmentsSchema),
    autoscale: optional(
      objectOf<NonNullable<RealtimeIngestionSpec['autoscale']>>(
        'Scaling of workers.count by lag.',
        {
          min: whole('Fewest groups.', 1, 1000),
          max: whole('Most groups.', 1, 1000),
          scaleOutLag: optional(whole('Records of lag above which a group is added.', 1)),
          scaleInLag: optional(whole('Records of lag below which a group is taken away.', 0)),
        },
      ),
    ),
    retention: optional(retentionSchema),
    deletionPolicy: optional(
      word(
        'Retain: offsets and segments stay and a re-created resource continues. Purge: both go. Default Retain.',
        ['Retain', 'Purge'],
      ),
    ),
    suspend: optional(flag('Reading stops, what was read is published. Default false.')),
  },
);

/** Schema of the whole resource, as written. */
export const realtimeIngestionSchema: z.ZodType<RealtimeIngestion> = z
  .strictObject({
    apiVersion: z.literal(API_VERSION, { error: `must be ${API_VERSION}` }),
    kind: z.literal(KIND, { error: `must be ${KIND}` }),
    metadata: z.looseObject({
      name: z
        .string()
        .regex(
          /^[a-z0-9]([-a-z0-9]{0,50}[a-z0-9])?$/,
          'must be a DNS label of at most 52 characters (a-z, 0-9, -)',
        ),
      namespace: z.exactOptional(
        z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'must be a DNS label'),
      ),
    }),
    spec,
    status: z.exactOptional(z.unknown()),
  })
  .describe(
    'Ingestion of one stream into one data source.',
  ) as unknown as z.ZodType<RealtimeIngestion>;

/** Schema of `spec` alone, for the generated documents. */
export const realtimeIngestionSpecSchema: z.ZodType<RealtimeIngestionSpec> = spec;
