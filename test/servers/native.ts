// A server as a plain process of this machine: installed into the cache if missing, data in a temporary
// folder, ports chosen once and kept over restarts.

import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { which } from './cache.ts';
import { type Child, type Command, endChild, spawnChild, tellWatchdog } from './child.ts';
import { isHealthy } from './health.ts';
import { installEtcd, installKafka, installMinio, installRedis } from './install.ts';
import { kafkaLogging, kafkaProperties } from './kafka-config.ts';
import { run } from './cache.ts';
import { freePorts } from './ports.ts';
import type { Endpoint, Server, ServerName } from './server.ts';

/** What a recipe makes of a server: where it answers and how it is started. */
interface Recipe {
  readonly endpoint: Endpoint;
  readonly command: Command;
}

const HEALTHY_WITHIN_MS = 90_000;

/** Installs if needed, starts, waits until healthy. @throws Error with the log's last lines */
export async function startNative(name: ServerName, host: string): Promise<Server> {
  for (let attempt = 1; ; attempt++) {
    const folder = await mkdtemp(join(tmpdir(), `sluice-${name}-`));
    tellWatchdog(`rm ${folder}`);
    const recipe = await RECIPES[name](host, folder);
    const server = nativeServer(name, recipe, folder);
    try {
      await server.start();
      return server;
    } catch (error) {
      await server.dispose();
      // Another process may have taken the port between our look and the start.
      if (attempt === 3) throw error;
    }
  }
}

function nativeServer(name: ServerName, recipe: Recipe, folder: string): Server {
  let child: Child | undefined;
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child !== undefined) await endChild(child, signal);
    child = undefined;
  };
  return {
    name,
    origin: 'native',
    endpoint: recipe.endpoint,
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    async start() {
      if (child?.isRunning() === true) return;
      child = await spawnChild(recipe.command);
      await untilHealthy(name, recipe.endpoint, child);
    },
    freeze(isFrozen) {
      child?.signal(isFrozen ? 'SIGSTOP' : 'SIGCONT');
      return Promise.resolve();
    },
    async dispose() {
      await end('SIGKILL');
      await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    },
  };
}

async function untilHealthy(name: ServerName, endpoint: Endpoint, child: Child): Promise<void> {
  const deadline = Date.now() + HEALTHY_WITHIN_MS;
  while (!(await isHealthy(name, endpoint))) {
    if (!child.isRunning()) throw new Error(`${name} ended while starting:\n${child.tail()}`);
    if (Date.now() > deadline)
      throw new Error(`${name} was not healthy after ${HEALTHY_WITHIN_MS} ms:\n${child.tail()}`);
    await delay(50);
  }
}

const RECIPES: Record<ServerName, (host: string, folder: string) => Promise<Recipe>> = {
  kafka: kafkaRecipe,
  s3: minioRecipe,
  etcd: etcdRecipe,
  redis: redisRecipe,
};

async function kafkaRecipe(host: string, folder: string): Promise<Recipe> {
  const jars = await installKafka();
  const [port = 0, controllerPort = 0] = await freePorts(host, 2);
  const logging = join(folder, 'log4j2.properties');
  const properties = join(folder, 'server.properties');
  await writeFile(logging, kafkaLogging());
  await writeFile(
    properties,
    kafkaProperties({ host, port, controllerPort, dataFolder: join(folder, 'data') }),
  );
  const java = which('java') ?? 'java';
  const common = [
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    '-XX:-UsePerfData',
    `-Dlog4j2.configurationFile=${logging}`,
    '-cp',
    `${jars}/*`,
  ];
  // A leading dash would be read as an option.
  const clusterId = `A${randomBytes(16).toString('base64url').slice(1)}`;
  await run(java, [
    '-Xmx64m',
    ...common,
    'kafka.tools.StorageTool',
    'format',
    '-t',
    clusterId,
    '-c',
    properties,
  ]);
  return {
    endpoint: { url: `${host}:${port}` },
    command: {
      file: java,
      args: ['-Xms96m', '-Xmx384m', ...common, 'kafka.Kafka', properties],
      logFile: join(folder, 'log'),
    },
  };
}

async function minioRecipe(host: string, folder: string): Promise<Recipe> {
  const file = await installMinio();
  const [port = 0] = await freePorts(host, 1);
  const accessKey = 'sluice';
  const secretKey = 'sluice-test-secret';
  return {
    endpoint: { url: `http://${host}:${port}`, accessKey, secretKey },
    command: {
      file,
      args: ['server', '--quiet', '--address', `${host}:${port}`, join(folder, 'data')],
      env: {
        MINIO_ROOT_USER: accessKey,
        MINIO_ROOT_PASSWORD: secretKey,
        MINIO_BROWSER: 'off',
        MINIO_UPDATE: 'off',
      },
      logFile: join(folder, 'log'),
    },
  };
}

async function etcdRecipe(host: string, folder: string): Promise<Recipe> {
  const file = await installEtcd();
  const [port = 0, peerPort = 0] = await freePorts(host, 2);
  const client = `http://${host}:${port}`;
  const peer = `http://${host}:${peerPort}`;
  const urls = [
    '--listen-client-urls',
    client,
    '--advertise-client-urls',
    client,
    '--listen-peer-urls',
    peer,
  ];
  const cluster = [
    '--initial-advertise-peer-urls',
    peer,
    '--initial-cluster',
    `e1=${peer}`,
    '--initial-cluster-state',
    'new',
  ];
  // Without fsync a killed process loses nothing (the page cache stays), only a killed machine would.
  const rest = ['--unsafe-no-fsync', '--log-level', 'warn'];
  return {
    endpoint: { url: client },
    command: {
      file,
      args: ['--name', 'e1', '--data-dir', join(folder, 'data'), ...urls, ...cluster, ...rest],
      logFile: join(folder, 'log'),
    },
  };
}

async function redisRecipe(host: string, folder: string): Promise<Recipe> {
  const { file, libraries } = await installRedis();
  const [port = 0] = await freePorts(host, 1);
  await mkdir(join(folder, 'data'));
  return {
    endpoint: { url: `redis://${host}:${port}` },
    command: {
      file,
      args: [
        '--port',
        String(port),
        '--bind',
        host,
        // Without a password it refuses all but loopback, whatever it is bound to.
        '--protected-mode',
        'no',
        '--save',
        '',
        '--appendonly',
        'no',
        '--dir',
        join(folder, 'data'),
      ],
      ...(libraries === '' ? {} : { env: { LD_LIBRARY_PATH: libraries } }),
      logFile: join(folder, 'log'),
    },
  };
}
