// What a trial ingests: rows of its own, and the resource that reads them. Every name is of one run only, so that runs
// never meet each other or anybody's data. Pure; used by trial.ts and the command.

import type { KafkaRecord } from '../../core/kafka/producer.ts';
import { Failure } from '../../core/runtime/failure.ts';
import { API_VERSION, KIND, type RealtimeIngestion } from '../../core/spec/realtime-ingestion.ts';
import { validateIngestion } from '../../core/spec/validate.ts';

const ROWS = 1000;
/** Two, so that a worker that reads one partition only is noticed. */
export const TRIAL_PARTITIONS = 2;
const DAY = '2020-01-01';
/** Short: the namespace of an installation that does not work must not wait long for its end. */
const DRAIN_SECONDS = 60;

/** What the broker must answer. */
export interface Totals {
  readonly rows: number;
  /** Sum of the column `value`. */
  readonly sum: number;
}

/** Totals of {@link trialRecords}. */
export const TRIAL_TOTALS: Totals = { rows: ROWS, sum: (ROWS * (ROWS + 1)) / 2 };

/** The rows, spread over the partitions. */
export function trialRecords(): readonly KafkaRecord[] {
  return Array.from({ length: ROWS }, (_, i) => ({
    partition: i % TRIAL_PARTITIONS,
    value: JSON.stringify({
      time: `${DAY}T00:${String(i % 60).padStart(2, '0')}:00Z`,
      key: `k${i % 7}`,
      value: i + 1,
    }),
  }));
}

/**
 * The resource; its name is also its topic and data source.
 *
 * @param kafka what `spec.source.kafka` says beside the topic: bootstrapServers, tls, sasl
 * @throws Failure `config` SpecInvalid
 */
export function trialResource(
  at: { readonly namespace: string; readonly name: string },
  kafka: object,
): RealtimeIngestion {
  const { resource, problems } = validateIngestion({
    apiVersion: API_VERSION,
    kind: KIND,
    metadata: { ...at, labels: { 'app.kubernetes.io/component': 'trial' } },
    spec: {
      dataSource: at.name,
      source: { kafka: { ...kafka, topic: at.name } },
      schema: {
        format: { type: 'json' },
        timestamp: { column: 'time', format: 'iso' },
        dimensions: [{ name: 'key' }],
        metrics: [
          { type: 'count', name: 'count' },
          { type: 'longSum', name: 'value', fieldName: 'value' },
        ],
        segmentGranularity: 'day',
      },
      workers: { drainDeadlineSeconds: DRAIN_SECONDS },
      deletionPolicy: 'Purge',
    },
  });
  if (resource !== undefined) return resource;
  const text = problems.map(({ field, message }) => `${field}: ${message}`).join('; ');
  throw new Failure('config', 'SpecInvalid', `--kafka (chart value tests.kafka): ${text}`);
}

/** The native query that asks for the totals. */
export function trialQuery(dataSource: string): object {
  return {
    queryType: 'timeseries',
    dataSource,
    granularity: 'all',
    intervals: `${DAY}/P1D`,
    aggregations: [
      { type: 'longSum', name: 'rows', fieldName: 'count' },
      { type: 'longSum', name: 'sum', fieldName: 'value' },
    ],
    context: { useCache: false },
  };
}

/** Totals in the answer to {@link trialQuery}; 0 where the data source is unknown yet. */
export function totalsOf(answer: unknown): Totals {
  const [all] = answer as readonly { readonly result: Partial<Totals> }[];
  return { rows: all?.result.rows ?? 0, sum: all?.result.sum ?? 0 };
}
