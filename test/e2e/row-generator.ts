// Wikipedia-like rows with a unique id each, from a seed: 12 string dimensions, UTF-8, escapes, 1 % late, 0.1 %
// malformed. Says of each record whether Sluice must accept it, by a model of its own of the lateness rule, so that
// the ids found in segments can be compared with the ids sent and accepted. Fed by the end-to-end tests and benches.

/** Names of the string dimensions; `id` is unique. */
const DIMENSIONS: readonly string[] = [
  'id',
  'page',
  'language',
  'user',
  'newPage',
  'robot',
  'namespace',
  'continent',
  'country',
  'region',
  'city',
  'comment',
];

/** How far event time may lie behind the greatest seen in the partition; beyond it a row is late. */
const WINDOW_MS = 3_600_000;

/** One record. */
export interface GeneratedRecord {
  readonly text: string;
  /** The id when the row must be accepted, else undefined. */
  readonly accepted: number | undefined;
}

/** A stream of records of one partition. */
export interface RowGenerator {
  next(): GeneratedRecord;
}

const LANGUAGES = ['en', 'de', 'fr', 'ja', 'zh', 'ru', 'es', 'it', 'pt', 'pl', 'nl', 'sv'];
const CITIES = [
  'Köln',
  'São Paulo',
  '東京',
  'Zürich',
  'Kraków',
  'Reykjavík',
  'New York',
  'Łódź',
  'Nairobi',
  'Санкт-Петербург',
];

/** Records of partition `partition` of `partitions`; ids are `n * partitions + partition`. Event time moves `stepMs` a row from `startMs`. */
export function rowGenerator(options: {
  seed: number;
  partition: number;
  partitions: number;
  startMs: number;
  stepMs: number;
  /** Added to every id. */
  firstId?: number;
}): RowGenerator {
  const random = randomOf(options.seed * 1000 + options.partition);
  const pick = (n: number): number => Math.floor(random() ** 3 * n);
  let n = 0;
  let watermarkMs = -Infinity;
  return {
    next() {
      const id = (options.firstId ?? 0) + n * options.partitions + options.partition;
      const onTimeMs = options.startMs + n * options.stepMs + pick(1000);
      n++;
      const kind = random();
      if (kind < 0.001) return { text: malformed(id, random()), accepted: undefined };
      const isLate = kind < 0.011;
      const timeMs = isLate ? onTimeMs - 2 * WINDOW_MS - pick(1000) : onTimeMs;
      const accepted = timeMs >= watermarkMs - WINDOW_MS ? id : undefined;
      watermarkMs = Math.max(watermarkMs, timeMs);
      const comment = kind < 0.03 ? `said "hi"\n\\o/ #${pick(50)}` : `comment ${pick(50)}`;
      const row = {
        timestamp: new Date(timeMs).toISOString(),
        id: `row-${id}`,
        page: `Page ${pick(48_000)}`,
        language: LANGUAGES[pick(LANGUAGES.length)],
        user: `user_${pick(20_000)}`,
        newPage: random() < 0.1,
        robot: random() < 0.3 ? 'true' : 'false',
        namespace: `ns${pick(10)}`,
        continent: `continent ${pick(7)}`,
        country: `country ${pick(120)}`,
        region: kind < 0.05 ? null : `region ${pick(500)}`,
        city: kind < 0.2 ? CITIES[pick(CITIES.length)] : `city ${pick(2000)}`,
        comment,
        added: pick(1000),
        deleted: pick(500),
        delta: pick(1000) - 500,
      };
      return { text: JSON.stringify(row), accepted };
    },
  };
}

function malformed(id: number, kind: number): string {
  if (kind < 0.25) return `{"timestamp":"2024-01-01T00:00:00Z","id":"bad-${id}"`;
  if (kind < 0.5) return `not json ${id}`;
  if (kind < 0.75) return `{"id":"no-time-${id}"}`;
  return `{"timestamp":"tomorrow","id":"bad-time-${id}"}`;
}

/** xorshift: the same numbers everywhere. */
function randomOf(seed: number): () => number {
  let state = (seed ^ 0x9e3779b9) | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 4_294_967_296;
  };
}

/** The resource that ingests these rows. */
export function generatedResource(options: {
  name: string;
  broker: string;
  topic: string;
  groups: number;
  workers?: Readonly<Record<string, unknown>>;
  segments: Readonly<Record<string, unknown>>;
  lateness?: Readonly<Record<string, unknown>>;
  schema?: Readonly<Record<string, unknown>>;
}): Record<string, unknown> {
  return {
    apiVersion: 'sluice.dev/v1alpha1',
    kind: 'RealtimeIngestion',
    metadata: { name: options.name },
    spec: {
      dataSource: options.name,
      source: { kafka: { bootstrapServers: [options.broker], topic: options.topic } },
      schema: options.schema ?? {
        format: { type: 'json' },
        timestamp: { column: 'timestamp', format: 'auto' },
        dimensions: DIMENSIONS.map((name) => ({ name })),
        metrics: [
          { type: 'count', name: 'count' },
          { type: 'longSum', name: 'added', fieldName: 'added' },
          { type: 'longSum', name: 'deleted', fieldName: 'deleted' },
          { type: 'longSum', name: 'delta', fieldName: 'delta' },
        ],
        queryGranularity: 'second',
        segmentGranularity: 'hour',
      },
      lateness: options.lateness ?? { policy: 'messageTime', windowPeriod: 'PT1H' },
      workers: { ...options.workers, count: options.groups },
      segments: options.segments,
    },
  };
}
