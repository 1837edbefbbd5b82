// A server as a container of compose.yaml, one project per server so that each has its own life.

import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { run, which } from './cache.ts';
import { isHealthy } from './health.ts';
import { freePorts } from './ports.ts';
import type { Endpoint, Server, ServerName } from './server.ts';

const FILE = fileURLToPath(new URL('./compose.yaml', import.meta.url));
const HEALTHY_WITHIN_MS = 120_000;
let engineAnswers: Promise<boolean> | undefined;

/** True when `docker compose` is there and its engine answers; asked once. */
export function hasEngine(): Promise<boolean> {
  engineAnswers ??= (async () => {
    // Its containers are in the machine's network, which a namespace of our own does not reach.
    if (process.env['SLUICE_TEST_NET'] !== undefined) return false;
    const docker = which('docker');
    if (docker === undefined) return false;
    try {
      await run(docker, ['info', '--format', '{{.ServerVersion}}']);
      await run(docker, ['compose', 'version']);
      return true;
    } catch {
      return false;
    }
  })();
  return engineAnswers;
}

/** Starts a container and waits until it is healthy. @throws Error when it is not within two minutes */
export async function startCompose(name: ServerName, host: string): Promise<Server> {
  const [port = 0] = await freePorts(host, 1);
  const project = `sluice-${name}-${process.pid}-${randomBytes(3).toString('hex')}`;
  const env = { SLUICE_BIND: host, [`${name.toUpperCase()}_PORT`]: String(port) };
  const compose = (...args: string[]): Promise<unknown> =>
    run('docker', ['compose', '-p', project, '-f', FILE, ...args], { env });
  const endpoint = endpointOf(name, host, port);
  const server: Server = {
    name,
    origin: 'compose',
    endpoint,
    async kill() {
      await compose('kill', '-s', 'SIGKILL', name);
    },
    async stop() {
      await compose('stop', name);
    },
    async start() {
      await compose('up', '-d', name);
      const deadline = Date.now() + HEALTHY_WITHIN_MS;
      while (!(await isHealthy(name, endpoint))) {
        if (Date.now() > deadline)
          throw new Error(
            `${name} in compose project ${project} was not healthy after ${HEALTHY_WITHIN_MS} ms`,
          );
        await delay(100);
      }
    },
    async freeze(isFrozen) {
      await compose(isFrozen ? 'pause' : 'unpause', name);
    },
    async dispose() {
      await compose('down', '-v', '-t', '1');
    },
  };
  try {
    await server.start();
  } catch (error) {
    await server.dispose().catch(() => undefined);
    throw error;
  }
  return server;
}

function endpointOf(name: ServerName, host: string, port: number): Endpoint {
  if (name === 'kafka') return { url: `${host}:${port}` };
  if (name === 'redis') return { url: `redis://${host}:${port}` };
  const url = `http://${host}:${port}`;
  return name === 's3' ? { url, accessKey: 'sluice', secretKey: 'sluice-test-secret' } : { url };
}
