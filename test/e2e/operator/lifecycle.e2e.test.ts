// The life of a resource on a real API server: applied, changed, suspended, invalid, deleted. The numbers are those of
// the behaviours in the operator's design.

import { describe, expect, test } from 'vitest';
import { Failure } from '../../../core/runtime/failure.ts';
import { field, listAt } from '../../../operator/kube/object.ts';
import { INGESTIONS, KINDS } from '../../../operator/reconcile/kubernetes/kinds.ts';
import { until } from '../waiting.ts';
import { hasControlPlane } from './control-plane.ts';
import { conditionOf, mutations, type OperatorBench } from './operator-bench.ts';
import { benchForEachTest } from './suite.ts';

describe.skipIf(!hasControlPlane())('a resource on Kubernetes', () => {
  let bench: OperatorBench;
  benchForEachTest((opened) => {
    bench = opened;
  });

  test('an applied resource gets its pods, and is Ready when they are', async () => {
    await bench.start();
    const { objects } = bench;
    await objects.applyIngestion('wiki', { workers: { count: 2 } });
    const [pod] = await objects.podsNamed('wiki-g0-0', 'wiki-g1-0');
    const container = field(pod, 'spec', 'containers', 0);
    const args =
      'ingest -f /etc/sluice/ingestion/resource.yaml --group g0 --data /var/lib/sluice --port 8084 --address $(POD_IP):8084';
    expect(field(container, 'args')).toEqual(args.split(' '));
    expect(field(pod, 'spec', 'automountServiceAccountToken')).toBe(false);
    expect(field(container, 'securityContext', 'readOnlyRootFilesystem')).toBe(true);
    expect(pod?.metadata.annotations?.['sluice.dev/config-hash']).toMatch(/^[0-9a-f]{10}$/);
    const config = await objects.list(KINDS.configMaps);
    expect(
      config.some(
        (c) =>
          c.metadata.name === `wiki-${pod?.metadata.annotations?.['sluice.dev/config-hash']}` &&
          c['immutable'] === true,
      ),
    ).toBe(true);
    expect(await objects.get(KINDS.services, 'wiki-ingest')).toBeDefined();
    expect(await objects.get(KINDS.budgets, 'wiki-ingest')).toBeDefined();
    const waiting = await objects.condition('wiki', 'Ready', 'False/WorkersUnavailable');
    expect(field(waiting, 'status', 'workers')).toEqual({ desired: 2, ready: 0, draining: 0 });
    expect(field(waiting, 'status', 'partitions')).toEqual({ total: 4, assigned: 4 });
    for (const name of ['wiki-g0-0', 'wiki-g1-0']) await objects.setReady(name);
    const ready = await objects.condition('wiki', 'Ready', 'True/Reading');
    expect(field(ready, 'status', 'observedGeneration')).toBe(ready.metadata.generation);
    expect(field(ready, 'status', 'workers')).toEqual({ desired: 2, ready: 2, draining: 0 });
    expect(listAt(ready, 'status', 'conditions')).toHaveLength(7);
    expect(ready.metadata.finalizers).toEqual(['sluice.dev/drain']);
  });

  test('B2: nothing is written while nothing changes', async () => {
    const operator = await bench.start({ settings: { resyncMs: 200 } });
    const { objects } = bench;
    for (const name of ['a', 'b', 'c']) {
      await objects.applyIngestion(name, {
        workers: { count: 2, resources: { requests: { cpu: '1000m', memory: '1024Mi' } } },
      });
    }
    await until('six pods', 15_000, async () =>
      (await objects.pods()).length === 6 ? true : undefined,
    );
    for (const { metadata } of await objects.pods()) await objects.setReady(metadata.name);
    for (const name of ['a', 'b', 'c']) await objects.condition(name, 'Ready', 'True/Reading');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const before = mutations(operator.sent).length;
    const passes = operator.figures().passes;
    await new Promise((resolve) => setTimeout(resolve, 4000));
    expect(operator.figures().passes - passes).toBeGreaterThan(20);
    expect(mutations(operator.sent).slice(before)).toEqual([]);
    expect(before).toBeGreaterThan(20);
  });

  test('B3: an own status write asks for no pass', async () => {
    const operator = await bench.start({ settings: { resyncMs: 600_000 } });
    const { objects } = bench;
    await objects.applyIngestion('wiki');
    await objects.podsNamed('wiki-g0-0');
    await objects.setReady('wiki-g0-0');
    await objects.condition('wiki', 'Ready', 'True/Reading');
    await new Promise((resolve) => setTimeout(resolve, 3500));
    const { passes } = operator.figures();
    const status = { partitions: { total: 77, assigned: 1 } };
    await objects.patch(INGESTIONS, 'wiki', { status }, 'status');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(operator.figures().passes).toBe(passes);
    await objects.patch(INGESTIONS, 'wiki', { metadata: { labels: { team: 'x' } } });
    await until('a pass', 5000, async () =>
      operator.figures().passes > passes ? true : undefined,
    );
  });

  test('B5: what was changed or deleted by hand is repaired in seconds, the rest is left', async () => {
    await bench.start({ settings: { resyncMs: 600_000 } });
    const { objects } = bench;
    await objects.applyIngestion('wiki');
    await objects.podsNamed('wiki-g0-0');
    await objects.setReady('wiki-g0-0');
    await objects.condition('wiki', 'Ready', 'True/Reading');
    const took: number[] = [];
    const repaired = async (what: string, ask: () => Promise<unknown>): Promise<void> => {
      const startedMs = performance.now();
      await until(what, 5000, async () => ((await ask()) ? true : undefined));
      took.push(performance.now() - startedMs);
    };
    await objects.patch(KINDS.services, 'wiki-ingest', {
      metadata: { labels: { mine: 'yes' } },
      spec: { publishNotReadyAddresses: false },
    });
    await repaired('the Service', async () =>
      field(await objects.get(KINDS.services, 'wiki-ingest'), 'spec', 'publishNotReadyAddresses'),
    );
    const service = await objects.get(KINDS.services, 'wiki-ingest');
    expect(service?.metadata.labels?.['mine']).toBe('yes');
    await objects.delete(KINDS.budgets, 'wiki-ingest');
    await repaired('the budget', () => objects.get(KINDS.budgets, 'wiki-ingest'));
    const [config] = await objects
      .list(KINDS.configMaps)
      .then((all) => all.filter(({ metadata }) => metadata.name.startsWith('wiki-')));
    await objects.delete(KINDS.configMaps, config?.metadata.name ?? '');
    await repaired('the configuration', () =>
      objects.get(KINDS.configMaps, config?.metadata.name ?? ''),
    );
    const [pod] = await objects.pods();
    await objects.delete(KINDS.pods, 'wiki-g0-0', 0);
    await repaired('the pod', async () => {
      const again = await objects.get(KINDS.pods, 'wiki-g0-0');
      return again !== undefined && again.metadata.uid !== pod?.metadata.uid;
    });
    console.info(`B5 repaired in ${took.map((ms) => `${Math.round(ms)} ms`).join(', ')}`);
    expect(Math.max(...took)).toBeLessThan(2500);
  });

  test('B6, B20: a namesake of somebody else is not taken over, and the other steps are done all the same', async () => {
    const { objects } = bench;
    await objects.create(KINDS.services, {
      metadata: { name: 'wiki-ingest' },
      spec: { clusterIP: 'None', ports: [{ port: 1 }], selector: { app: 'other' } },
    });
    await bench.start();
    await objects.applyIngestion('wiki');
    const object = await objects.condition('wiki', 'Ready', 'False/NameTaken');
    expect(JSON.stringify(object['status'])).toContain('wiki-ingest exists and belongs to nobody');
    const service = await objects.get(KINDS.services, 'wiki-ingest');
    expect(field(service, 'spec', 'selector')).toEqual({ app: 'other' });
    await objects.podsNamed('wiki-g0-0');
    expect(await objects.get(KINDS.budgets, 'wiki-ingest')).toBeDefined();
    await objects.delete(KINDS.services, 'wiki-ingest');
    await objects.setReady('wiki-g0-0');
    await objects.condition('wiki', 'Ready', 'True/Reading');
  });

  test('an invalid spec is named in a condition while the last good one runs', async () => {
    await bench.start();
    const { objects } = bench;
    await objects.applyIngestion('wiki');
    const [pod] = await objects.podsNamed('wiki-g0-0');
    await objects.setReady('wiki-g0-0');
    await objects.condition('wiki', 'Ready', 'True/Reading');
    await objects.applyIngestion('wiki', { workers: { count: 1, replicas: 2 } });
    const object = await objects.condition('wiki', 'SpecValid', 'False/SpecInvalid');
    expect(JSON.stringify(object['status'])).toContain('spec.workers.replicas: is not supported');
    expect(conditionOf(object, 'Ready')).toBe('False/SpecInvalid');
    expect((await objects.pods())[0]?.metadata.uid).toBe(pod?.metadata.uid);
    // Its worker is replaced all the same, from the spec that was valid.
    await objects.delete(KINDS.pods, 'wiki-g0-0', 0);
    await until('another pod', 10_000, async () => {
      const [again] = await objects.pods();
      return again !== undefined && again.metadata.uid !== pod?.metadata.uid ? true : undefined;
    });
    await objects.applyIngestion('wiki', { workers: { count: 1 } });
    await objects.setReady('wiki-g0-0');
    await objects.condition('wiki', 'Ready', 'True/Reading');
  });

  test('a stream that fails is a condition with its reason, and recovers', async () => {
    bench.stream.failure = new Failure('config', 'TopicMissing', 'topic wikipedia does not exist');
    await bench.start({ settings: { resyncMs: 500 } });
    const { objects } = bench;
    await objects.applyIngestion('wiki');
    await objects.condition('wiki', 'SourceReachable', 'False/TopicMissing');
    expect(await objects.pods()).toEqual([]);
    bench.stream.failure = undefined;
    await objects.podsNamed('wiki-g0-0');
    await objects.condition('wiki', 'SourceReachable', 'True/Reachable');
  });

  test('what a worker reports of the stream is a condition of the resource', async () => {
    await bench.start({ settings: { resyncMs: 500 } });
    const { objects } = bench;
    await objects.applyIngestion('wiki');
    await objects.podsNamed('wiki-g0-0');
    const message = 'partition 3: offset 17 is no longer in the topic';
    bench.reports.set('10.0.0.1:8084', {
      conditions: [{ type: 'Reading', isTrue: false, reason: 'OffsetOutOfRange', message }],
      progress: { lagRecords: 0 },
    });
    await objects.setReady('wiki-g0-0', false);
    const object = await objects.condition('wiki', 'SourceReachable', 'False/OffsetOutOfRange');
    expect(JSON.stringify(object['status'])).toContain(`wiki-g0-0: ${message}`);
    expect(conditionOf(object, 'Ready')).toBe('False/OffsetOutOfRange');
    bench.reports.clear();
    await objects.setReady('wiki-g0-0');
    await objects.condition('wiki', 'SourceReachable', 'True/Reachable');
    await objects.condition('wiki', 'Ready', 'True/Reading');
  });

  test('suspend ends the workers and keeps offsets; resume starts them', async () => {
    await bench.start();
    const { objects } = bench;
    await objects.applyIngestion('wiki', { workers: { count: 2 } });
    await objects.podsNamed('wiki-g0-0', 'wiki-g1-0');
    const keys = async (): Promise<number> => (await bench.store.list('')).entries.length;
    const before = await keys();
    await objects.applyIngestion('wiki', { workers: { count: 2 }, suspend: true });
    await objects.podsNamed();
    const object = await objects.condition('wiki', 'Paused', 'True/Suspended');
    expect(field(object, 'status', 'workers')).toEqual({ desired: 0, ready: 0, draining: 0 });
    expect(await keys()).toBe(before);
    expect(before).toBeGreaterThan(4);
    await objects.applyIngestion('wiki', { workers: { count: 2 } });
    await objects.podsNamed('wiki-g0-0', 'wiki-g1-0');
  });

  test('paused: the operator keeps its hands off', async () => {
    const operator = await bench.start({ settings: { resyncMs: 200 } });
    const { objects } = bench;
    await objects.applyIngestion('wiki');
    await objects.podsNamed('wiki-g0-0');
    await objects.applyIngestion('wiki', {}, { 'sluice.dev/paused': 'true' });
    await objects.condition('wiki', 'Paused', 'True/PausedByAnnotation');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const before = mutations(operator.sent).length;
    await objects.delete(KINDS.pods, 'wiki-g0-0', 0);
    await new Promise((resolve) => setTimeout(resolve, 2500));
    expect(await objects.pods()).toEqual([]);
    // Status alone is written: it goes on telling the truth.
    const paths = mutations(operator.sent)
      .slice(before)
      .map(({ path }) => path);
    expect(paths.filter((path) => !path.endsWith('/status'))).toEqual([]);
    expect(paths.length).toBeLessThan(3);
    await objects.applyIngestion('wiki');
    await objects.podsNamed('wiki-g0-0');
  });

  test('deletion: Retain keeps the state, Purge removes it, the finalizer goes', async () => {
    await bench.start();
    const { objects } = bench;
    await objects.applyIngestion('keep');
    await objects.applyIngestion('purge', { deletionPolicy: 'Purge' });
    await objects.podsNamed('keep-g0-0', 'purge-g0-0');
    for (const name of ['keep', 'purge']) await objects.delete(INGESTIONS, name);
    await until('both to be gone', 15_000, async () =>
      (await objects.list(INGESTIONS)).length === 0 ? true : undefined,
    );
    expect(await objects.pods()).toEqual([]);
    const keys = (await bench.store.list('')).entries.map(({ key }) => key);
    expect(keys.filter((key) => key.includes('/keep/')).length).toBeGreaterThan(4);
    expect(keys.filter((key) => key.includes('/purge/'))).toEqual([]);
  });

  test('B16: a namespace whose resource cannot be purged goes after the deadline', async () => {
    // The lease of an operator is not in the namespace that goes.
    await bench.start({ settings: { drainMs: 3000, namespace: 'default' } });
    const { objects, store } = bench;
    await objects.applyIngestion('wiki', { deletionPolicy: 'Purge' });
    await objects.podsNamed('wiki-g0-0');
    // A worker that is gone without a trace, whose lease has not ended.
    const [entry] = (await store.list('')).entries.filter(({ key }) => key.includes('/wiki/'));
    const root = entry?.key.split('/').slice(0, 4).join('/');
    await store.transact({ compare: [], writes: [{ put: `${root}/owners/g0/0`, value: '{}' }] });
    const startedMs = performance.now();
    await objects.beginNamespaceEnd();
    await until('the resource to be gone', 60_000, async () =>
      (await objects.ingestion('wiki')) === undefined ? true : undefined,
    );
    const tookMs = performance.now() - startedMs;
    // The namespace controller looks again fifteen seconds after it saw a finalizer.
    await until('the namespace to be gone', 90_000, async () =>
      (await objects.namespaceExists()) ? undefined : true,
    );
    const allMs = performance.now() - startedMs;
    console.info(
      `B16 resource gone after ${Math.round(tookMs)} ms with a deadline of 3000 ms, its namespace after ${Math.round(allMs)} ms`,
    );
    expect(tookMs).toBeGreaterThan(2000);
    expect(tookMs).toBeLessThan(15_000);
    expect((await store.list(`${root}/`)).entries.length).toBeGreaterThan(4);
  });

  test('B16: a worker that hangs holds a deletion up only to the deadline', async () => {
    await bench.start({ settings: { drainMs: 3000 } });
    const { objects } = bench;
    await objects.applyIngestion('wiki');
    await objects.podsNamed('wiki-g0-0');
    await objects.bind('wiki-g0-0');
    const startedMs = performance.now();
    await objects.delete(INGESTIONS, 'wiki');
    await until('the pod to be told', 5000, async () => {
      const [pod] = await objects.pods();
      return pod?.metadata.deletionTimestamp === undefined ? undefined : true;
    });
    expect(await objects.ingestion('wiki')).toBeDefined();
    await until('the resource to be gone', 15_000, async () =>
      (await objects.ingestion('wiki')) === undefined ? true : undefined,
    );
    const tookMs = performance.now() - startedMs;
    console.info(`B16 gone after ${Math.round(tookMs)} ms with a deadline of 3000 ms`);
    expect(tookMs).toBeGreaterThan(2000);
    expect(tookMs).toBeLessThan(8000);
  });
});
