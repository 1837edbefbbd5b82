// A kubelet of the tests: runs the containers of one namespace's pods as local processes, with their mounted
// configuration, and reports to the API server what a kubelet would. Worker processes are real; only images, cgroups and
// the network of a node are missing. Every pod gets an address of its own (place.ts).

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { field, type KubeObject, listAt, textAt } from '../../../operator/kube/object.ts';
import { KINDS } from '../../../operator/reconcile/kubernetes/kinds.ts';
import type { Objects } from './objects.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const LOOK_MS = 250;
const RESTART_MS = 1000;
/** Probes are eight times as frequent as the pod asks for; so many failures in a row are its two. */
const FAILURES_MAX = 8;
const LINES_KEPT = 60;

interface RunningPod {
  readonly name: string;
  readonly uid: string;
  readonly address: string;
  readonly folder: string;
  child: ChildProcess | undefined;
  isReady: boolean;
  isEnding: boolean;
  isProbed: boolean;
  /** Probes in a row that failed. */
  failures: number;
  restarts: number;
  /** Last lines of its log. */
  readonly lines: string[];
}

/** The kubelet. */
export class ProcessKubelet {
  readonly #objects: Objects;
  readonly #folder: string;
  readonly #net: string;
  readonly #pods: Map<string, RunningPod> = new Map();
  readonly #stop: AbortController = new AbortController();
  #addresses = 0;
  #loop: Promise<void> = Promise.resolve();
  /** Processes started, and ended by SIGKILL. */
  started = 0;
  killed = 0;

  private constructor(objects: Objects, folder: string, net: string) {
    this.#objects = objects;
    this.#folder = folder;
    this.#net = net;
  }

  /** Starts it. `net`: the first three numbers of the pods' addresses, e.g. `10.246.1`. */
  static async start(objects: Objects, net: string): Promise<ProcessKubelet> {
    const kubelet = new ProcessKubelet(
      objects,
      await mkdtemp(join(tmpdir(), 'sluice-kubelet-')),
      net,
    );
    kubelet.#loop = kubelet.#run();
    return kubelet;
  }

