// The operator with many resources: 1,000 of ten workers each on a real API server, pods on nodes that do not exist, the
// operator a process of its own with real etcd, Kafka and MinIO. Measured: everything made, a start over all of it, lists
// and requests, memory, an idle stretch in which each is looked at again, the repair of drift, a change of all. Limits are
// those of behaviour B24.

import { createServer, type Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { openKafkaAdmin } from '../core/kafka/admin.ts';
import { field, type KubeObject, listAt, textAt } from '../operator/kube/object.ts';
import { INGESTIONS, KINDS } from '../operator/reconcile/kubernetes/kinds.ts';
import { s3Of } from '../test/e2e/deployment.ts';
import { startControlPlane } from '../test/e2e/operator/control-plane.ts';
import { Objects } from '../test/e2e/operator/objects.ts';
import type { Servers } from '../test/servers/servers.ts';
import { OperatorProcess, PHASE_MS } from './operator-process.ts';
import type { Verdict } from './report.ts';

const NAMESPACE = 'bench';
const TOPIC = 'bench-topic';
/** Requests of the benchmark at once, so that the API server's fairness does not queue the benchmark itself. */
const AT_ONCE = 16;
/** Where every fake worker answers. */
const WORKER = { host: '127.77.0.1', port: 8084 };

/** Size of a run. */
export interface OperatorBenchParams {
  readonly resources: number;
  readonly workers: number;
  readonly servers: Servers;
}

/** Figures by name, and what they must be. */
export interface OperatorBenchResult {
  readonly figures: Readonly<Record<string, number>>;
  readonly verdicts: readonly Verdict[];
}

/** Runs it. */
export async function run(params: OperatorBenchParams): Promise<OperatorBenchResult> {
  const plane = await startControlPlane();
  const worker = await fakeWorker();
  let operator: OperatorProcess | undefined;
  try {
    operator = await OperatorProcess.open(plane, params.servers, NAMESPACE);
    return await measure(params, new Objects(plane.admin, NAMESPACE), operator);
  } catch (error) {
    if (operator !== undefined) console.error(operator.tail());
    throw error;
  } finally {
    await operator?.kill();
    worker.close();
    await plane.stop();
  }
}

async function measure(
  { resources, workers, servers }: OperatorBenchParams,
  objects: Objects,
  operator: OperatorProcess,
): Promise<OperatorBenchResult> {
  const names = Array.from({ length: resources }, (_, i) => `i${i}`);
  const pods = resources * workers;
  const figures: Record<string, number> = { resources, pods };
  const timed = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    const startedMs = performance.now();
    await work();
    figures[what] = Math.round(performance.now() - startedMs) / 1000;
    console.log(`${what} ${figures[what]} s`);
  };
  await objects.createNamespace();
  const text = stringify({
    etcd: { endpoints: [servers.get('etcd').endpoint.url], root: `${NAMESPACE}/` },
    s3: { ...s3Of(servers), bucket: NAMESPACE },
  });
  const secret = { metadata: { name: 'connections' }, stringData: { 'connections.yaml': text } };
  await objects.create(KINDS.secrets, secret);
  const kafka = servers.get('kafka').endpoint.url;
  const admin = await openKafkaAdmin({ bootstrapServers: [kafka], clientId: 'bench' });
  await admin.createTopic(TOPIC, workers, {});
  await admin.close();
  const source = { kafka: { bootstrapServers: [kafka], topic: TOPIC } };
  const apply = (extra: Readonly<Record<string, unknown>>): Promise<void> =>
    each(names, (name) =>
      objects.applyIngestion(name, { source, workers: { count: workers }, ...extra }),
    );

  operator.start();
  const kubelet = new FakeKubelet(objects, pods);
  await timed('made', async () => {
    await apply({});
    await kubelet.allReady();
    await allReady(objects, names.length);
  });
  figures['madeRequests'] = await operator.figure('sluice_rest_client_requests_total');
  figures['madeRssMiB'] = operator.rssMiB();
  await operator.stop();

  operator.start();
  const startCpu = operator.cpuSeconds();
  await timed('start', () =>
    operator.until('a pass over each', async () => {
      const passes = await operator.figure('sluice_reconcile_total', 'result="done"');
      return passes >= resources;
    }),
  );
  figures['startCpuSeconds'] = operator.cpuSeconds() - startCpu;
  figures['startRequests'] = await operator.figure('sluice_rest_client_requests_total');
  figures['startWrites'] = await operator.writes();
  figures['listsPerKindMost'] = await operator.most('sluice_watch_lists');
  figures['startRssMiB'] = operator.rssMiB();

  const before = await operator.counts();
  const cpu = operator.cpuSeconds();
  const idleSinceMs = performance.now();
  let after = before;
  while (after.passes - before.passes < resources) {
    // Seldom: writing the metrics of so many resources is work, too.
    await sleep(5000);
    after = await operator.counts();
  }
  const idleSeconds = (performance.now() - idleSinceMs) / 1000;
  figures['idleCpuPercent'] = Math.round((100 * (operator.cpuSeconds() - cpu)) / idleSeconds);
  figures['idlePasses'] = after.passes - before.passes;
  figures['idleWrites'] = after.writes - before.writes;
  figures['idleRequestsPerPass'] =
    Math.round((100 * (after.requests - before.requests)) / figures['idlePasses']) / 100;

  await timed('drift', async () => {
    const budget = `${names.at(-1)}-ingest`;
    await objects.delete(KINDS.budgets, budget);
    while ((await objects.get(KINDS.budgets, budget)) === undefined) await sleep(20);
  });
  const repaired = await operator.counts();

  await timed('changeAll', async () => {
    await apply({ retention: { load: [{ period: 'P30D' }] } });
    await allReady(objects, names.length);
  });
  const changed = await operator.counts();
  figures['changeRequestsPerResource'] =
    Math.round((100 * (changed.requests - repaired.requests)) / resources) / 100;
  figures['rssMiB'] = operator.rssMiB();
  figures['rssPeakMiB'] = operator.rssPeakMiB();
  return { figures, verdicts: verdictsOf(figures) };
}

