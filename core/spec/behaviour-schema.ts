// Schema parts that say how an ingestion behaves: lateness, bad records, workers, segments, retention.
// Used by schema.ts. Types: realtime-ingestion.ts.

import { z } from 'zod';
import { flag, objectOf, optional, period, text, whole, word } from './object-schema.ts';
import type {
  BadRecordsSpec,
  IndexSpec,
  LatenessSpec,
  RetentionRule,
  RetentionSpec,
  SegmentsSpec,
  WorkersSpec,
} from './realtime-ingestion.ts';

/** An amount as Kubernetes writes it. */
const QUANTITY = /^\d+(\.\d+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?\d+)?$/;
const quantity = (description: string): z.ZodType<string> =>
  z
    .string()
    .max(32)
    .regex(QUANTITY, 'must be a quantity such as 500m or 2Gi')
    .describe(description);

const quantities = (description: string): z.ZodType<Readonly<Record<string, string>>> =>
  z.record(z.string(), quantity('Quantity, for example 500m or 2Gi.')).describe(description);

const anything = (description: string): z.ZodType<Readonly<Record<string, unknown>>> =>
  z.record(z.string(), z.unknown()).describe(description);

/** `spec.lateness`. */
export const latenessSchema: z.ZodType<LatenessSpec> = objectOf<LatenessSpec>(
  'Which rows are too late or too early.',
  {
    policy: optional(
      word(
        'none accepts all; serverTime compares with the record timestamp; messageTime with the greatest event time seen in the partition. Default none.',
        ['none', 'serverTime', 'messageTime'],
      ),
    ),
    windowPeriod: optional(period('How far off a row may be. Default PT10M.')),
    latePeriod: optional(period('Overrides windowPeriod for late rows.')),
    earlyPeriod: optional(period('Overrides windowPeriod for early rows.')),
  },
);

/** `spec.badRecords`. */
export const badRecordsSchema: z.ZodType<BadRecordsSpec> = objectOf<BadRecordsSpec>(
  'What happens to records that cannot be read.',
  {
    max: optional(whole('Reading stops with a condition beyond this many. Default unlimited.', 0)),
    samples: optional(whole('Samples kept by a worker. Default 20.', 0, 1000)),
    deadLetter: optional(
      objectOf<NonNullable<BadRecordsSpec['deadLetter']>>(
        'Where bad records are written; exactly one of topic and prefix.',
        {
          topic: optional(text('Kafka topic of the same brokers.', 249)),
          prefix: optional(text('Path prefix in deep storage.', 512)),
          includeLate: optional(
            flag('Whether late and early rows are written too. Default false.'),
          ),
          onFailure: optional(
            word('Block waits for the target, Drop goes on without. Default Block.', [
              'Block',
              'Drop',
            ]),
          ),
        },
      ),
    ),
  },
);

/** `spec.workers`. */
export const workersSchema: z.ZodType<WorkersSpec> = objectOf<WorkersSpec>('Worker pods.', {
  count: optional(
    whole('Groups of partitions; capped at the partition count. Default 1.', 1, 1000),
  ),
  replicas: optional(whole('Workers a group. Default 1.', 1, 10)),
  resources: optional(
    objectOf<NonNullable<WorkersSpec['resources']>>('Resources of a worker pod.', {
      requests: optional(quantities('Requests.')),
      limits: optional(quantities('Limits.')),
    }),
  ),
  storage: optional(
    objectOf<NonNullable<WorkersSpec['storage']>>('Volume for hydrants. Absent: emptyDir.', {
      size: quantity('Quantity, for example 20Gi.'),
      storageClassName: optional(text('Storage class.', 253)),
    }),
  ),
  drainDeadlineSeconds: optional(
    whole(
      'Seconds that workers of a deleted resource may publish before they are ended by force. Default 120.',
      1,
      86_400,
    ),
  ),
  progressDeadlineSeconds: optional(
    whole(
      'Seconds that a change of workers may stand still before condition Progressing says so. Default 600.',
      1,
      86_400,
    ),
  ),
  takeoverSeconds: optional(
    whole(
      'Seconds that a group may have no worker before the others take over its partitions. Default 300.',
      15,
      86_400,
    ),
  ),
  template: optional(anything('Pod settings merged into the generated pod.')),
});

const indexSpec: z.ZodType<IndexSpec> = objectOf<IndexSpec>(
  'How segment files are encoded. Druid calls it indexSpec.',
  {
    bitmap: optional(word('Bitmap index. Default roaring.', ['roaring', 'concise'])),
    dimensionCompression: optional(word('Default lz4.', ['lz4', 'lzf', 'zstd', 'uncompressed'])),
    metricCompression: optional(
      word('Default lz4.', ['lz4', 'lzf', 'zstd', 'uncompressed', 'none']),
    ),
    longEncoding: optional(word('Default longs.', ['longs', 'auto'])),
  },
);

/** `spec.segments`. */
export const segmentsSchema: z.ZodType<SegmentsSpec> = objectOf<SegmentsSpec>(
  'When sequences end and rows are persisted.',
  {
    period: optional(
      period('Longest time a sequence stays open before it is published. Default PT1H.'),
    ),
    maxRows: optional(whole('Stored rows of a segment. Default 5000000.', 1, 100_000_000)),
    maxBytes: optional(whole('Bytes on disk of a sequence. Default 2147483647.', 1_000_000)),
    persistPeriod: optional(period('Longest time rows stay in memory only. Default PT10M.')),
    maxRowsInMemory: optional(
      whole('Rows in memory before they are persisted. Default 500000.', 1, 20_000_000),
    ),
    maxBytesInMemory: optional(
      whole(
        'Bytes in memory before rows are persisted. Default 134217728.',
        1_000_000,
        4_000_000_000,
      ),
    ),
    maxOpenChunks: optional(
      whole(
        'Time chunks of an open sequence; reaching it ends the sequence. Default 100.',
        1,
        1000,
      ),
    ),
    publishDeadline: optional(
      period(
        'Longest time from the end of a sequence to its publication before a condition says so. Default PT30M.',
      ),
    ),
    indexSpec: optional(indexSpec),
    publishTo: optional(
      objectOf<NonNullable<SegmentsSpec['publishTo']>>(
        'Other places that segments are registered in.',
        {
          druid: optional(anything('Metadata store of an Apache Druid cluster.')),
        },
      ),
    ),
  },
);

const rule: z.ZodType<RetentionRule> = objectOf<RetentionRule>(
  'A load rule; neither period nor interval: for ever.',
  {
    period: optional(
      z
        .string()
        .regex(/^P(\d|T\d)/i, 'is not an ISO-8601 period; write for example P30D')
        .describe('Period back from now; matches segments that overlap it.'),
    ),
    interval: optional(text('ISO interval; matches segments that overlap it.', 128)),
    tiers: optional(
      z
        .record(z.string(), z.int().min(0).max(20))
        .describe('Replicas by tier. Default one in _default_tier.'),
    ),
  },
);

/** `spec.retention`. */
export const retentionSchema: z.ZodType<RetentionSpec> = objectOf<RetentionSpec>(
  'Which published segments are served.',
  {
    load: optional(
      z.array(rule).max(100).describe('Rules in order; the first that matches decides.'),
    ),
    dropOthers: optional(flag('Whether segments that no rule matches are dropped. Default false.')),
  },
);