  /** The last words of each pod, for a failure message. */
  report(): string {
    return [...this.#pods.values()]
      .map(({ name, restarts, lines }) => `${name} (${restarts} restarts):\n${lines.join('\n')}`)
      .join('\n\n');
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
    await Promise.all([...this.#pods.values()].map((pod) => this.#end(pod, 'SIGKILL')));
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await this.#look();
      } catch (error) {
        // The next look is soon.
        console.warn('kubelet:', error instanceof Error ? error.message : error);
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  async #look(): Promise<void> {
    const pods = await this.#objects.pods();
    const uids = new Set(pods.map(({ metadata }) => metadata.uid));
    // Deleted by force: no grace.
    for (const pod of this.#pods.values())
      if (!uids.has(pod.uid) && !pod.isEnding) void this.#end(pod, 'SIGKILL');
    for (const pod of pods) {
      const { uid = '', deletionTimestamp, name } = pod.metadata;
      const known = this.#pods.get(uid);
      if (deletionTimestamp !== undefined) {
        if (known !== undefined && !known.isEnding) void this.#terminate(pod, known);
        else if (known === undefined) await this.#objects.delete(KINDS.pods, name, 0);
      } else if (known === undefined) await this.#start(pod);
      else void this.#probe(known);
    }
  }

  async #start(pod: KubeObject): Promise<void> {
    const { name, uid = '' } = pod.metadata;
    // A predecessor of the same name may still have the volume.
    if ([...this.#pods.values()].some((other) => other.name === name)) return;
    if (textAt(pod, 'spec', 'nodeName') === '') await this.#objects.bind(name);
    const folder = join(this.#folder, uid);
    const running: RunningPod = {
      name,
      uid,
      // The first is the host's.
      address: `${this.#net}.${2 + (this.#addresses++ % 250)}`,
      folder,
      child: undefined,
      isReady: false,
      isEnding: false,
      isProbed: false,
      failures: 0,
      restarts: 0,
      lines: [],
    };
    const mounts = await this.#mount(pod, folder);
    this.#pods.set(uid, running);
    await this.#setStatus(running);
    this.#spawn(pod, running, mounts);
  }

  /** Mount path -> folder that stands for it. */
  async #mount(pod: KubeObject, folder: string): Promise<ReadonlyMap<string, string>> {
    const mounts = new Map<string, string>();
    const container = field(pod, 'spec', 'containers', 0);
    for (const mount of listAt(container, 'volumeMounts')) {
      const volume = listAt(pod, 'spec', 'volumes').find(
        (v) => textAt(v, 'name') === textAt(mount, 'name'),
      );
      const config = textAt(volume, 'configMap', 'name');
      const secret = textAt(volume, 'secret', 'secretName');
      const claim = textAt(volume, 'persistentVolumeClaim', 'claimName');
      const dir =
        claim === '' ? join(folder, textAt(mount, 'name')) : join(this.#folder, `claim-${claim}`);
      await mkdir(dir, { recursive: true });
      if (config !== '') await this.#project(KINDS.configMaps, config, dir, 'utf8');
      if (secret !== '') await this.#project(KINDS.secrets, secret, dir, 'base64');
      mounts.set(textAt(mount, 'mountPath'), dir);
    }
    return mounts;
  }

  async #project(
    kind: (typeof KINDS)['pods'],
    name: string,
    dir: string,
    encoding: 'utf8' | 'base64',
  ): Promise<void> {
    const object = await this.#objects.get(kind, name);
    if (object === undefined) throw new Error(`${kind.kind} ${name} does not exist yet`);
    for (const [key, value] of Object.entries((object['data'] ?? {}) as Record<string, string>)) {
      await mkdir(dirname(join(dir, key)), { recursive: true });
      await writeFile(join(dir, key), Buffer.from(value, encoding));
    }
  }

  #spawn(pod: KubeObject, running: RunningPod, mounts: ReadonlyMap<string, string>): void {
    const container = field(pod, 'spec', 'containers', 0);
    const local = (text: string): string => {
      for (const [path, dir] of mounts) if (text.startsWith(path)) return text.replace(path, dir);
      return text.replaceAll('$(POD_IP)', running.address);
    };
    const env = Object.fromEntries(
      listAt(container, 'env').map((one) => [
        textAt(one, 'name'),
        textAt(one, 'name') === 'POD_IP' ? running.address : local(textAt(one, 'value')),
      ]),
    );
    const args = (listAt(container, 'args') as readonly string[]).map(local);
    const child = spawn(
      process.execPath,
      // All pods share the one network: each listens on its own address only.
      ['cli/sluice.mjs', ...args, '--host', running.address],
      {
        cwd: ROOT,
        env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...env },
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    this.started++;
    running.child = child;
    child.stderr.on('data', (bytes: Buffer) => {
      running.lines.push(...bytes.toString('utf8').trimEnd().split('\n'));
      running.lines.splice(0, Math.max(0, running.lines.length - LINES_KEPT));
    });
    child.once('exit', () => {
      if (running.isEnding || this.#stop.signal.aborted) return;
      running.restarts++;
      setTimeout(() => {
        if (!running.isEnding && !this.#stop.signal.aborted) this.#spawn(pod, running, mounts);
      }, RESTART_MS);
    });
  }

  async #probe(pod: RunningPod): Promise<void> {
    if (pod.isEnding || pod.isProbed) return;
    pod.isProbed = true;
    try {
      const signal = AbortSignal.timeout(5000);
      const answer = await fetch(`http://${pod.address}:8084/status/ready`, { signal });
      pod.failures = answer.ok ? 0 : pod.failures + 1;
    } catch {
      // Does not listen yet, or no more.
      pod.failures++;
    } finally {
      pod.isProbed = false;
    }
    const isReady = pod.failures === 0 || (pod.isReady && pod.failures < FAILURES_MAX);
    if (isReady === pod.isReady || pod.isEnding) return;
    pod.isReady = isReady;
    await this.#setStatus(pod).catch((error: unknown) => console.warn('kubelet:', String(error)));
  }

  async #setStatus({ name, address, isReady, restarts }: RunningPod): Promise<void> {
    const lastTransitionTime = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
    const status = {
      phase: 'Running',
      podIP: address,
      conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False', lastTransitionTime }],
      containerStatuses: [
        {
          name: 'ingest',
          image: 'local',
          imageID: '',
          ready: isReady,
          restartCount: restarts,
          state: { running: { startedAt: lastTransitionTime } },
        },
      ],
    };
    await this.#objects.patch(KINDS.pods, name, { status }, 'status');
  }

  /** SIGTERM, the pod's grace period, SIGKILL; then the object goes. */
  async #terminate(pod: KubeObject, running: RunningPod): Promise<void> {
    const graceMs = Number(field(pod, 'metadata', 'deletionGracePeriodSeconds') ?? 30) * 1000;
    const timer = setTimeout(() => {
      this.killed++;
      running.child?.kill('SIGKILL');
    }, graceMs);
    await this.#end(running, 'SIGTERM');
    clearTimeout(timer);
    await this.#objects.delete(KINDS.pods, running.name, 0);
  }

  async #end(running: RunningPod, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    running.isEnding = true;
    const { child } = running;
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit');
      child.kill(signal);
      if (signal === 'SIGKILL') this.killed++;
      await exited;
    }
    this.#pods.delete(running.uid);
    await rm(running.folder, { recursive: true, force: true });
  }
}
