// Everything that moves workers, while 500,000 rows flow: one worker, four, a changed spec, pods deleted in a loop, two
// workers. In the end every id is in the stored segments exactly once. Invariant I1; B17, B18; protocol.md 3 and 4.

import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest';
import { field, type KubeObject } from '../../../operator/kube/object.ts';
import { INGESTIONS, KINDS } from '../../../operator/reconcile/kubernetes/kinds.ts';
import { produce, Sent } from '../producing.ts';
import { committedOffsets, differences, readStoredIds } from '../stored-segments.ts';
import { until } from '../waiting.ts';
import { hasControlPlane } from './control-plane.ts';
import { type RealWorkers, startRealWorkers } from './real-workers.ts';

const ROWS = Number(process.env['SLUICE_MOVES_ROWS'] ?? 500_000);
const PARTITIONS = 4;
const RATE = 7000;
const DELETIONS = 8;

describe.skipIf(!hasControlPlane())('real workers under the operator', () => {
  let run: RealWorkers;

  beforeAll(async () => {
    run = await startRealWorkers('moves', PARTITIONS);
  }, 900_000);
  afterAll(() => run?.close(), 120_000);

  /** Waits until exactly these workers are there, ready, and the partitions are theirs, no move under way. */
  async function settled(...groups: readonly string[]): Promise<readonly KubeObject[]> {
    return until(`${groups.join(', ')} to read`, 120_000, async () => {
      const pods = await run.objects.pods();
      const names = pods.map(({ metadata }) => metadata.name).toSorted();
      const partitions = await run.partitions();
      const owners = new Set(partitions.map(({ group }) => group));
      const state = `${names.join()}; partitions of ${[...owners].toSorted().join()}, ${partitions.filter((p) => p.next !== undefined).length} moves, ${pods.filter(isReady).length} ready`;
      const isSettled =
        names.join() === groups.map((g) => `${run.name}-${g}-0`).join() &&
        pods.every(isReady) &&
        [...owners].toSorted().join() === groups.join() &&
        partitions.every(({ next }) => next === undefined);
      if (!isSettled) throw new Error(state);
      return pods;
    });
  }
  const scale = (count: number): Promise<void> =>
    run.objects.patch(INGESTIONS, run.name, { spec: { workers: { count } } });

  test('B17, B18: 1 -> 4 -> 2 workers, a roll and deleted pods lose no row and count none twice', async () => {
    onTestFailed(() => console.log(`${run.kubelet.report()}\n\n${run.operator.tail(30)}`));
    await run.apply({ workers: { count: 1 } });
    await settled('g0');
    const sent = new Sent();
    // Until every step is done, and no fewer than ROWS.
    const enough = new AbortController();
    const rows = { rows: 8 * ROWS, seed: 7, rate: RATE, signal: enough.signal };
    const place = { broker: run.broker, topic: run.topic, partitions: PARTITIONS };
    const producing = produce({ ...place, ...rows }, sent);
    const steps: string[] = [];
    const done = (what: string): void => {
      steps.push(`${what} after ${sent.records} rows`);
    };

    await scale(4);
    const four = await settled('g0', 'g1', 'g2', 'g3');
    done('four workers');

    const old = new Set(four.map(({ metadata }) => metadata.uid));
    await run.apply({
      workers: { count: 4 },
      segments: { period: 'PT2S', maxRowsInMemory: 20_000 },
    });
    // A worker counts from when it was ready first: one that is behind may say that it is not, and is no disruption.
    const started = new Set(old);
    let fewest = PARTITIONS;
    await until('every worker to be a new one', 240_000, async () => {
      const pods = await run.objects.pods();
      for (const pod of pods) if (isReady(pod)) started.add(pod.metadata.uid);
      const working = pods.filter(
        ({ metadata }) => metadata.deletionTimestamp === undefined && started.has(metadata.uid),
      );
      fewest = Math.min(fewest, working.length);
      return pods.length === 4 && pods.every((p) => !old.has(p.metadata.uid) && isReady(p))
        ? true
        : undefined;
    });
    done(`a roll with ${fewest} or more working`);
    expect(fewest).toBeGreaterThanOrEqual(PARTITIONS - 1);

    for (let i = 0; i < DELETIONS; i++) {
      const name = `${run.name}-g${i % 4}-0`;
      const uid = (await run.objects.get(KINDS.pods, name))?.metadata.uid;
      // Each second one by force: the process is killed where it stands.
      await run.objects.delete(KINDS.pods, name, i % 2 === 0 ? undefined : 0);
      // The last ones go while partitions move.
      if (i === DELETIONS - 2) await scale(2);
      await until(`${name} to be replaced`, 60_000, async () => {
        const now = await run.objects.get(KINDS.pods, name);
        const hasLeft = now === undefined && i >= DELETIONS - 2;
        return hasLeft || (now !== undefined && now.metadata.uid !== uid) ? true : undefined;
      });
    }
    done(`${DELETIONS} deletions`);
    await settled('g0', 'g1');
    done('two workers');

    await until(`${ROWS} rows`, 240_000, async () => (sent.records >= ROWS ? true : undefined));
    enough.abort();
    await producing;
    await until('everything sent to be committed', 120_000, async () => {
      const offsets = await committedOffsets(run);
      const sum = [...offsets.values()].reduce((a, b) => a + b, 0);
      if (sum === sent.records) return true;
      throw new Error(`${sum} of ${sent.records} are`);
    });
    const stored = await readStoredIds(run);
    console.info(
      `${steps.join('; ')}; ${stored.rows} rows of ${sent.accepted.size} accepted ids in ${stored.segments} segments, ` +
        `${run.kubelet.started} processes started, ${run.kubelet.killed} killed`,
    );
    expect(differences(sent.accepted, stored.counts)).toEqual([]);
    expect(stored.counts.size).toBe(sent.accepted.size);
    expect(run.kubelet.killed).toBeGreaterThanOrEqual(DELETIONS / 2);
    await until('the broker to count every row once', 60_000, async () => {
      const n = await countOf(run);
      if (n === sent.accepted.size) return true;
      throw new Error(`it counts ${n} of ${sent.accepted.size}`);
    });
    const ready = await run.objects.condition(run.name, 'Ready', 'True/Reading');
    expect(field(ready, 'status', 'workers')).toEqual({ desired: 2, draining: 0, ready: 2 });
  }, 900_000);
});

async function countOf({ brokerUrl, name }: RealWorkers): Promise<number> {
  const response = await fetch(`${brokerUrl}/druid/v2`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      queryType: 'timeseries',
      dataSource: name,
      granularity: 'all',
      intervals: '2000/2100',
      aggregations: [{ type: 'longSum', name: 'n', fieldName: 'count' }],
      context: { useCache: false },
    }),
  });
  const [answer] = (await response.json()) as { result: { n: number | null } }[];
  return answer?.result.n ?? 0;
}

function isReady(pod: KubeObject): boolean {
  const conditions = (field(pod, 'status', 'conditions') ?? []) as {
    type: string;
    status: string;
  }[];
  return (
    pod.metadata.deletionTimestamp === undefined &&
    conditions.some(({ type, status }) => type === 'Ready' && status === 'True')
  );
}
