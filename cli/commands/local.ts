// `sluice local`: every role in one process, with no server. Metadata is an embedded store, deep storage a folder, the
// cache memory; the roles are the same code as in the cluster. Ctrl-C drains and publishes.

import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { openLocalStorage } from '../../core/deepstorage/local/storage.ts';
import { openEmbeddedStore } from '../../core/metadata/embedded/store.ts';
import { systemClock } from '../../core/runtime/clock.ts';
import { createLogger, LOG_LEVELS, type Logger } from '../../core/runtime/log.ts';
import { createMetrics } from '../../core/runtime/metrics.ts';
import { createShutdown, stopOnSignals } from '../../core/runtime/shutdown.ts';
import type { CompiledIngestion } from '../../core/spec/compiled.ts';
import { DEFAULT_TIER } from '../../operator/coordinator/retention.ts';
import { startOperator } from '../../operator/main.ts';
import { localCluster } from '../../operator/reconcile/local/local-cluster.ts';
import { memoryCache } from '../../worker/cache/memory/memory-cache.ts';
import { startBroker } from '../../worker/roles/broker/broker-role.ts';
import { startHistorical } from '../../worker/roles/historical/historical-role.ts';
import type { IngestWorker } from '../../worker/roles/ingest/ingest-role.ts';
import { type LocalRoles, showProgress } from '../progress.ts';
import { loadResources } from '../resources.ts';
import { openSource, secretsIn } from '../sources.ts';
import { UsageError } from '../usage.ts';
import { VERSION } from '../version.ts';
import { startWorker } from '../workers.ts';

/** Time for draining and publishing after Ctrl-C, ms. */
const STOP_MS = 60_000;
const CACHE_BYTES = 64 * 1024 * 1024;
/** A folder has no size of its own; the disk says when it is full. */
const HISTORICAL_BYTES = 1_000_000_000_000;

interface LocalOptions {
  readonly files: readonly string[];
  readonly data: string | undefined;
  readonly host: string;
  readonly ports: readonly [number, number, number, number];
  readonly log: (typeof LOG_LEVELS)[number];
}

function readOptions(args: readonly string[]): LocalOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      file: { type: 'string', short: 'f', multiple: true },
      data: { type: 'string' },
      host: { type: 'string', default: '127.0.0.1' },
      ports: { type: 'string', default: '8081,8082,8083,8084' },
      log: { type: 'string', default: 'info' },
    },
  });
  const files = values.file ?? [];
  if (files.length === 0) throw new UsageError('give at least one -f FILE');
  const [coordinator, broker, historical, worker] = values.ports.split(',').map(Number);
  if (
    ![coordinator, broker, historical, worker].every(isPort) ||
    coordinator === undefined ||
    broker === undefined ||
    historical === undefined ||
    worker === undefined
  ) {
    throw new UsageError(
      `--ports: value '${values.ports}': give four ports, for example 8081,8082,8083,8084`,
    );
  }
  const log = LOG_LEVELS.find((level) => level === values.log);
  if (log === undefined)
    throw new UsageError(`--log: value '${values.log}': use one of ${LOG_LEVELS.join(', ')}`);
  return {
    files,
    data: values.data,
    host: values.host,
    ports: [coordinator, broker, historical, worker],
    log,
  };
}

function isPort(port: number | undefined): boolean {
  return port !== undefined && Number.isInteger(port) && port >= 0 && port < 65_536;
}

/** Runs until a signal; exit code 0 when everything read was published. */
export async function runLocal(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  const ingestions = loadResources(options.files);
  const data = resolve(options.data ?? join('.sluice', ingestions[0]?.name ?? 'default'));
  mkdirSync(data, { recursive: true });
  const log = createLogger({ level: options.log, write: (line) => process.stderr.write(line) });
  const shutdown = createShutdown({ deadlineMs: STOP_MS, clock: systemClock, log });
  const local = await startRoles(options, ingestions, data, log, shutdown);
  printWelcome(options, ingestions, local.brokerPort);
  const stopProgress = showProgress(local);
  stopOnSignals(shutdown);
  const isClean = await shutdown.stopped;
  stopProgress();
  return isClean ? 0 : 1;
}

async function startRoles(
  options: LocalOptions,
  ingestions: readonly CompiledIngestion[],
  data: string,
  log: Logger,
  shutdown: ReturnType<typeof createShutdown>,
): Promise<LocalRoles> {
  const [coordinatorPort, brokerPort, historicalPort, workerPort] = options.ports;
  const { host } = options;
  const clock = systemClock;
  const metrics = createMetrics({ withProcess: true });
  const secrets = secretsIn(process.env['SLUICE_SECRETS']);
  const store = openEmbeddedStore({ path: join(data, 'metadata.sqlite') });
  shutdown.onStop('metadata', () => store.close());
  const storage = openLocalStorage(join(data, 'deep-storage'));
  const roleLog = (role: string): Logger => log.child({ role });
  const historical = await startHistorical({
    id: 'historical-0',
    tier: DEFAULT_TIER,
    host,
    port: historicalPort,
    dataDir: join(data, 'historical'),
    bytesMax: HISTORICAL_BYTES,
    cacheBytes: CACHE_BYTES,
    version: VERSION,
    store,
    storage,
    clock,
    log: roleLog('historical'),
    metrics,
  });
  shutdown.onStop('historical', (deadline) => historical.stop(deadline));
  const broker = await startBroker({
    host,
    port: brokerPort,
    version: VERSION,
    store,
    cache: memoryCache(CACHE_BYTES),
    clock,
    log: roleLog('broker'),
    metrics,
  });
  shutdown.onStop('broker', (deadline) => broker.stop(deadline));
  const workers = new Set<IngestWorker>();
  const ports = new Map<string, number>();
  const around = {
    host,
    dataDir: join(data, 'ingest'),
    store,
    storage,
    secrets,
    log: roleLog('ingest'),
    metrics,
  };
  const cluster = localCluster(async (plan) => {
    const key = `${plan.ref.name}/${plan.group}`;
    const port = ports.get(key) ?? (workerPort === 0 ? 0 : workerPort + ports.size);
    ports.set(key, port);
    const worker = await startWorker(plan, port, around);
    workers.add(worker);
    void worker.died.then(() => workers.delete(worker));
    return worker;
  }, log);
  const operator = await startOperator({
    ingestions,
    host,
    port: coordinatorPort,
    version: VERSION,
    store,
    storage,
    cluster,
    openStream: (ingestion) => openSource(ingestion, secrets, log),
    clock,
    log: roleLog('operator'),
    metrics,
  });
  shutdown.onStop('operator and workers', (deadline) => operator.stop(deadline));
  return { operator, workers, brokerPort: broker.port };
}

function printWelcome(
  options: LocalOptions,
  ingestions: readonly CompiledIngestion[],
  brokerPort: number,
): void {
  const [first] = ingestions;
  const query = JSON.stringify({ queryType: 'timeBoundary', dataSource: first?.dataSource });
  process.stdout.write(
    `Sluice ${VERSION} runs ${ingestions.map((i) => i.name).join(', ')} in one process. Ctrl-C publishes what was read and stops.\n` +
      `Ask the broker (or the worker at port ${options.ports[3]}):\n\n` +
      `  curl -XPOST -H'Content-type: application/json' "http://localhost:${brokerPort}/druid/v2/?pretty" -d'${query}'\n\n`,
  );
}
