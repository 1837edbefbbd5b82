// `node in-namespace.ts COMMAND...`: makes everything a real node needs while the network is there, then runs a command
// in a network namespace of its own, so that nothing the cluster does reaches the machine's network. The command finds
// its own way by the environment: SLUICE_TEST_IMAGE (archive of the image), or SLUICE_TEST_NO_NODE (why there is none).

import { execFile, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { which } from '../servers/cache.ts';
import { installEtcd, installKafka, installMinio, installRedis } from '../servers/install.ts';
import { installGoTools } from './go-tools.ts';

const run = promisify(execFile);
const HERE = fileURLToPath(new URL('.', import.meta.url));
const KUBE = join(HERE, 'kube.sh');
const PACKAGES = 'containerd runc containernetworking-plugins iptables buildah mmdebstrap'.split(
  ' ',
);
const PROGRAMS = [
  'containerd',
  'runc',
  'iptables',
  'buildah',
  'mmdebstrap',
  'gcc',
  'ip',
  'nsenter',
];
const OUTPUT_BYTES_MAX = 1 << 26;

/** Why a real node cannot run here; undefined where it can. */
function reasonAgainst(): string | undefined {
  if (process.platform !== 'linux') return 'a real node needs Linux';
  if (process.getuid?.() !== 0) return 'a real node needs root';
  const missing = PROGRAMS.filter((name) => which(name, `/usr/sbin/${name}`) === undefined);
  if (missing.length === 0 && existsSync('/usr/lib/cni/bridge')) return undefined;
  return `a real node needs ${missing.join(', ') || 'CNI plugins'}: apt-get install --no-install-recommends ${PACKAGES.join(' ')} gcc`;
}

/** With CI=true the packages are installed: there a missing node is a failure. */
async function installPackages(): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await run('apt-get', ['update', '-qq'], { env, maxBuffer: OUTPUT_BYTES_MAX });
  const install = ['install', '-y', '-qq', '--no-install-recommends', ...PACKAGES, 'gcc'];
  await run('apt-get', install, { env, maxBuffer: OUTPUT_BYTES_MAX });
}

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const startMs = performance.now();
  const result = await work();
  console.log(`${what}: ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
  return result;
}

/** Makes binaries, servers, tools and, into the folder, the image. */
async function prepare(image: string): Promise<void> {
  await timed('Kubernetes and its node', () =>
    run(KUBE, ['build', '--node'], { maxBuffer: OUTPUT_BYTES_MAX }),
  );
  await timed('servers', () =>
    Promise.all([installKafka(), installMinio(), installEtcd(), installRedis()]),
  );
  await timed('Prometheus and linters', installGoTools);
  await timed('image', () => run(join(HERE, 'image.sh'), [image], { maxBuffer: OUTPUT_BYTES_MAX }));
}

function runToEnd(command: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const [program = '', ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'inherit', env });
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.on(signal, () => void child.kill(signal));
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

async function main(command: readonly string[]): Promise<number> {
  const isRequired = process.env['CI'] === 'true';
  if (isRequired && process.getuid?.() === 0 && reasonAgainst() !== undefined)
    await timed('packages', installPackages);
  const reason = reasonAgainst();
  if (reason !== undefined) {
    if (isRequired) throw new Error(reason);
    console.error(`skipped: ${reason}`);
    return runToEnd(command, { ...process.env, SLUICE_TEST_NO_NODE: reason });
  }
  const folder = await mkdtemp(join(tmpdir(), 'sluice-node-'));
  const name = basename(folder);
  const env = {
    ...process.env,
    SLUICE_TEST_NODE: folder,
    SLUICE_TEST_IMAGE: join(folder, 'image.tar'),
    KUBE_STATE: join(folder, 'kube'),
    KUBE_NAMESPACE: name,
    // Names the branch of cgroups and the folder in /run too: several runs may share the machine.
    KUBE_PORT: String(24_000 + 20 * randomInt(150)),
  };
  // Not `ip netns exec`: it mounts a fresh /sys without the cgroups that the kubelet needs.
  const inside = ['nsenter', `--net=/var/run/netns/${name}`];
  try {
    await prepare(env.SLUICE_TEST_IMAGE);
    await run('ip', ['netns', 'add', name]);
    await run('nsenter', [...inside.slice(1), 'ip', 'link', 'set', 'lo', 'up']);
    return await runToEnd([...inside, ...command], env);
  } finally {
    await cleanUp(name, inside, env);
    await rm(folder, { recursive: true, force: true });
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
  const { stdout } = await run('ip', ['netns', 'pids', name]);
  for (const pid of stdout.split('\n').filter((line) => line !== '')) {
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It ended meanwhile.
    }
  }
  await run('ip', ['netns', 'del', name]);
}

process.exitCode = await main(process.argv.slice(2));
