// The operator of the benchmark as a process of its own, and the figures it gives: from its metrics and from the kernel.
// Started by operator.bench.ts.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import { environmentOf } from '../test/e2e/deployment.ts';
import type { ControlPlane } from '../test/e2e/operator/control-plane.ts';
import { RoleProcess } from '../test/e2e/role-process.ts';
import { freePorts } from '../test/servers/ports.ts';
import type { Servers } from '../test/servers/servers.ts';

/** The longest that a phase of the benchmark may take. */
export const PHASE_MS = 1_800_000;

/** What the chart gives the operator: the peak of memory is judged with it. */
function chartNodeOptions(): string {
  const file = new URL('../charts/sluice/values.yaml', import.meta.url);
  const values = parse(readFileSync(file, 'utf8')) as { operator: { nodeOptions: string } };
  return values.operator.nodeOptions;
}

/** The operator's process and what it says of itself. */
export class OperatorProcess {
  readonly #process: RoleProcess;
  readonly #url: string;
  /** Holds a token: removed with the process. */
  readonly #account: string;

  private constructor(process: RoleProcess, port: number, account: string) {
    this.#process = process;
    this.#url = `http://127.0.0.1:${port}/metrics`;
    this.#account = account;
  }

  /** Prepares it to serve one namespace; not started yet. */
  static async open(
    plane: ControlPlane,
    servers: Servers,
    namespace: string,
  ): Promise<OperatorProcess> {
    const [port = 0] = await freePorts('127.0.0.1', 1);
    const account = mkdtempSync(join(tmpdir(), 'sluice-account-'));
    const environment = {
      ...(await environmentOf(namespace, servers)),
      ...podAccount(plane.kubeconfig, account),
      NODE_OPTIONS: chartNodeOptions(),
      SLUICE_IMAGE: 'localhost/sluice:bench',
      SLUICE_NAMESPACE: namespace,
      SLUICE_WATCH_NAMESPACE: namespace,
      SLUICE_CONNECTIONS_SECRET: 'connections',
    };
    const args = ['operator', '--host', '127.0.0.1', '--port', String(port)];
    return new OperatorProcess(new RoleProcess('operator', args, environment), port, account);
  }

  start(): void {
    this.#process.start();
  }

  async stop(): Promise<void> {
    await this.#process.stop();
  }

  async kill(): Promise<void> {
    await this.#process.kill();
    rmSync(this.#account, { recursive: true, force: true });
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

/** Writes the account of a pod with the rights of the kubeconfig's user, as a kubelet would mount it. */
function podAccount(kubeconfig: string, folder: string): Readonly<Record<string, string>> {
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
