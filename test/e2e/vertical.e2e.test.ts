// The vertical path on real servers, every role its own process: generated rows through Kafka, visible at once, into
// segments in MinIO, served by a historical. Checks I1 on the stored files and I2 on the answers while it runs.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openKafkaCluster } from '../../core/kafka/cluster.ts';
import { openOracle } from '../druid/oracle.ts';
import type { Servers } from '../servers/servers.ts';
import { type Deployment, deploy, realServers } from './deployment.ts';
import { produce, Sent } from './producing.ts';
import {
  committedOffsets,
  differences,
  publishedSegments,
  readStoredIds,
} from './stored-segments.ts';
import { until } from './waiting.ts';

const ROWS = Number(process.env['SLUICE_E2E_ROWS'] ?? 2_000_000);
const PARTITIONS = 4;
const RATE = 40_000;

const COUNT = {
  queryType: 'timeseries',
  dataSource: 'vertical',
  granularity: 'all',
  intervals: '2000/2100',
  aggregations: [{ type: 'longSum', name: 'n', fieldName: 'count' }],
};
const SUMS = ['count', 'added', 'deleted', 'delta'].map((name) => ({
  type: 'longSum',
  name,
  fieldName: name,
}));
const ANSWERED_ALIKE = [
  { ...COUNT, granularity: 'hour', aggregations: SUMS },
  {
    ...COUNT,
    queryType: 'topN',
    dimension: 'language',
    metric: 'added',
    threshold: 12,
    aggregations: SUMS,
  },
  { ...COUNT, queryType: 'groupBy', dimensions: ['language', 'namespace'], aggregations: SUMS },
];

type Counted = readonly { readonly result: { readonly n: number | null } }[];

/** One observation of the running count. */
interface Observation {
  readonly atMs: number;
  readonly count: number;
  readonly sent: number;
  /** Accepted rows acknowledged two seconds before the question. */
  readonly due: number;
}

async function observe(
  deployment: Deployment,
  sent: Sent,
  signal: AbortSignal,
): Promise<Observation[]> {
  const seen: Observation[] = [];
  while (!signal.aborted) {
    const atMs = performance.now();
    const due = sent.acceptedBefore(2000);
    // A question may be in flight when the last row was seen.
    const answer = await deployment.query<Counted>(COUNT).catch((error: unknown) => {
      if (seen.length > 0 && !signal.aborted) throw error;
      return [];
    });
    const count = answer[0]?.result.n ?? 0;
    seen.push({ atMs, count, sent: sent.accepted.size, due });
    await new Promise((resolve) =>
      setTimeout(resolve, Math.max(0, 100 - (performance.now() - atMs))),
    );
  }
  return seen;
}

describe('the vertical path', () => {
  let servers: Servers;
  let deployment: Deployment;

  beforeAll(async () => {
    servers = await realServers();
    deployment = await deploy({
      name: 'vertical',
      partitions: PARTITIONS,
      groups: 2,
      servers,
      segments: { period: 'PT20S', maxRowsInMemory: 150_000 },
    });
  }, 900_000);

  afterAll(async () => {
    await deployment?.close();
    await servers?.stop();
  });

  it('ingests every row once, visible within two seconds, equal before and after hand-off', async () => {
    const broker = servers.get('kafka').endpoint.url;
    const sent = new Sent();
    const observing = new AbortController();
    await until(
      'the broker answers',
      30_000,
      async () => (await deployment.query<unknown[]>(COUNT)).length,
    );
    await until('both groups read', 30_000, async () =>
      deployment.workers.every((w) => w.lines.some((l) => l.message === 'ingest worker listens'))
        ? true
        : undefined,
    );
    const observations = observe(deployment, sent, observing.signal);
    const firstPublication = Promise.race(
      deployment.workers.map((w) => w.waitFor((l) => l.message === 'published', 120_000)),
    ).then(() => performance.now());
    await produce(
      { broker, topic: deployment.topic, partitions: PARTITIONS, rows: ROWS, seed: 1, rate: RATE },
      sent,
    );
    await until('every accepted row is visible', 120_000, async () =>
      (await deployment.query<Counted>(COUNT))[0]?.result.n === sent.accepted.size
        ? true
        : undefined,
    );
    const fresh = await Promise.all(ANSWERED_ALIKE.map((query) => deployment.query(query)));
    observing.abort();
    const seen = await observations;
    checkObservations(seen, await firstPublication, sent);

    const ends = await endOffsets(broker, deployment.topic);
    await until('every offset is committed', 120_000, async () =>
      equalMaps(await committedOffsets(deployment), ends) ? true : undefined,
    );
    await until('every segment is handed off', 60_000, async () => {
      const segments = await publishedSegments(deployment);
      const status = await fetch(
        deployment.brokerUrl.replace(/\d+$/, String(historicalPort(deployment))) +
          '/druid/v2/datasources',
      );
      const handed = deployment.workers.flatMap((w) =>
        w.lines.filter((l) => l.message === 'handed off'),
      );
      return status.ok && handed.length === segments.length ? true : undefined;
    });
    const loaded = await Promise.all(
      ANSWERED_ALIKE.map((query) => deployment.query({ ...query, context: { useCache: false } })),
    );
    expect(loaded).toEqual(fresh);
    await checkStored(deployment, sent);
    await checkGroup(deployment, broker, ends);
  }, 900_000);
});

