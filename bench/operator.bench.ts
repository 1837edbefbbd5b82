// The operator with many resources: 1,000 of ten workers each on a real API server, pods on nodes that do not exist, the
// operator a process of its own with real etcd, Kafka and MinIO. Measured: everything made, a start over all of it, lists
// and requests, memory, an idle stretch, a change of all. Limits are those of behaviour B24.

import { createServer, type Server } from 'node:http';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import { openKafkaAdmin } from '../core/kafka/admin.ts';
import { field, type KubeObject, listAt, textAt } from '../operator/kube/object.ts';
import { INGESTIONS, KINDS } from '../operator/reconcile/kubernetes/kinds.ts';
import { environmentOf, s3Of } from '../test/e2e/deployment.ts';
import { type ControlPlane, startControlPlane } from '../test/e2e/operator/control-plane.ts';
import { Objects } from '../test/e2e/operator/objects.ts';
import { RoleProcess } from '../test/e2e/role-process.ts';
import { freePorts } from '../test/servers/ports.ts';
import type { Servers } from '../test/servers/servers.ts';
import type { Verdict } from './report.ts';

const NAMESPACE = 'bench';
const TOPIC = 'bench-topic';
/** Requests of the benchmark at once, so that the API server's fairness does not queue the benchmark itself. */
const AT_ONCE = 16;
/** Where every fake worker answers. */
const WORKER = { host: '127.77.0.1', port: 8084 };
const PHASE_MS = 1_800_000;

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
    operator = await OperatorProcess.open(plane, params.servers);
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
  await sleep(40_000);
  const after = await operator.counts();
  figures['idleCpuPercent'] = Math.round((operator.cpuSeconds() - cpu) / 0.4);
  figures['idlePasses'] = after.passes - before.passes;
  figures['idleWrites'] = after.writes - before.writes;
  figures['idleRequestsPerPass'] =
    Math.round((100 * (after.requests - before.requests)) / figures['idlePasses']) / 100;

  await timed('changeAll', async () => {
    await apply({ retention: { load: [{ period: 'P30D' }] } });
    await allReady(objects, names.length);
  });
  const changed = await operator.counts();
  figures['changeRequestsPerResource'] =
    Math.round((100 * (changed.requests - after.requests)) / resources) / 100;
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

/** The operator's process and what it says of itself. */
class OperatorProcess {
  readonly #process: RoleProcess;
  readonly #url: string;

  private constructor(process: RoleProcess, port: number) {
    this.#process = process;
    this.#url = `http://127.0.0.1:${port}/metrics`;
  }

  static async open(plane: ControlPlane, servers: Servers): Promise<OperatorProcess> {
    const [port = 0] = await freePorts('127.0.0.1', 1);
    const environment = {
      ...(await environmentOf(NAMESPACE, servers)),
      ...podAccount(plane.kubeconfig),
      // As the chart sets it for a limit of 400 MiB.
      NODE_OPTIONS: '--max-old-space-size=220 --max-semi-space-size=4',
      SLUICE_IMAGE: 'localhost/sluice:bench',
      SLUICE_NAMESPACE: NAMESPACE,
      SLUICE_WATCH_NAMESPACE: NAMESPACE,
      SLUICE_CONNECTIONS_SECRET: 'connections',
    };
    const args = ['operator', '--host', '127.0.0.1', '--port', String(port)];
    return new OperatorProcess(new RoleProcess('operator', args, environment), port);
  }

  start(): void {
    this.#process.start();
  }

  async stop(): Promise<void> {
    await this.#process.stop();
  }

  async kill(): Promise<void> {
    await this.#process.kill();
  }

  tail(): string {
    return this.#process.tail();
  }

  /** Asks until it is so; the process may not listen yet. */
  async until(what: string, isSo: () => Promise<boolean>): Promise<void> {
    const endMs = performance.now() + PHASE_MS;
    for (;;) {
      if (await isSo().catch(() => false)) return;
      if (performance.now() > endMs) throw new Error(`${what}: not in time`);
      await sleep(100);
    }
  }

  async #series(name: string): Promise<readonly { labels: string; value: number }[]> {
    const text = await (await fetch(this.#url)).text();
    return text
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
      .map((line) => ({
        labels: line.slice(name.length, line.lastIndexOf(' ')),
        value: Number(line.slice(line.lastIndexOf(' ') + 1)),
      }));
  }

  /** Sum of the series whose labels contain a text. */
  async figure(name: string, labels = ''): Promise<number> {
    const all = await this.#series(name);
    return all.filter((s) => s.labels.includes(labels)).reduce((sum, s) => sum + s.value, 0);
  }

  async most(name: string): Promise<number> {
    return Math.max(...(await this.#series(name)).map(({ value }) => value));
  }

  /** Changing requests, renewals of the lease (PUT) and events (POST) aside. */
  async writes(): Promise<number> {
    const all = await this.#series('sluice_rest_client_requests_total');
    return all
      .filter(({ labels }) => /method="(PATCH|DELETE)"/.test(labels))
      .reduce((sum, s) => sum + s.value, 0);
  }

  async counts(): Promise<{ requests: number; passes: number; writes: number }> {
    return {
      requests: await this.figure('sluice_rest_client_requests_total'),
      passes: await this.figure('sluice_reconcile_total'),
      writes: await this.writes(),
    };
  }

  rssMiB(): number {
    return this.#kernel('VmRSS');
  }

  rssPeakMiB(): number {
    return this.#kernel('VmHWM');
  }

  #kernel(name: string): number {
    const status = readFileSync(`/proc/${this.#process.pid}/status`, 'utf8');
    const kib = new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1];
    return Math.round(Number(kib) / 1024);
  }

  /** User and system time so far, s. */
  cpuSeconds(): number {
    const stat = readFileSync(`/proc/${this.#process.pid}/stat`, 'utf8').split(') ')[1] ?? '';
    const fields = stat.split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }
}

/** The account of a pod with the rights of the kubeconfig's user, as a kubelet would mount it. */
function podAccount(kubeconfig: string): Readonly<Record<string, string>> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-account-'));
  const config = parse(readFileSync(kubeconfig, 'utf8')) as {
    clusters: [{ cluster: { server: string; 'certificate-authority-data': string } }];
    users: [{ user: { token: string } }];
  };
  const [{ cluster }] = config.clusters;
  writeFileSync(
    join(folder, 'ca.crt'),
    Buffer.from(cluster['certificate-authority-data'], 'base64'),
  );
  writeFileSync(join(folder, 'token'), config.users[0].user.token);
  const { hostname, port } = new URL(cluster.server);
  return {
    SLUICE_SERVICE_ACCOUNT: folder,
    KUBERNETES_SERVICE_HOST: hostname,
    KUBERNETES_SERVICE_PORT: port,
  };
}
