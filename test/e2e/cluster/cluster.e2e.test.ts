// The product as a platform engineer gets it: image from the Dockerfile, chart by helm, example by kubectl, every role
// a pod under a real kubelet, against real Kafka, MinIO, etcd and Redis. Each test goes on where the one before ended.

import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { installGoTools } from '../../kube/go-tools.ts';
import { run } from '../../servers/cache.ts';
import { until } from '../waiting.ts';
import {
  type Installation,
  NAMESPACE,
  prepareInstallation,
  release,
  untilCounted,
} from './installation.ts';
import { reportVerbs } from './granted-verbs.ts';
import { judgeManifests } from './manifests.ts';
import { installMonitorCrds, startMonitoring } from './monitoring.ts';
import { type RealNode, startRealNode, whyNoNode } from './real-node.ts';

interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly labels: Record<string, string>;
  };
  readonly status: {
    readonly phase: string;
    readonly containerStatuses: readonly { readonly image: string; readonly ready: boolean }[];
  };
}

/** Of a tool that failed. */
interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

interface Ingestion {
  readonly metadata: { readonly generation: number };
  readonly status?: {
    readonly conditions: readonly {
      readonly type: string;
      readonly status: string;
      readonly observedGeneration: number;
    }[];
  };
}

const reason = whyNoNode();

