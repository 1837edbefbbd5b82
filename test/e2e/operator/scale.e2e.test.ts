// Many resources on a real API server: an operator that starts over existing ones, an idle stretch, drift, a change of
// all. SLUICE_TEST_INGESTIONS sets how many. Source: the write audit and the 1,000-resource run of the operator's design.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { field } from '../../../operator/kube/object.ts';
import { INGESTIONS, KINDS } from '../../../operator/reconcile/kubernetes/kinds.ts';
import { until } from '../waiting.ts';
import { type ControlPlane, hasControlPlane, startControlPlane } from './control-plane.ts';
import { conditionOf, mutations, OperatorBench } from './operator-bench.ts';

const COUNT = Number(process.env['SLUICE_TEST_INGESTIONS'] ?? 200);
/** Not about leases: a machine under load may stall for longer than that of a real operator, which would end rightly. */
const LEASE = { leaseMs: 60_000, renewDeadlineMs: 45_000, retryMs: 2000 };
/** At once, so that the API server's fairness does not queue the test itself. */
const BATCH = 20;

describe.skipIf(!hasControlPlane())('many resources', () => {
  let plane: ControlPlane;
  let bench: OperatorBench;
  const names = Array.from({ length: COUNT }, (_, i) => `i${i}`);

  beforeAll(async () => {
    plane = await startControlPlane();
    bench = await OperatorBench.open(plane);
  });
  afterAll(async () => {
    await bench?.close();
    await plane?.stop();
  });

  async function forAll(work: (name: string) => Promise<unknown>): Promise<void> {
    for (let i = 0; i < COUNT; i += BATCH) await Promise.all(names.slice(i, i + BATCH).map(work));
  }
  const allPods = (): Promise<true> =>
    until('all pods', 180_000, async () =>
      (await bench.objects.pods()).length === COUNT ? true : undefined,
    );
  const allReady = (): Promise<boolean> =>
    until('all to be Ready at their generation', 180_000, async () => {
      const late = (await bench.objects.list(INGESTIONS)).filter(
        (object) =>
          conditionOf(object, 'Ready') !== 'True/Reading' ||
          field(object, 'status', 'observedGeneration') !== object.metadata.generation,
      );
      if (late.length === 0) return true;
      const one = `${late[0]?.metadata.name} is ${conditionOf(late[0], 'Ready')}`;
      throw new Error(`${late.length} are not; ${one}`);
    });

  test('B9, B24: start, idle, drift and a change of all, with an audit of every write', async () => {
    const { objects } = bench;
    const figures: Record<string, number> = { resources: COUNT };
    const timed = async (what: string, work: () => Promise<unknown>): Promise<void> => {
      const startedMs = performance.now();
      await work();
      figures[what] = Math.round(performance.now() - startedMs);
    };
    await forAll((name) => objects.applyIngestion(name));
    const first = await bench.start({ settings: { resyncMs: 5000 }, leaseTimes: LEASE });
    await timed('madeMs', allPods);
    await forAll((name) => objects.setReady(`${name}-g0-0`));
    await allReady();
    await first.stop(AbortSignal.timeout(10_000));

    // A new process over what is there.
    const second = await bench.start({ settings: { resyncMs: 5000 }, leaseTimes: LEASE });
    await timed('startMs', () =>
      until('a pass over each', 60_000, async () =>
        second.figures().passes >= COUNT && second.figures().depth === 0 ? true : undefined,
      ),
    );
    for (const [kind, { lists }] of second.figures().caches) expect(lists, kind).toBe(1);
    expect(mutations(second.sent)).toEqual([]);
    figures['requestsAtStart'] = second.sent.length;

    // Idle: each is looked at again, spread over the period, and nothing is written.
    const { passes } = second.figures();
    const perSecond: number[] = [];
    const cpu = process.cpuUsage();
    for (let i = 0; i < 12; i++) {
      const before = second.figures().passes;
      await sleep(1000);
      perSecond.push(second.figures().passes - before);
    }
    const { user, system } = process.cpuUsage(cpu);
    figures['idleCpuPercent'] = Math.round((user + system) / 120_000);
    expect(second.figures().passes - passes).toBeGreaterThan(COUNT);
    expect(mutations(second.sent)).toEqual([]);
    const mean = (COUNT / 5000) * 1000;
    figures['passesPerSecondMean'] = Math.round(mean);
    figures['passesPerSecondMost'] = Math.max(...perSecond.slice(6));

    // B9: no herd; beside twice the mean some room for chance.
    expect(figures['passesPerSecondMost']).toBeLessThan(2 * mean + 15);

    // Drift made right after is repaired in two seconds.
    const startedMs = performance.now();
    await objects.delete(KINDS.budgets, `i${COUNT - 1}-ingest`);
    await until('the repair', 5000, async () => objects.get(KINDS.budgets, `i${COUNT - 1}-ingest`));
    figures['driftMs'] = Math.round(performance.now() - startedMs);
    expect(figures['driftMs']).toBeLessThan(2000);

    // Everybody changes something that concerns no worker: no pod is touched.
    const uids = new Set((await objects.pods()).map(({ metadata }) => metadata.uid));
    await timed('changeAllMs', async () => {
      await forAll((name) =>
        objects.applyIngestion(name, { retention: { load: [{ period: 'P30D' }] } }),
      );
      await allReady();
    });
    expect(new Set((await objects.pods()).map(({ metadata }) => metadata.uid))).toEqual(uids);
    figures['rssMiB'] = Math.round(process.memoryUsage().rss / 2 ** 20);
    console.info(`B24 ${JSON.stringify(figures)}`);
    expect(figures['startMs']).toBeLessThan(30_000);
  }, 600_000);
});