function historicalPort(deployment: Deployment): number {
  const line = deployment.historical.lines.find((l) => l.message === 'historical listens');
  return Number(line?.['port']);
}

function checkObservations(
  seen: readonly Observation[],
  firstPublicationMs: number,
  sent: Sent,
): void {
  const falls = seen.filter((o, i) => i > 0 && o.count < (seen[i - 1]?.count ?? 0));
  const beyond = seen.filter((o) => o.count > sent.accepted.size);
  const behind = seen.filter((o) => o.count < 0.95 * o.due);
  const before = seen.filter((o) => o.atMs < firstPublicationMs);
  const rising = before.filter((o, i) => i > 0 && o.count > (before[i - 1]?.count ?? 0));
  console.log(
    `${seen.length} answers while it ran; ${rising.length} rising before the first publication; ${behind.length} behind by more than 5 %`,
  );
  expect(falls).toEqual([]);
  expect(beyond).toEqual([]);
  expect(behind).toEqual([]);
  expect(rising.length).toBeGreaterThanOrEqual(50);
}

async function checkStored(deployment: Deployment, sent: Sent): Promise<void> {
  const oracle = await openOracle();
  let validated = 0;
  const stored = await readStoredIds(deployment, async (dir, segment) => {
    const { exit, out } = await oracle.run(['validate', dir]);
    expect(exit, `${segment.identifier}: ${out}`).toBe(0);
    validated++;
  });
  await oracle.close();
  console.log(
    `${stored.segments} segments, ${stored.rows} rows, ${stored.counts.size} ids; Druid's reader accepts ${validated}`,
  );
  expect(differences(sent.accepted, stored.counts)).toEqual([]);
  expect(validated).toBe(stored.segments);
  expect(validated).toBeGreaterThan(3);
}

async function endOffsets(broker: string, topic: string): Promise<ReadonlyMap<number, number>> {
  const cluster = openKafkaCluster({ bootstrapServers: [broker], clientId: 'e2e' });
  try {
    const partitions = Array.from({ length: PARTITIONS }, (_, p) => p);
    return await cluster.listOffsets(
      topic,
      partitions,
      'highWatermark',
      AbortSignal.timeout(10_000),
    );
  } finally {
    await cluster.close();
  }
}

async function checkGroup(
  deployment: Deployment,
  broker: string,
  ends: ReadonlyMap<number, number>,
): Promise<void> {
  const cluster = openKafkaCluster({ bootstrapServers: [broker], clientId: 'e2e' });
  try {
    await until('the consumer group has the offsets', 20_000, async () => {
      const committed = await cluster.committedOffsets(
        `sluice-default-${deployment.name}`,
        deployment.topic,
        [...ends.keys()],
        AbortSignal.timeout(10_000),
      );
      return equalMaps(committed, ends) ? true : undefined;
    });
  } finally {
    await cluster.close();
  }
}

function equalMaps(a: ReadonlyMap<number, number>, b: ReadonlyMap<number, number>): boolean {
  return a.size === b.size && [...a].every(([key, value]) => b.get(key) === value);
}