function verdictsOf(figures: Readonly<Record<string, number>>): readonly Verdict[] {
  const most = (goal: string, floor: number): Verdict => ({
    goal,
    got: figures[goal] ?? Number.NaN,
    floor,
    isCeiling: true,
  });
  return [
    most('start', 30),
    most('listsPerKindMost', 1),
    most('startWrites', 0),
    most('idleWrites', 0),
    most('drift', 2),
    most('changeAll', 60),
    most('rssPeakMiB', 400),
  ];
}

/** Says of every pod, as soon as it is there, that it is ready on a node of its own. */
class FakeKubelet {
  readonly #objects: Objects;
  readonly #pods: number;

  constructor(objects: Objects, pods: number) {
    this.#objects = objects;
    this.#pods = pods;
  }

  async allReady(): Promise<void> {
    const done = new Set<string>();
    for (let printed = 0; done.size < this.#pods; await sleep(500)) {
      const fresh = (await this.#objects.pods())
        .map(({ metadata }) => metadata.name)
        .filter((name) => !done.has(name));
      await each(fresh, async (name) => {
        await this.#objects.setReady(name, true, WORKER.host);
        done.add(name);
      });
      if (done.size - printed < 1000) continue;
      printed = done.size;
      console.log(`${printed} pods ready`);
    }
  }
}

async function allReady(objects: Objects, count: number): Promise<void> {
  const endMs = performance.now() + PHASE_MS;
  for (;;) {
    const all = await objects.list(INGESTIONS);
    const late = all.filter((object) => !isCurrent(object));
    if (all.length === count && late.length === 0) return;
    if (performance.now() > endMs)
      throw new Error(`${late.length} are not Ready, e.g. ${JSON.stringify(late[0]?.['status'])}`);
    await sleep(500);
  }
}

function isCurrent(object: KubeObject): boolean {
  const ready = listAt(object, 'status', 'conditions').find((c) => textAt(c, 'type') === 'Ready');
  return (
    textAt(ready, 'status') === 'True' &&
    field(object, 'status', 'observedGeneration') === object.metadata.generation
  );
}

async function each(
  names: readonly string[],
  work: (name: string) => Promise<unknown>,
): Promise<void> {
  const left = [...names];
  const one = async (): Promise<void> => {
    for (let name = left.shift(); name !== undefined; name = left.shift()) await work(name);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

function fakeWorker(): Promise<Server> {
  const answer = JSON.stringify({ conditions: [], progress: { lagRecords: 0 } });
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'application/json').end(answer);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(WORKER.port, WORKER.host, () => resolve(server));
  });
}
