// Faults on real servers and processes: 200,000 rows each, then every id is looked for in the stored segments.
// Invariant I1 (no row lost, none twice), attacked at each step from offset to hand-off, and I4 (a killed worker's
// successor goes on). A report at the end tells that each point was really hit.

import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest';
import { ingestionPrefix } from '../../core/metadata/keys.ts';
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
import type { LogLine, RoleProcess } from './role-process.ts';

const ROWS = Number(process.env['SLUICE_FAULT_ROWS'] ?? 200_000);
const PARTITIONS = 2;
const RATE = 60_000;
/** Where the moment may be missed: several sequences while rows come. */
const SLOW_RATE = 20_000;
const NAME = 'faults';

const COUNT = {
  queryType: 'timeseries',
  dataSource: NAME,
  granularity: 'all',
  intervals: '2000/2100',
  aggregations: [{ type: 'longSum', name: 'n', fieldName: 'count' }],
  context: { useCache: false },
};

const has = (message: string) => (line: LogLine) => line.message === message;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('faults', () => {
  let servers: Servers;
  let deployment: Deployment;
  let worker: RoleProcess;
  const sent = new Sent();
  const report: string[] = [];
  let round = 0;

  beforeAll(async () => {
    servers = await realServers();
    deployment = await deploy({
      name: NAME,
      partitions: PARTITIONS,
      groups: 1,
      servers,
      segments: { period: 'PT3S', maxRowsInMemory: 40_000 },
    });
    const [first] = deployment.workers;
    if (first === undefined) throw new Error('no worker');
    worker = first;
    await worker.waitFor(has('ingest worker listens'), 60_000);
  }, 900_000);

  beforeEach(() => {
    onTestFailed(() => {
      for (const role of deployment.all) {
        console.log(
          `${role.name} ${role.isRunning ? 'runs' : 'has ended'}; its last words:\n${role.tail(25)}`,
        );
      }
    });
  });

  afterAll(async () => {
    console.log(['fault -> where it hit', ...report].join('\n'));
    await deployment?.close();
    await servers?.stop();
  });

  /** Sends 200,000 rows while `fault` happens, then waits until all is committed and looks for every id. */
  async function during(fault: () => Promise<string>, rate: number = RATE): Promise<void> {
    round++;
    // Event time goes on from round to round, or the next round's rows would be late.
    const startMs = Date.UTC(2024, 0, 1 + round);
    const producing = produce(
      {
        broker: servers.get('kafka').endpoint.url,
        topic: deployment.topic,
        partitions: PARTITIONS,
        rows: ROWS,
        seed: round,
        firstId: round * 10_000_000,
        rate,
        startMs,
      },
      sent,
    );
    const [hit] = await Promise.all([
      fault().finally(() => {
        // A fault that failed half-way must not fail every test after it.
        for (const role of deployment.all) if (!role.isRunning) role.start();
      }),
      producing,
    ]);
    report.push(`${expect.getState().currentTestName?.replace('faults > ', '') ?? ''} -> ${hit}`);
    const records = sent.records;
    await until('everything sent is committed', 90_000, async () => {
      const offsets = await committedOffsets(deployment);
      return [...offsets.values()].reduce((a, b) => a + b, 0) === records ? true : undefined;
    });
    const stored = await readStoredIds(deployment);
    expect(differences(sent.accepted, stored.counts)).toEqual([]);
    expect(stored.counts.size).toBe(sent.accepted.size);
    await until('the broker counts every row once', 60_000, async () => {
      const [answer] = await deployment.query<{ result: { n: number | null } }[]>(COUNT);
      return answer?.result.n === sent.accepted.size ? true : undefined;
    });
  }

  /**
   * Kills the worker after it logged `reached` and before it could log `next`: the server that the next step needs is
   * frozen from `trigger` on. Where the worker was quicker than the freeze, the next sequence is taken.
   */
  async function killBetween(
    trigger: string,
    server: 's3' | 'etcd',
    reached: string,
    next: string,
  ): Promise<string> {
    for (let attempt = 1; ; attempt++) {
      await worker.waitFor(has(trigger), 60_000);
      await servers.get(server).freeze(true);
      // Merging goes on without the frozen server; the next message tells where the worker stands.
      let last = trigger;
      for (let i = 0; i < 50 && last === trigger; i++) {
        await pause(100);
        const watched = [trigger, reached, next];
        last = worker.lines.findLast((l) => watched.includes(l.message))?.message ?? trigger;
      }
      if (last === reached) await worker.kill();
      await servers.get(server).freeze(false);
      if (last === reached) {
        worker.start();
        return `last of ${trigger}, ${reached}, ${next}: ${last} (attempt ${attempt})`;
      }
      expect(attempt).toBeLessThan(10);
    }
  }

  /** Line messages of the worker since a moment, to show where a kill hit. */
  function since(mark: number): string {
    const seen = worker.lines
      .slice(mark)
      .map((l) => l.message.replace(/announced .*/, 'announced'));
    return seen.slice(-3).join(', ');
  }

  it(
    'worker killed in the middle of indexing',
    () =>
      during(async () => {
        await worker.waitFor((l) => l.message.startsWith('announced '), 30_000);
        const mark = worker.lines.length;
        await worker.killOn((l) => l.message.startsWith('announced '), 30_000);
        const hit = since(mark - 1);
        expect(hit).toMatch(/announced$/);
        await worker.kill();
        worker.start();
        return `last words: ${hit}`;
      }),
    240_000,
  );

  it(
    'worker killed in the middle of a persist',
    () =>
      during(async () => {
        await worker.waitFor(has('persisted'), 60_000);
        await worker.killOn(
          (l) => l.message === 'persist begun' && Number(l['rows']) > 10_000,
          60_000,
        );
        await worker.kill();
        const hit = since(0);
        expect(hit).toMatch(/persist begun$/);
        worker.start();
        await worker.waitFor(has('sequence taken up'), 60_000);
        const taken = worker.lines.findLast(has('sequence taken up'));
        return `last words: ${hit}; the successor took up ${String(taken?.['hydrants'])} hydrants`;
      }),
    240_000,
  );

  it(
    'worker killed in the middle of an upload',
    () => during(() => killBetween('merge begun', 's3', 'upload begun', 'uploaded'), SLOW_RATE),
    240_000,
  );

  it(
    'worker killed between upload and publication',
    () => during(() => killBetween('upload begun', 'etcd', 'uploaded', 'published'), SLOW_RATE),
    240_000,
  );

  it(
    'worker killed between publication and hand-off',
    () =>
      during(async () => {
        await deployment.historical.kill();
        const published = await worker.killOn(has('published'), 60_000);
        await worker.kill();
        // Segments of earlier sequences may still be handed off; those just published must not be.
        const segments = new Set(published['segments'] as readonly string[]);
        const handedOff = worker.lines.filter(
          (l) => l.message === 'handed off' && segments.has(String(l['segment'])),
        );
        expect(handedOff).toEqual([]);
        deployment.historical.start();
        worker.start();
        return `${segments.size} segments published, none handed off`;
      }),
    240_000,
  );

  for (const role of ['historical', 'broker', 'operator'] as const) {
    it(
      `${role} killed at a random moment`,
      () =>
        during(async () => {
          const ms = 500 + Math.random() * 3000;
          await pause(ms);
          await deployment[role].kill();
          await pause(500);
          deployment[role].start();
          return `after ${Math.round(ms)} ms`;
        }),
      240_000,
    );
  }

  for (const server of ['kafka', 'etcd', 's3', 'redis'] as const) {
    it(
      `${server} killed and restarted`,
      () =>
        during(async () => {
          await pause(1500);
          await servers.get(server).kill();
          await pause(2000);
          await servers.get(server).start();
          return 'down for 2 s while rows were read and published';
        }),
      240_000,
    );
  }

  it(
    'resource deleted and applied again (Retain)',
    () =>
      during(async () => {
        await worker.waitFor(has('published'), 60_000);
        await Promise.all([worker.stop(), deployment.operator.stop()]);
        const kept = await deployment.store.list(ingestionPrefix('default', NAME));
        expect(kept.entries.length).toBeGreaterThan(0);
        const before = await publishedSegments(deployment);
        deployment.operator.start();
        worker.start();
        return `${before.length} segments and ${kept.entries.length} keys were kept`;
      }),
    240_000,
  );
});