describe.skipIf(reason !== undefined)(
  `a real node${reason === undefined ? '' : ` (${reason})`}`,
  () => {
    let node: RealNode;
    let installation: Installation;
    let rows = 0;
    const kubectl = (...args: string[]): Promise<string> => node.kubectl('-n', NAMESPACE, ...args);
    const pods = async (): Promise<readonly Pod[]> =>
      (await node.read<{ items: Pod[] }>('pods', '-n', NAMESPACE)).items;
    const roles = async (): Promise<readonly string[]> =>
      (await pods())
        .filter(({ status }) => status.containerStatuses.every(({ ready }) => ready))
        .map(({ metadata }) => metadata.labels['app.kubernetes.io/component'] ?? '')
        .toSorted();

    /** Ready for the generation that is there now. */
    const untilReady = (name: string): Promise<true> =>
      until(`${name} is ready`, 120_000, async () => {
        const { metadata, status } = await node.read<Ingestion>(`rti/${name}`, '-n', NAMESPACE);
        const ready = status?.conditions.find(({ type }) => type === 'Ready');
        return ready?.status === 'True' && ready.observedGeneration === metadata.generation
          ? true
          : undefined;
      });

    beforeAll(async () => {
      node = await startRealNode();
      installation = await prepareInstallation(node);
      await installMonitorCrds(node);
    }, 300_000);
    afterAll(() => node?.stop(), 60_000);

    it('installs the chart: every role is a pod that is ready', async () => {
      await release(node, installation);
      expect(await roles()).toEqual(['broker', 'historical-default', 'operator', 'operator']);
      for (const { metadata, status } of await pods())
        expect(
          status.containerStatuses.map(({ image }) => image),
          metadata.name,
        ).toEqual(['localhost/sluice:0.1.0']);
    });

    it('ingests what was produced before and after the example is applied', async () => {
      rows += await installation.produce();
      await kubectl('apply', '--server-side', '--dry-run=server', '-f', installation.exampleFile);
      await kubectl('apply', '-f', installation.exampleFile);
      await kubectl('wait', '--for=condition=Ready', 'rti/wikipedia', '--timeout=90s');
      expect(await roles()).toContain('ingest');
      await untilCounted(installation, rows);
      rows += await installation.produce();
      await untilCounted(installation, rows);
    });

    it('shows the resource by kubectl get', async () => {
      const [head = '', line = ''] = (await kubectl('get', 'rti')).trim().split('\n');
      expect(head.split(/ {2,}/)).toEqual(
        'NAME,DATASOURCE,READY WORKERS,WORKERS,PARTITIONS,READY,SUSPENDED,AGE'.split(','),
      );
      expect(line).toMatch(/^wikipedia +wikipedia +1 +1 +2 +True +\S+$/);
    });

    it('is scraped by Prometheus through its monitors, and promtool accepts rules and metrics', async () => {
      const { promtool } = await installGoTools();
      const monitoring = await startMonitoring(node);
      try {
        const expected = ['broker', 'historical-default', 'ingest', 'operator', 'operator'];
        await until('every role is scraped', 60_000, async () => {
          const targets = await monitoring.targets();
          if (targets.length === expected.length && targets.every(({ health }) => health === 'up'))
            return true;
          throw new Error(`${JSON.stringify(targets)}\n${monitoring.tail()}`);
        });
        const names = (await pods()).map(({ metadata }) => metadata.name);
        const targets = await monitoring.targets();
        expect(new Set(targets.map(({ labels }) => labels['pod']))).toEqual(new Set(names));
        const labels = `namespace="${NAMESPACE}",ingestion="wikipedia"`;
        await until('events are counted', 30_000, async () => {
          const events = await monitoring.value(`sum(sluice_ingest_events_total{${labels}})`);
          return events === rows ? true : undefined;
        });
        expect(await monitoring.value('count({exported_namespace!=""})')).toBeUndefined();
        await until('rules are evaluated', 60_000, async () => {
          const rules = await monitoring.rules();
          return rules.length >= 4 && rules.every(({ health }) => health === 'ok')
            ? true
            : undefined;
        });
        for (const file of monitoring.ruleFiles) await run(promtool, ['check', 'rules', file]);
        expect(monitoring.ruleFiles).toHaveLength(1);
        for (const { labels } of targets) {
          const text = await (await fetch(`http://${labels['instance']}/metrics`)).text();
          const file = await node.file(`${labels['pod']}.metrics`, text);
          await run('sh', ['-c', `'${promtool}' check metrics < '${file}'`]);
        }
      } finally {
        await monitoring.stop();
      }
    });

    it('publishes into the bucket and answers the same from historicals', async () => {
      const before = (await installation.objects()).length;
      const patch = '{"spec":{"segments":{"period":"PT5S"}}}';
      await kubectl('patch', 'rti', 'wikipedia', '--type=merge', '-p', patch);
      await until('segments are in the bucket', 90_000, async () =>
        (await installation.objects()).length > before ? true : undefined,
      );
      await kubectl('wait', '--for=condition=Ready', 'rti/wikipedia', '--timeout=90s');
      await untilCounted(installation, rows);
    });

    it('passes helm test, which ingests rows of its own and leaves nothing', async () => {
      const test = ['test', 'sluice', '-n', NAMESPACE, '--timeout', '150s'];
      const said = await node.helm(...test);
      expect(said).toMatch(/Phase: +Succeeded/);
      expect(said).toMatch(/the broker counts 1000 rows with the right sum/);
      expect(said).toMatch(/resource, rows and topic are removed/);
      const account = await reportVerbs(node, NAMESPACE, 'sluice-test', []);
      const verbs = ['create', 'delete', 'get'];
      expect(account.used).toEqual(verbs.map((verb) => `sluice.dev/realtimeingestions ${verb}`));
      expect(account.denied).toEqual([]);
      expect((await kubectl('get', 'rti', '-o', 'name')).trim().split('\n')).toEqual([
        'realtimeingestion.sluice.dev/wikipedia',
      ]);
      expect((await installation.topics()).filter((name) => name.includes('trial'))).toEqual([]);
      expect(await kubectl('get', 'serviceaccount,role,rolebinding,pod', '-o', 'name')).not.toMatch(
        /sluice-test/,
      );
    });

    it('fails helm test without a Kafka, and names the value to set', async () => {
      await release(node, installation, '--set-json', 'tests.kafka.bootstrapServers=[]');
      const test = ['test', 'sluice', '-n', NAMESPACE, '--timeout', '60s'];
      const said = await node.helm(...test).catch(({ stdout, stderr }: Output) => stdout + stderr);
      expect(said).toMatch(/Phase: +Failed/);
      expect(await kubectl('logs', 'sluice-test')).toMatch(
        /TrialSourceMissing.*tests\.kafka\.bootstrapServers/,
      );
      await kubectl('delete', 'pod', 'sluice-test');
      await node.helm('rollback', 'sluice', '1', '-n', NAMESPACE, '--wait', '--timeout', '120s');
    });

    it('keeps data through helm upgrade and rollback', async () => {
      const worker = (await pods()).find(({ metadata }) => metadata.name === 'wikipedia-g0-0');
      await release(
        node,
        installation,
        '--set',
        'broker.replicas=2,historicals[0].maxBytes=900000000',
      );
      expect((await roles()).filter((role) => role === 'broker')).toHaveLength(2);
      await untilCounted(installation, rows);
      rows += await installation.produce();
      await untilCounted(installation, rows);
      await node.helm('rollback', 'sluice', '1', '-n', NAMESPACE, '--wait', '--timeout', '120s');
      await untilCounted(installation, rows);
      const after = (await pods()).find(({ metadata }) => metadata.name === 'wikipedia-g0-0');
      expect(after?.metadata.uid, 'the worker was not touched').toBe(worker?.metadata.uid);
    });

    it('keeps what workers persisted on their volumes, and removes the volume of one that is scaled away', async () => {
      const text = await readFile(installation.exampleFile, 'utf8');
      const resource = parse(text) as { metadata: object; spec: object };
      const spec = {
        ...resource.spec,
        dataSource: 'stored',
        segments: { period: 'PT1H' },
        workers: { count: 2, storage: { size: '100Mi' } },
      };
      const stored = { ...resource, metadata: { name: 'stored' }, spec };
      const file = await node.file('stored.yaml', stringify(stored));
      await kubectl('apply', '-f', file);
      await untilReady('stored');
      await untilCounted(installation, rows, 'stored');
      await kubectl('delete', 'pod', 'stored-g0-0');
      await untilReady('stored');
      await untilCounted(installation, rows, 'stored');
      await kubectl('scale', 'rti', 'stored', '--replicas=1');
      await until('the second volume claim is gone', 120_000, async () => {
        const claims = (await kubectl('get', 'pvc', '-o', 'name')).trim().split('\n');
        return claims.some((name) => name.includes('stored-g1')) ? undefined : claims;
      });
      await untilCounted(installation, rows, 'stored');
      await kubectl('delete', '-f', file, '--timeout=150s');
    });

    it('drains and ends by kubectl delete; the segments stay', async () => {
      // Long enough that only the drain publishes what comes now.
      const patch = '{"spec":{"segments":{"period":"PT1H"}}}';
      await kubectl('patch', 'rti', 'wikipedia', '--type=merge', '-p', patch);
      await untilReady('wikipedia');
      rows += await installation.produce();
      await untilCounted(installation, rows);
      const before = (await installation.objects()).length;
      await kubectl('delete', '-f', installation.exampleFile, '--timeout=150s');
      expect((await installation.objects()).length).toBeGreaterThan(before);
      expect((await pods()).map(({ metadata }) => metadata.name).join(' ')).not.toContain(
        'wikipedia',
      );
      await untilCounted(installation, rows);
    });

    it('renders manifests that helm lint, kubeconform and kube-score accept', async () => {
      const { examples, valid, kinds, refusal } = await judgeManifests(node);
      expect(examples).toEqual(['external.yaml', 'one-namespace.yaml', 'try-out.yaml']);
      expect(kinds).toBeGreaterThan(70);
      expect(valid).toBeGreaterThan(40);
      expect(refusal).toMatch(/additional properties 'replica' not allowed/);
    });

    it('grants each verb that was used, no other, and none was denied', async () => {
      const roles = ['clusterrole/analytics-sluice-operator', 'role/sluice-operator-lease'];
      const report = await reportVerbs(node, NAMESPACE, 'sluice-operator', roles);
      expect(report.granted.length).toBeGreaterThan(30);
      expect(report.denied).toEqual([]);
      expect(report.unused).toEqual([
        // Asked for by OwnerReferencesPermissionEnforcement, an admission plugin that is off here.
        'sluice.dev/realtimeingestions/finalizers update',
      ]);
      const data = await reportVerbs(node, NAMESPACE, 'sluice-data', []);
      expect(data.used, 'brokers and historicals have no token').toEqual([]);
    });
  },
);
