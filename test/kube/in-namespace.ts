// `node in-namespace.ts COMMAND...`: makes everything a real node needs while the network is there, then runs a command
// in a network namespace of its own, so that nothing the cluster does reaches the machine's network. The command finds
// its own way by the environment: SLUICE_TEST_IMAGE (archive of the image), or SLUICE_TEST_NO_NODE (why there is none).

import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { which } from '../servers/cache.ts';
import { installEtcd, installKafka, installMinio, installRedis } from '../servers/install.ts';
import { installGoTools } from './go-tools.ts';

const run = promisify(execFile);
const HERE = fileURLToPath(new URL('.', import.meta.url));
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

/** Binaries, servers, tools and the image; answers the environment of the command. */
async function prepare(): Promise<Record<string, string>> {
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'sluice', 'kube');
  const image = join(cache, `sluice-${process.pid}.tar`);
  await timed('Kubernetes and its node', () =>
    run(join(HERE, 'kube.sh'), ['build', '--node'], { maxBuffer: OUTPUT_BYTES_MAX }),
  );
  await timed('servers', () =>
    Promise.all([installKafka(), installMinio(), installEtcd(), installRedis()]),
  );
  await timed('Prometheus and linters', installGoTools);
  await timed('image', () => run(join(HERE, 'image.sh'), [image], { maxBuffer: OUTPUT_BYTES_MAX }));
  return { SLUICE_TEST_IMAGE: image, KUBE_NAMESPACE: `sluice-${process.pid}` };
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
    return runToEnd(command, { ...process.env, SLUICE_TEST_NO_NODE: reason });
  }
  const prepared = await prepare();
  const name = prepared['KUBE_NAMESPACE'] ?? '';
  await run('ip', ['netns', 'add', name]);
  try {
    // Not `ip netns exec`: it mounts a fresh /sys without the cgroups that the kubelet needs.
    const enter = ['nsenter', `--net=/var/run/netns/${name}`];
    await run('nsenter', [...enter.slice(1), 'ip', 'link', 'set', 'lo', 'up']);
    return await runToEnd([...enter, ...command], { ...process.env, ...prepared });
  } finally {
    await run('ip', ['netns', 'del', name]);
    await run('rm', ['-f', prepared['SLUICE_TEST_IMAGE'] ?? '']);
  }
}

process.exitCode = await main(process.argv.slice(2));
