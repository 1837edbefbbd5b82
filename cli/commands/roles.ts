// `sluice operator`, `ingest`, `historical`, `broker`: one role a process, connections from the environment.

import { parseArgs } from 'node:util';
import { join } from 'node:path';
import { systemClock } from '../../core/runtime/clock.ts';
import { Failure } from '../../core/runtime/failure.ts';
import { createLogger, type Logger } from '../../core/runtime/log.ts';
import { createMetrics, type Metrics } from '../../core/runtime/metrics.ts';
import { createShutdown, type Shutdown, stopOnSignals } from '../../core/runtime/shutdown.ts';
import { DEFAULT_TIER } from '../../operator/coordinator/retention.ts';
import { startOperator } from '../../operator/main.ts';
import { openTransport } from '../../operator/kube/kube-config.ts';
import { startKubernetesOperator } from '../../operator/reconcile/kubernetes/kubernetes-operator.ts';
import { localCluster } from '../../operator/reconcile/local/local-cluster.ts';
import { stateUid } from '../../operator/reconcile/ingestion-state.ts';
import { startBroker } from '../../worker/roles/broker/broker-role.ts';
import { startHistorical } from '../../worker/roles/historical/historical-role.ts';
import type { SourceIdentity } from '../../worker/source/port.ts';
import { openCache, openStorage, openStore } from '../connections.ts';
import { kubernetesAccess, kubernetesSettings } from '../kubernetes-settings.ts';
import { compileChecked, loadResources } from '../resources.ts';
import { openSource, secretsIn } from '../sources.ts';
import { streamInspectors } from '../stream-inspectors.ts';
import { UsageError } from '../usage.ts';
import { VERSION } from '../version.ts';
import { startWorker } from '../workers.ts';

const STOP_MS = 60_000;
const QUERY_CACHE_BYTES = 256 * 1024 * 1024;

interface RoleFlags {
  readonly host: string;
  readonly port: number;
  readonly address: string | undefined;
  readonly data: string;
  readonly id: string;
  readonly tier: string;
  readonly group: string;
  readonly files: readonly string[];
  readonly bytesMax: number;
}

interface Role extends RoleFlags {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly shutdown: Shutdown;
}

function readFlags(args: readonly string[], port: number): RoleFlags {
  const { values } = parseArgs({
    args: [...args],
    options: {
      file: { type: 'string', short: 'f', multiple: true },
      host: { type: 'string', default: '0.0.0.0' },
      port: { type: 'string', default: String(port) },
      address: { type: 'string' },
      data: { type: 'string', default: '/var/lib/sluice' },
      id: { type: 'string', default: process.env['HOSTNAME'] ?? '' },
      tier: { type: 'string', default: DEFAULT_TIER },
      group: { type: 'string', default: '' },
      'max-bytes': { type: 'string', default: '100000000000' },
    },
  });
  const bytesMax = Number(values['max-bytes']);
  if (!Number.isInteger(Number(values.port)))
    throw new UsageError(`--port: value '${values.port}': give a number`);
  if (!Number.isSafeInteger(bytesMax))
    throw new UsageError(`--max-bytes: value '${values['max-bytes']}': give a number of bytes`);
  return {
    ...values,
    files: values.file ?? [],
    port: Number(values.port),
    address: values.address,
    bytesMax,
  };
}

/** Starts a role with everything around it and runs until a signal or until the role cannot go on. */
async function runRole(
  name: string,
  flags: RoleFlags,
  start: (role: Role) => Promise<{ readonly died?: Promise<Error> }>,
): Promise<number> {
  const level = process.env['SLUICE_LOG'] === 'debug' ? 'debug' : 'info';
  const log = createLogger({ level, write: (line) => process.stderr.write(line) }).child({
    role: name,
  });
  const shutdown = createShutdown({ deadlineMs: STOP_MS, clock: systemClock, log });
  const { died } = await start({
    ...flags,
    log,
    metrics: createMetrics({ withProcess: true }),
    shutdown,
  });
  let reason: Error | undefined;
  void died?.then((error) => {
    reason = error;
    log.error('the role cannot go on', { error });
    void shutdown.stop('the role cannot go on');
  });
  stopOnSignals(shutdown);
  const isClean = await shutdown.stopped;
  return isClean && reason === undefined ? 0 : 1;
}

/** `sluice operator`: on Kubernetes; with -f FILE, for these resources, whose workers others start. */
export function runOperatorCommand(args: readonly string[]): Promise<number> {
  const flags = readFlags(args, 8081);
  return runRole('operator', flags, flags.files.length === 0 ? onKubernetes : onFiles);
}

