// `node in-namespace.ts node|operator COMMAND...`: makes everything that the real node, or the operator's suites, need
// while the network is there, then runs a command in a network namespace of its own, so that nothing it starts reaches
// the machine's network or is reached from it. The command finds its way by the environment: for the node
// SLUICE_TEST_IMAGE (archive of the image) or SLUICE_TEST_NO_NODE (why there is none); for the operator SLUICE_TEST_NET
// (place.ts), unset on the machine's loopback. With CI=true it is the namespace or a failure.

import { execFile, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { which } from '../servers/cache.ts';
import { installEtcd, installKafka, installMinio, installRedis } from '../servers/install.ts';
import { installGoTools } from './go-tools.ts';
import { hostsOf, OPERATOR_PARTS } from './place.ts';

const run = promisify(execFile);
const HERE = fileURLToPath(new URL('.', import.meta.url));
const KUBE = join(HERE, 'kube.sh');
const OUTPUT_BYTES_MAX = 1 << 26;
/** First two numbers of what the bridge of the operator's namespace carries. */
const NET = '10.246';
/** What was left running is killed so often, since it may start something meanwhile. */
const KILLS_MAX = 20;
/** A command that was asked to end may clean up for so long. */
const GRACE_MS = 20_000;

/** What is run. */
interface Purpose {
  readonly what: string;
  /** Debian packages, and the programs looked for. */
  readonly packages: readonly string[];
  readonly programs: readonly string[];
  /** Files that must be there too. */
  readonly files: readonly string[];
  /** True when the command does its work outside of a namespace too. */
  readonly hasElsewhere: boolean;
  prepare(folder: string): Promise<void>;
  /** What the namespace has beside loopback; commands of `ip`. */
  readonly links: readonly string[];
  env(folder: string): NodeJS.ProcessEnv;
  /** Environment of the command where there is no namespace, and what that means. */
  without(reason: string): { readonly env: NodeJS.ProcessEnv; readonly notice: string };
}

const NODE: Purpose = {
  what: 'a real node',
  packages:
    'containerd runc containernetworking-plugins iptables buildah mmdebstrap gcc iproute2 util-linux'.split(
      ' ',
    ),
  programs: 'containerd runc iptables buildah mmdebstrap gcc ip nsenter'.split(' '),
  files: ['/usr/lib/cni/bridge'],
  hasElsewhere: false,
  async prepare(folder) {
    await timed('Kubernetes and its node', () => kube(['build', '--node']));
    await prepareServers();
    await timed('Prometheus and linters', installGoTools);
    const args = [imageIn(folder)];
    await timed('image', () => run(join(HERE, 'image.sh'), args, { maxBuffer: OUTPUT_BYTES_MAX }));
  },
  // kube.sh makes the bridge with the node.
  links: [],
  env: (folder) => ({
    SLUICE_TEST_NODE: folder,
    SLUICE_TEST_IMAGE: imageIn(folder),
    KUBE_STATE: join(folder, 'kube'),
    KUBE_NAMESPACE: basename(folder),
    // Names the branch of cgroups and the folder in /run too: several runs may share the machine.
    KUBE_PORT: String(24_000 + 20 * randomInt(150)),
  }),
  without: (reason) => ({
    env: { SLUICE_TEST_NO_NODE: reason },
    notice: `skipped: ${reason}`,
  }),
};

const OPERATOR: Purpose = {
  what: 'a network namespace of its own',
  packages: ['iproute2', 'util-linux'],
  programs: ['ip', 'nsenter'],
  files: [],
  hasElsewhere: true,
  async prepare() {
    await timed('Kubernetes', () => kube(['build'], { KUBE_PARTS: OPERATOR_PARTS }));
    await prepareServers();
  },
  links: [
    'link add sluice0 type bridge',
    'link set sluice0 up',
    // MinIO takes only an address that an interface names.
    ...hostsOf(NET).map((host) => `addr add ${host}/32 dev sluice0`),
    // Pods of the tests listen on any other.
    `route add local ${NET}.0.0/16 dev sluice0`,
  ],
  env: () => ({ SLUICE_TEST_NET: NET }),
  without: (reason) => ({ env: {}, notice: `on the machine's loopback: ${reason}` }),
};

const PURPOSES: Readonly<Record<string, Purpose>> = { node: NODE, operator: OPERATOR };

const imageIn = (folder: string): string => join(folder, 'image.tar');

function kube(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<unknown> {
  const options = { env: { ...process.env, ...env }, maxBuffer: OUTPUT_BYTES_MAX };
  return run(KUBE, [...args], options);
}

async function prepareServers(): Promise<void> {
  await timed('servers', () =>
    Promise.all([installKafka(), installMinio(), installEtcd(), installRedis()]),
  );
}

/** Why it cannot run here; undefined where it can. */
function reasonAgainst({ what, packages, programs, files }: Purpose): string | undefined {
  if (process.platform !== 'linux') return `${what} needs Linux`;
  if (process.getuid?.() !== 0) return `${what} needs root`;
  const missing = [
    ...programs.filter((name) => which(name, `/usr/sbin/${name}`) === undefined),
    ...files.filter((file) => !existsSync(file)),
  ];
  if (missing.length === 0) return undefined;
  return `${what} needs ${missing.join(', ')}: apt-get install --no-install-recommends ${packages.join(' ')}`;
}

/** With CI=true packages are installed: there a missing namespace is a failure. */
async function installPackages(packages: readonly string[]): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  // The stage beside this one may install too.
  const apt = [join(tmpdir(), 'sluice-apt.lock'), 'apt-get'];
  await run('flock', [...apt, 'update', '-qq'], { env, maxBuffer: OUTPUT_BYTES_MAX });
  const install = ['install', '-y', '-qq', '--no-install-recommends', ...packages];
  await run('flock', [...apt, ...install], { env, maxBuffer: OUTPUT_BYTES_MAX });
}

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const startMs = performance.now();
  const result = await work();
  console.log(`${what}: ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
  return result;
}

/** What a signal is passed on to: it does not end this process, which has to clean up. */
let current: ReturnType<typeof spawn> | undefined;
let isStopped = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    isStopped = true;
    const child = current;
    child?.kill(signal);
    setTimeout(() => child?.kill('SIGKILL'), GRACE_MS).unref();
  });
}

function runToEnd(command: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const [program = '', ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'inherit', env });
    current = child;
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

async function main([word = '', ...command]: readonly string[]): Promise<number> {
  const purpose = PURPOSES[word];
  if (purpose === undefined || command.length === 0) {
    console.error('usage: node test/kube/in-namespace.ts node|operator COMMAND...');
    return 2;
  }
  const isRequired = process.env['CI'] === 'true';
  const withoutNamespace = (reason: string): Promise<number> => {
    if (isRequired) throw new Error(reason);
    const { env, notice } = purpose.without(reason);
    console.error(notice);
    return runToEnd(command, { ...process.env, ...env });
  };
  // A cluster that the caller names is reached through the machine's network.
  const given = process.env['SLUICE_TEST_KUBECONFIG'];
  if (purpose === OPERATOR && given !== undefined)
    return withoutNamespace(`SLUICE_TEST_KUBECONFIG is ${given}`);
  if (isRequired && process.getuid?.() === 0 && reasonAgainst(purpose) !== undefined)
    await timed('packages', () => installPackages(purpose.packages));
  const reason = reasonAgainst(purpose);
  if (reason !== undefined) return withoutNamespace(reason);
  const folder = await mkdtemp(join(tmpdir(), 'sluice-netns-'));
  const name = basename(folder);
  // What is left of an interrupted command goes with the folder.
  const env = { ...process.env, ...purpose.env(folder), TMPDIR: folder };
  // Not `ip netns exec`: it mounts a fresh /sys without the cgroups that the kubelet needs.
  const inside = ['nsenter', `--net=/var/run/netns/${name}`];
  try {
    try {
      await purpose.prepare(folder);
      if (isStopped) return 1;
      await run('ip', ['netns', 'add', name]);
      for (const args of ['link set lo up', ...purpose.links])
        await run('ip', ['-n', name, ...args.split(' ')]);
    } catch (error) {
      if (isStopped) return 1;
      if (isRequired || !purpose.hasElsewhere) throw error;
      return await withoutNamespace(String(error).trim().replaceAll('\n', ': '));
    }
    return await runToEnd([...inside, ...command], env);
  } finally {
    await cleanUp(name, inside, env);
    await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

/** Ends what a command that was interrupted left running in the namespace, then the namespace. */
async function cleanUp(
  name: string,
  inside: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<void> {
  if (!existsSync(`/var/run/netns/${name}`)) return;
  if (existsSync(env['KUBE_STATE'] ?? ''))
    await runToEnd([...inside, KUBE, 'down'], env).catch(console.error);
  for (let i = 0; i < KILLS_MAX; i++) {
    const { stdout } = await run('ip', ['netns', 'pids', name]);
    const pids = stdout.split('\n').filter((line) => line !== '');
    if (pids.length === 0) break;
    for (const pid of pids) {
      try {
        process.kill(Number(pid), 'SIGKILL');
      } catch {
        // It ended meanwhile.
      }
    }
    await delay(100);
  }
  await run('ip', ['netns', 'del', name]);
}

process.exitCode = await main(process.argv.slice(2));
