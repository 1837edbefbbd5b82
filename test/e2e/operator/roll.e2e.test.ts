// Changes of running workers on a real API server: rolls one at a time, a stuck roll overtaken, scale-down that waits
// for partitions, restart on request. Readiness is what the test reports in a kubelet's place.

import { describe, expect, test } from 'vitest';
import { CODECS } from '../../../core/metadata/codecs.ts';
import type { PartitionState } from '../../../core/metadata/values.ts';
import { field, type KubeObject, textAt } from '../../../operator/kube/object.ts';
import type { Transport } from '../../../operator/kube/client.ts';
import { INGESTIONS, KINDS } from '../../../operator/reconcile/kubernetes/kinds.ts';
import { until } from '../waiting.ts';
import { hasControlPlane } from './control-plane.ts';
import { delayedWatch } from './faulty-transport.ts';
import { mutations, type OperatorBench } from './operator-bench.ts';
import { benchForEachTest } from './suite.ts';

const NAMES = ['wiki-g0-0', 'wiki-g1-0', 'wiki-g2-0'] as const;

describe.skipIf(!hasControlPlane())('changes of workers', () => {
  let bench: OperatorBench;
  benchForEachTest((opened) => {
    bench = opened;
  });

  const hashOf = (pod: KubeObject): string =>
    pod.metadata.annotations?.['sluice.dev/template-hash'] ?? '';

  /** Three ready workers; resolves with what tells whether a pod is one of them. */
  async function running(
    spec: Readonly<Record<string, unknown>> = {},
  ): Promise<(pod: KubeObject) => boolean> {
    const { objects } = bench;
    await objects.applyIngestion('wiki', { workers: { count: 3 }, ...spec });
    const pods = await objects.podsNamed(...NAMES);
    for (const name of NAMES) await objects.setReady(name);
    await objects.condition('wiki', 'Ready', 'True/Reading');
    const hashes = new Set(pods.map(hashOf));
    return (pod) => hashes.has(hashOf(pod));
  }

  /** Reports each new pod ready, and the most pods that were not ready at once. */
  async function rollTo(isDone: (pods: readonly KubeObject[]) => boolean): Promise<number> {
    const { objects } = bench;
    let most = 0;
    await until('the roll to end', 30_000, async () => {
      const pods = await objects.pods();
      const ready = pods.filter(isReady);
      most = Math.max(most, NAMES.length - ready.length);
      if (pods.length === NAMES.length && ready.length === NAMES.length && isDone(pods))
        return true;
      for (const pod of pods) if (!isReady(pod)) await objects.setReady(pod.metadata.name);
      return undefined;
    });
    return most;
  }

  test('B14, B18: a changed spec rolls one worker at a time by uid, and the reason is an event', async () => {
    const operator = await bench.start();
    const { objects } = bench;
    const isOld = await running();
    await objects.applyIngestion('wiki', { workers: { count: 3 }, segments: { period: 'PT5M' } });
    const most = await rollTo((pods) => pods.every((pod) => !isOld(pod)));
    expect(most).toBe(1);
    await objects.condition('wiki', 'Ready', 'True/Reading');
    await objects.condition('wiki', 'Progressing', 'False/UpToDate');
    const events = await objects.events();
    const notes = events
      .filter((event) => event['reason'] === 'RollingUpdate')
      .map((event) => textAt(event, 'note'));
    expect(notes.toSorted((a, b) => (a < b ? -1 : 1))).toEqual(
      ['g0', 'g1', 'g2'].map(
        (group) => `the configuration of the worker changed; it is replaced (group ${group})`,
      ),
    );
    // The configuration that nobody uses any more went away.
    await until('one configuration', 5000, async () => {
      const configs = await objects.list(KINDS.configMaps);
      return configs.filter(({ metadata }) => metadata.name.startsWith('wiki-')).length === 1
        ? true
        : undefined;
    });
    // B14: every delete names the uid of what it deletes.
    const deletes = operator.sent.filter(({ method }) => method === 'DELETE');
    expect(deletes.length).toBeGreaterThan(3);
    for (const { body } of deletes)
      expect(field(body, 'preconditions', 'uid')).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('B18: a roll waits for a worker that is behind', async () => {
    await bench.start({ settings: { resyncMs: 500 } });
    const { objects } = bench;
    const isOld = await running();
    const report = (lagRecords: number): void => {
      bench.reports.set('10.0.0.1:8084', { conditions: [], progress: { lagRecords } });
    };
    report(1_000_000);
    await objects.applyIngestion('wiki', { workers: { count: 3 }, segments: { period: 'PT5M' } });
    await new Promise((resolve) => setTimeout(resolve, 3000));
    expect((await objects.pods()).filter(isOld)).toHaveLength(3);
    report(1000);
    expect(await rollTo((pods) => pods.every((pod) => !isOld(pod)))).toBe(1);
  });

  test('what does not concern a worker rolls none', async () => {
    const operator = await bench.start();
    const { objects } = bench;
    await running();
    const pods = await objects.pods();
    await objects.applyIngestion('wiki', {
      workers: { count: 3 },
      retention: { load: [{ period: 'P30D' }] },
      deletionPolicy: 'Purge',
    });
    const { generation } = (await objects.ingestion('wiki'))?.metadata ?? {};
    await until('status of the new generation', 10_000, async () =>
      field(await objects.ingestion('wiki'), 'status', 'observedGeneration') === generation
        ? true
        : undefined,
    );
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect((await objects.pods()).map((p) => p.metadata.uid)).toEqual(
      pods.map((p) => p.metadata.uid),
    );
    expect(generation).toBeGreaterThan(1);
    expect(
      mutations(operator.sent).filter(({ method }) => method === 'DELETE').length,
    ).toBeLessThan(2);
  });

  test('B19: a newer generation overtakes a roll that is stuck', async () => {
    await bench.start();
    const { objects } = bench;
    const isOld = await running();
    const template = (image: string): object => ({
      workers: { count: 3, template: { spec: { containers: [{ name: 'ingest', image }] } } },
    });
    await objects.applyIngestion('wiki', template('localhost/broken:1') as Record<string, unknown>);
    const stuck = await until('one new pod', 15_000, async () =>
      (await objects.pods()).find(
        (pod) => !isOld(pod) && pod.metadata.deletionTimestamp === undefined,
      ),
    );
    const waiting = { state: { waiting: { reason: 'ImagePullBackOff' } } };
    const status = {
      ...waiting,
      name: 'ingest',
      image: 'x',
      imageID: '',
      ready: false,
      restartCount: 0,
    };
    await objects.patch(
      KINDS.pods,
      stuck.metadata.name,
      { status: { phase: 'Pending', containerStatuses: [status] } },
      'status',
    );
    await objects.condition('wiki', 'Ready', 'False/WorkersUnavailable');
    await new Promise((resolve) => setTimeout(resolve, 2500));
    // The roll stands still: the other two read on with the old image.
    expect((await objects.pods()).filter(isOld)).toHaveLength(2);
    await objects.applyIngestion('wiki', template('localhost/good:1') as Record<string, unknown>);
    await until('the stuck pod to be replaced', 10_000, async () => {
      const again = await objects.get(KINDS.pods, stuck.metadata.name);
      return again !== undefined && again.metadata.uid !== stuck.metadata.uid ? true : undefined;
    });
    await rollTo((pods) =>
      pods.every((pod) => field(pod, 'spec', 'containers', 0, 'image') === 'localhost/good:1'),
    );
    await objects.condition('wiki', 'Ready', 'True/Reading');
  });

  test('a restart request rolls each worker once and is echoed', async () => {
    await bench.start();
    const { objects } = bench;
    const isOld = await running();
    await objects.patch(INGESTIONS, 'wiki', {
      metadata: { annotations: { 'sluice.dev/restart-request': 'now-1' } },
    });
    expect(await rollTo((pods) => pods.every((pod) => !isOld(pod)))).toBe(1);
    await until('the echo', 10_000, async () =>
      field(await objects.ingestion('wiki'), 'status', 'restartedAt') === 'now-1'
        ? true
        : undefined,
    );
    const pods = await objects.pods();
    await new Promise((resolve) => setTimeout(resolve, 2500));
    expect((await objects.pods()).map((p) => p.metadata.uid)).toEqual(
      pods.map((p) => p.metadata.uid),
    );
  });

  test('B17: a group that is not wanted keeps its worker until it has handed over its partitions', async () => {
    await bench.start({ settings: { resyncMs: 500 } });
    const { objects, store } = bench;
    await running();
    await objects.patch(INGESTIONS, 'wiki', { spec: { workers: { count: 1 } } });
    const draining = await until('two draining workers', 10_000, async () => {
      const object = await objects.ingestion('wiki');
      return field(object, 'status', 'workers', 'draining') === 2 ? object : undefined;
    });
    expect(field(draining, 'status', 'workers', 'desired')).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 2000));
    await objects.podsNamed(...NAMES);
    // What the workers do at the end of their sequences: the partition becomes its next group's.
    const moved = await handOver(store);
    expect(moved).toBeGreaterThan(1);
    await objects.podsNamed('wiki-g0-0');
    await until('one worker in status', 10_000, async () => {
      const workers = field(await objects.ingestion('wiki'), 'status', 'workers');
      const text = JSON.stringify(workers);
      return text === JSON.stringify({ desired: 1, draining: 0, ready: 1 }) ? true : undefined;
    });
  });

  test('a group without a worker for long gives its partitions to the others, keeps its pod, and that is an event', async () => {
    await bench.start({ settings: { resyncMs: 500 } });
    const { objects, store } = bench;
    await objects.applyIngestion('wiki', { workers: { count: 2, takeoverSeconds: 15 } });
    await objects.podsNamed('wiki-g0-0', 'wiki-g1-0');
    const owners = async (): Promise<readonly string[]> =>
      (await partitionsIn(store)).map(({ state }) => state.group).toSorted();
    expect(new Set(await owners())).toEqual(new Set(['g0', 'g1']));
    // The worker of g0 runs; that of g1 stays pending.
    const [root = ''] = ((await partitionsIn(store))[0]?.key ?? '').split('/partitions/');
    const owner = CODECS.owner.encode({ worker: 'w', address: 'a:1' });
    await store.transact({
      compare: [],
      writes: [{ put: `${root}/owners/g0/0`, value: owner }],
    });
    await until('the takeover', 40_000, async () =>
      (await owners()).every((group) => group === 'g0') ? true : undefined,
    );
    const event = await until('its event', 10_000, async () =>
      (await objects.events()).find((one) => one['reason'] === 'PartitionsTakenOver'),
    );
    expect(event['type']).toBe('Warning');
    await objects.podsNamed('wiki-g0-0', 'wiki-g1-0');
  });

  test('B17: partitions added to the topic are taken up, more groups get more workers', async () => {
    bench.stream.partitions = 1;
    await bench.start({ settings: { resyncMs: 500 } });
    const { objects } = bench;
    await objects.applyIngestion('wiki', { workers: { count: 2 } });
    // Never more workers than partitions.
    await objects.podsNamed('wiki-g0-0');
    await objects.setReady('wiki-g0-0');
    const one = await objects.condition('wiki', 'Ready', 'True/Reading');
    expect(field(one, 'status', 'partitions')).toEqual({ total: 1, assigned: 1 });
    bench.stream.partitions = 3;
    await objects.podsNamed('wiki-g0-0', 'wiki-g1-0');
    await objects.setReady('wiki-g1-0');
    await until('three partitions', 10_000, async () =>
      field(await objects.ingestion('wiki'), 'status', 'partitions', 'total') === 3
        ? true
        : undefined,
    );
  });

  test('B12, B13: with pods seen five seconds late there is no surplus pod and never two disruptions', async () => {
    const late = (transport: Transport): Transport => delayedWatch(transport, '/pods', 5000);
    const operator = await bench.start({ wrap: late, settings: { resyncMs: 300 } });
    const { objects } = bench;
    await objects.applyIngestion('wiki', { workers: { count: 3 } });
    const pods = await objects.podsNamed(...NAMES);
    const hashes = new Set(pods.map(hashOf));
    const isOld = (pod: KubeObject): boolean => hashes.has(hashOf(pod));
    for (const name of NAMES) await objects.setReady(name);
    await new Promise((resolve) => setTimeout(resolve, 7000));
    const before = mutations(operator.sent).filter(
      ({ method, path }) => method === 'DELETE' && path.includes('/pods/'),
    );
    expect(before).toEqual([]);
    // One falls ill just before the change: the cache still shows three ready workers.
    await objects.setReady(NAMES[2], false);
    await objects.applyIngestion('wiki', { workers: { count: 3 }, segments: { period: 'PT5M' } });
    await until('the first replacement', 30_000, async () => {
      const list = await objects.pods();
      return list.some((pod) => !isOld(pod)) ? true : undefined;
    });
    await new Promise((resolve) => setTimeout(resolve, 4000));
    const after = await objects.pods();
    // The ill one was replaced; nobody says the new one is ready, so the two that read are left alone.
    expect(after.filter(isOld).map(({ metadata }) => metadata.name)).toEqual(NAMES.slice(0, 2));
    expect(after.length).toBeLessThanOrEqual(3);
  });
});

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

async function handOver(store: OperatorBench['store']): Promise<number> {
  let moved = 0;
  for (const {
    state: { next, ...state },
    ...entry
  } of await partitionsIn(store)) {
    if (next === undefined) continue;
    const value = CODECS.partition.encode({ ...state, group: next.group, epoch: next.epoch });
    await store.transact({
      compare: [{ key: entry.key, modRevision: entry.modRevision }],
      writes: [{ put: entry.key, value }],
    });
    moved++;
  }
  return moved;
}

async function partitionsIn(
  store: OperatorBench['store'],
): Promise<readonly { key: string; modRevision: number; state: PartitionState }[]> {
  return (await store.list('')).entries
    .filter(({ key }) => key.includes('/partitions/'))
    .map(({ key, modRevision, value }) => ({
      key,
      modRevision,
      state: CODECS.partition.decode(value, key),
    }));
}