async function onFiles(role: Role): Promise<object> {
  const { log, metrics, shutdown, host, port, files } = role;
  const ingestions = loadResources(files);
  const store = openStore();
  shutdown.onStop('metadata', () => store.close());
  const secrets = secretsIn(process.env['SLUICE_SECRETS']);
  const elsewhere = {
    conditions: () => [],
    stop: () => Promise.resolve(),
    died: new Promise<Error>(() => undefined),
  };
  const operator = await startOperator({
    ingestions,
    host,
    port,
    version: VERSION,
    store,
    storage: openStorage(),
    cluster: localCluster(() => Promise.resolve(elsewhere), log),
    openStream: (ingestion) => openSource(ingestion, secrets, log),
    clock: systemClock,
    log,
    metrics,
  });
  shutdown.onStop('operator', (deadline) => operator.stop(deadline));
  return {};
}

/** The worker's own account; NetworkPolicies must let the operator ask. */
async function askWorker(address: string, signal: AbortSignal): Promise<unknown> {
  const answer = await fetch(`http://${address}/sluice/v1/ingest/status`, { signal });
  return answer.json();
}

async function onKubernetes(role: Role): Promise<{ readonly died: Promise<Error> }> {
  const { log, metrics, shutdown, host, port } = role;
  const settings = kubernetesSettings(process.env);
  const transport = await openTransport({ clock: systemClock, ...kubernetesAccess(process.env) });
  const store = openStore();
  shutdown.onStop('metadata', () => store.close());
  const operator = await startKubernetesOperator({
    ...settings,
    host,
    port,
    version: VERSION,
    transport,
    store,
    storage: openStorage(),
    openStream: streamInspectors(log),
    compile: compileChecked,
    askWorker,
    clock: systemClock,
    random: Math.random,
    log,
    metrics,
  });
  shutdown.onStop('operator', (deadline) => operator.stop(deadline));
  return { died: operator.died };
}

/** `sluice ingest -f FILE --group G`: one worker. */
export function runIngestCommand(args: readonly string[]): Promise<number> {
  const flags = readFlags(args, 8084);
  if (flags.files.length !== 1 || flags.group === '')
    throw new UsageError('give one -f FILE and --group G');
  return runRole(
    'ingest',
    flags,
    async ({ log, metrics, shutdown, host, port, files, data, group, address }) => {
      const [ingestion] = loadResources(files);
      if (ingestion === undefined)
        throw new Failure('config', 'SpecInvalid', `${files[0]}: holds no resource`);
      const store = openStore();
      shutdown.onStop('metadata', () => store.close());
      const storage = openStorage();
      await storage.check(shutdown.signal);
      const secrets = secretsIn(process.env['SLUICE_SECRETS']);
      const stream = openSource(ingestion, secrets, log);
      let identity: SourceIdentity;
      try {
        identity = await stream.identity(shutdown.signal);
      } finally {
        await stream.close();
      }
      const ref = {
        namespace: ingestion.namespace,
        name: ingestion.name,
        uid: stateUid(ingestion.namespace, ingestion.name, identity.id),
      };
      const around = {
        host,
        dataDir: join(data, 'ingest'),
        store,
        storage,
        secrets,
        log,
        metrics,
        ...(address === undefined ? {} : { address }),
      };
      const worker = await startWorker({ ref, group, ingestion }, port, around);
      shutdown.onStop('worker', (deadline) => worker.stop(deadline));
      return { died: worker.died };
    },
  );
}

/** `sluice historical --id ID`. */
export function runHistoricalCommand(args: readonly string[]): Promise<number> {
  const flags = readFlags(args, 8083);
  if (flags.id === '') throw new UsageError('give --id ID, stable over restarts');
  return runRole(
    'historical',
    flags,
    async ({ log, metrics, shutdown, host, port, data, id, tier, address, bytesMax }) => {
      const store = openStore();
      shutdown.onStop('metadata', () => store.close());
      const historical = await startHistorical({
        id,
        tier,
        host,
        port,
        ...(address === undefined ? {} : { address }),
        dataDir: join(data, 'historical'),
        bytesMax,
        cacheBytes: QUERY_CACHE_BYTES,
        version: VERSION,
        store,
        storage: openStorage(),
        clock: systemClock,
        log,
        metrics,
      });
      shutdown.onStop('historical', (deadline) => historical.stop(deadline));
      return { died: historical.died };
    },
  );
}

/** `sluice broker`. */
export function runBrokerCommand(args: readonly string[]): Promise<number> {
  return runRole(
    'broker',
    readFlags(args, 8082),
    async ({ log, metrics, shutdown, host, port }) => {
      const store = openStore();
      shutdown.onStop('metadata', () => store.close());
      const broker = await startBroker({
        host,
        port,
        version: VERSION,
        store,
        cache: openCache(log),
        clock: systemClock,
        log,
        metrics,
      });
      shutdown.onStop('broker', (deadline) => broker.stop(deadline));
      return {};
    },
  );
}
