// What goes wrong between operator and API server, on a real one: bad days, death at each write, two operators, a
// frozen leader, a poisoned resource. The numbers are those of the behaviours in the operator's design.

import { describe, expect, test } from 'vitest';
import { Failure } from '../../../core/runtime/failure.ts';
import type { MetadataStore } from '../../../core/metadata/port.ts';
import { field, type KubeObject, textAt } from '../../../operator/kube/object.ts';
import { INGESTIONS, KINDS } from '../../../operator/reconcile/kubernetes/kinds.ts';
import { until } from '../waiting.ts';
import { type ControlPlane, hasControlPlane } from './control-plane.ts';
import { dyingAt, type Faults, flaky, freezable } from './faulty-transport.ts';
import { mutations, OperatorBench } from './operator-bench.ts';
import { benchForEachTest } from './suite.ts';

const EVENTS = { group: 'events.k8s.io', version: 'v1', kind: 'Event', plural: 'events' } as const;

describe.skipIf(!hasControlPlane())('an operator in trouble', () => {
  let plane: ControlPlane;
  let bench: OperatorBench;
  benchForEachTest((opened, started) => {
    bench = opened;
    plane = started;
  });

  test('B1: 409, 410, 429, 500 and cut watches delay the end state, and change nothing of it', async () => {
    const faults: Faults = { conflicts: 0, refused: 0, cut: 0, expired: 0 };
    const operator = await bench.start({ wrap: (transport) => flaky(transport, faults) });
    const { objects } = bench;
    for (const name of ['a', 'b', 'c'])
      await objects.applyIngestion(name, { workers: { count: 2 } });
    const names = ['a', 'b', 'c'].flatMap((name) => [`${name}-g0-0`, `${name}-g1-0`]);
    await until('six pods', 60_000, async () =>
      (await objects.pods()).length === 6 ? true : undefined,
    );
    await objects.podsNamed(...names);
    for (const name of names) await objects.setReady(name);
    for (const name of ['a', 'b', 'c']) await objects.condition(name, 'Ready', 'True/Reading');
    await objects.delete(INGESTIONS, 'a');
    await until('a to be gone', 60_000, async () =>
      (await objects.ingestion('a')) === undefined ? true : undefined,
    );
    console.info(`B1 met ${JSON.stringify(faults)}`);
    for (const count of Object.values(faults)) expect(count).toBeGreaterThan(2);
    // A conflict is the normal answer to two writers: it is no failure in the log.
    const complaints = operator.logged.filter((line) => line.includes('"Conflict"'));
    expect(complaints).toEqual([]);
    expect(operator.logged.filter((line) => line.includes('"level":"error"'))).toEqual([]);
  });

  test('B10: killed after any write, the next operator comes to the same end and restarts no pod', async () => {
    // One run without a death tells how many writes there are, and what the end is.
    const calm = await bench.start();
    const endOf = async ({ objects }: OperatorBench): Promise<readonly string[]> => {
      const all = [];
      for (const kind of Object.values(KINDS))
        for (const { metadata } of await objects.list(kind))
          if (metadata.labels?.['sluice.dev/ingestion'] === 'wiki')
            all.push(`${kind.kind} ${metadata.name}`);
      return all.toSorted();
    };
    const scenario = async ({ objects }: OperatorBench): Promise<void> => {
      const names = ['wiki-g0-0', 'wiki-g1-0'];
      await objects.podsNamed(...names);
      for (const name of names) await objects.setReady(name);
      await objects.condition('wiki', 'Ready', 'True/Reading');
    };
    const spec = { dataSource: 'wiki', workers: { count: 2 } };
    await bench.objects.applyIngestion('wiki', spec);
    await scenario(bench);
    // The names hold hashes of content that names the namespace; what is compared is their number and kind.
    const shape = (end: readonly string[]): string =>
      end.map((line) => line.replace(/[0-9a-f]{10}/g, 'HASH')).join('\n');
    const wanted = shape(await endOf(bench));
    const writes = mutations(calm.sent).length;
    expect(writes).toBeGreaterThan(7);
    const dieAt = async (k: number): Promise<number> => {
      const other = await OperatorBench.open(plane);
      try {
        const deaths: { isDead(): boolean }[] = [];
        await other.start({
          wrap: (transport) => {
            const dying = dyingAt(transport, k);
            deaths.push(dying);
            return dying;
          },
        });
        await other.objects.applyIngestion('wiki', spec);
        await until(`death at write ${k}`, 20_000, async () => {
          // Its pods become ready, so that the scenario goes on to its last write.
          for (const { metadata } of await other.objects.pods())
            await other.objects.setReady(metadata.name);
          return deaths[0]?.isDead() === true ? true : undefined;
        });
        const before = await other.objects.pods();
        await other.start();
        await scenario(other);
        expect(shape(await endOf(other))).toBe(wanted);
        const after = (await other.objects.pods()).map((pod) => pod.metadata.uid);
        for (const { metadata } of before) expect(after).toContain(metadata.uid);
        return 1;
      } finally {
        await other.close();
      }
    };
    let survived = 0;
    for (let k = 1; k <= writes; k += 4)
      for (const one of await Promise.all(
        [k, k + 1, k + 2, k + 3].filter((at) => at <= writes - 1).map(dieAt),
      ))
        survived += one;
    console.info(`B10 survived a death after each of the first ${survived} of ${writes} writes`);
    expect(survived).toBe(writes - 1);
  }, 240_000);

  test('B15: a leader that stops hands over at once', async () => {
    const first = await bench.start();
    await until('a leader', 5000, async () => (first.figures().isLeader ? true : undefined));
    const second = await bench.start();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(second.figures().isLeader).toBe(false);
    const startedMs = performance.now();
    await first.stop(AbortSignal.timeout(5000));
    await until('the other to lead', 5000, async () =>
      second.figures().isLeader ? true : undefined,
    );
    const tookMs = performance.now() - startedMs;
    console.info(`B15 planned takeover in ${Math.round(tookMs)} ms`);
    expect(tookMs).toBeLessThan(1000);
  });

  test('B15: a frozen leader is replaced, and writes nothing when it wakes up', async () => {
    const ices: ReturnType<typeof freezable>[] = [];
    const first = await bench.start({
      wrap: (transport) => {
        const one = freezable(transport);
        ices.push(one);
        return one;
      },
    });
    const { objects } = bench;
    await objects.applyIngestion('wiki');
    await objects.podsNamed('wiki-g0-0');
    const second = await bench.start();
    ices[0]?.freeze();
    const startedMs = performance.now();
    const died = first.died.then((error) => error);
    let both = 0;
    await until('the other to lead', 10_000, async () => {
      if (first.figures().isLeader && second.figures().isLeader) both++;
      return second.figures().isLeader ? true : undefined;
    });
    console.info(
      `B15 takeover from a frozen leader in ${Math.round(performance.now() - startedMs)} ms with a lease of 4000 ms`,
    );
    expect(first.figures().isLeader).toBe(false);
    expect(both).toBe(0);
    const before = mutations(first.sent).length;
    await objects.applyIngestion('more');
    ices[0]?.thaw();
    await objects.podsNamed('wiki-g0-0', 'more-g0-0');
    expect(await died).toMatchObject({ code: 'LeaseLost' });
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(mutations(first.sent).length).toBe(before);
  });

  test('two operators at once: each resource is worked on by one of them', async () => {
    const operators = [await bench.start(), await bench.start()];
    const { objects } = bench;
    for (const name of ['a', 'b', 'c', 'd']) await objects.applyIngestion(name);
    await objects.podsNamed('a-g0-0', 'b-g0-0', 'c-g0-0', 'd-g0-0');
    const writers = operators.filter((operator) => mutations(operator.sent).length > 0);
    expect(writers).toHaveLength(1);
    // Both follow: the one that waits has its caches warm.
    for (const operator of operators)
      for (const { lists } of operator.figures().caches.values()) expect(lists).toBe(1);
  });

  test('B8: a poisoned resource does not hold up the others, and is not tried in a loop', async () => {
    const poisoned = breaking(bench.store, 'poison');
    const operator = await bench.start({ store: poisoned });
    const { objects } = bench;
    await objects.applyIngestion('poison');
    await objects.condition('poison', 'Ready', 'False/StoreBroken');
    const took: number[] = [];
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      const startedMs = performance.now();
      await objects.applyIngestion(name);
      await until(`the pod of ${name}`, 5000, async () => objects.get(KINDS.pods, `${name}-g0-0`));
      took.push(performance.now() - startedMs);
    }
    console.info(
      `B8 pods of good resources after ${took.map((ms) => Math.round(ms)).join(', ')} ms`,
    );
    expect(Math.max(...took)).toBeLessThan(2000);
    await new Promise((resolve) => setTimeout(resolve, 2000));
    const { passes } = operator.figures();
    await new Promise((resolve) => setTimeout(resolve, 3000));
    // Six resources resynced each second, the poisoned one no more often than they.
    expect(operator.figures().passes - passes).toBeLessThan(40);
  });

  test('B21: Ready is False within seconds of the last worker going', async () => {
    await bench.start({ settings: { resyncMs: 600_000 } });
    const { objects } = bench;
    await objects.applyIngestion('wiki', { workers: { count: 2 } });
    const names = ['wiki-g0-0', 'wiki-g1-0'];
    await objects.podsNamed(...names);
    for (const name of names) await objects.setReady(name);
    await objects.condition('wiki', 'Ready', 'True/Reading');
    const startedMs = performance.now();
    for (const name of names) await objects.delete(KINDS.pods, name, 0);
    const object = await objects.condition('wiki', 'Ready', 'False/WorkersUnavailable');
    const tookMs = performance.now() - startedMs;
    console.info(`B21 Ready was False after ${Math.round(tookMs)} ms`);
    expect(tookMs).toBeLessThan(5000);
    expect(field(object, 'status', 'workers', 'ready')).toBe(0);
  });

  test('B22: one status write a transition, with times that change only then', async () => {
    const operator = await bench.start({ settings: { resyncMs: 300 } });
    const { objects } = bench;
    await objects.applyIngestion('wiki');
    await objects.podsNamed('wiki-g0-0');
    await objects.setReady('wiki-g0-0');
    const ready = await objects.condition('wiki', 'Ready', 'True/Reading');
    await new Promise((resolve) => setTimeout(resolve, 2000));
    const statusWrites = (): number =>
      mutations(operator.sent).filter(({ path }) => path.endsWith('/status')).length;
    const before = statusWrites();
    expect(before).toBeLessThanOrEqual(4);
    await objects.setReady('wiki-g0-0', false);
    const unready = await objects.condition('wiki', 'Ready', 'False/WorkersUnavailable');
    await new Promise((resolve) => setTimeout(resolve, 2000));
    expect(statusWrites() - before).toBe(1);
    expect(timeOf(unready, 'SpecValid')).toBe(timeOf(ready, 'SpecValid'));
    expect(timeOf(unready, 'Ready')).not.toBe(timeOf(ready, 'Ready'));
  });

  test('B23: one cause is one event with a count, however often it happens', async () => {
    const operator = await bench.start({ settings: { resyncMs: 200 } });
    const { objects } = bench;
    await objects.applyIngestion('wiki', { workers: { count: 1, replicas: 2 } });
    await objects.condition('wiki', 'SpecValid', 'False/SpecInvalid');
    await until('fifty passes', 30_000, async () =>
      operator.figures().passes > 55 ? true : undefined,
    );
    const events = await until('the count', 5000, async () => {
      const all = (await objects.list(EVENTS)).filter((event) => event['reason'] === 'SpecInvalid');
      return Number(field(all[0], 'series', 'count') ?? 0) >= 20 ? all : undefined;
    });
    expect(events).toHaveLength(1);
    expect(textAt(events[0], 'note')).toContain('spec.workers.replicas');
    // The first of a cause are counted one by one; then the count is written now and then.
    expect(operator.sent.filter(({ path }) => path.includes('/events')).length).toBeLessThan(30);
  });
});

function timeOf(object: KubeObject, type: string): string {
  const conditions = (field(object, 'status', 'conditions') ?? []) as { type: string }[];
  return textAt(
    conditions.find((condition) => condition.type === type),
    'lastTransitionTime',
  );
}

/** A store that cannot be asked about one ingestion. */
function breaking(store: MetadataStore, name: string): MetadataStore {
  return {
    ...bound(store),
    list: (prefix) => {
      if (prefix.includes(`/${name}/`))
        return Promise.reject(new Failure('transient', 'StoreBroken', 'the store is broken'));
      return store.list(prefix);
    },
  };
}

function bound(store: MetadataStore): MetadataStore {
  return {
    get: (key) => store.get(key),
    list: (prefix) => store.list(prefix),
    transact: (transaction) => store.transact(transaction),
    mirror: (prefix, onChange) => store.mirror(prefix, onChange),
    lease: (...args: Parameters<MetadataStore['lease']>) => store.lease(...args),
    close: () => store.close(),
  };
}
