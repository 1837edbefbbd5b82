// The operator on Kubernetes: caches that follow always, one leader that reconciles and coordinates, HTTP for consoles
// and probes. A replica that does not lead keeps its caches warm, so that taking over is quick. Used by
// `sluice operator` without -f. Source: operator.md 1.2.7, B10, B15.

import type { MetadataStore } from '../../../core/metadata/port.ts';
import type { DeepStorage } from '../../../core/deepstorage/port.ts';
import type { Clock } from '../../../core/runtime/clock.ts';
import { Failure } from '../../../core/runtime/failure.ts';
import { standardRoutes, startHttpServer } from '../../../core/runtime/http-server.ts';
import type { Logger } from '../../../core/runtime/log.ts';
import type { Metrics } from '../../../core/runtime/metrics.ts';
import { MANAGER } from '../../api/names.ts';
import { Coordinator } from '../../coordinator/coordinator.ts';
import { coordinatorRoutes } from '../../coordinator/endpoints.ts';
import { lookupRoutes } from '../../coordinator/lookup-endpoints.ts';
import { createKubeClient, type KubeRequest, type Transport } from '../../kube/client.ts';
import { EventRecorder } from '../../kube/event-recorder.ts';
import { LeaseElection, type LeaseTimes } from '../../kube/lease-election.ts';
import { WorkQueue } from '../../kube/work-queue.ts';
import { Writer } from '../../kube/writer.ts';
import { DeadGroups } from '../dead-groups.ts';
import { Caches } from './caches.ts';
import type { ControllerParts, OperatorSettings } from './controller-parts.ts';
import { IngestionController } from './ingestion-controller.ts';
import { segmentCounts } from './segment-counts.ts';
import { RollPermits } from './roll-permits.ts';
import { supervisorRoutes } from './supervisor-routes.ts';
import { measured, queueObserver, unhealthyReasons } from './operator-metrics.ts';
import type { Compile } from './spec-reading.ts';
import type { AskWorker } from './worker-reports.ts';
import { type OpenStream, SecretReader, StreamPool } from './stream-pool.ts';

/** Passes at once. A pass is mostly waiting for etcd, Kafka, workers and the API server. */
const PARALLEL = 20;
/** A stream that was down is looked at again within a minute, however long it was down. */
const BACKOFF_MAX_MS = 60_000;

/** Time for the last events to be written. */
const EVENTS_MS = 1000;

/** What the operator is given. */
export interface KubernetesOperatorOptions {
  readonly settings: OperatorSettings;
  /** Namespace that is watched; `''` = all. */
  readonly watchNamespace: string;
  /** Different for each process. */
  readonly identity: string;
  readonly leaseTimes?: LeaseTimes;
  /** The process counts as broken when a watch was silent for longer, ms; default five minutes. */
  readonly silenceMaxMs?: number;
  readonly host: string;
  readonly port: number;
  readonly version: string;
  readonly transport: Transport;
  readonly onRequest?: (request: KubeRequest, status: number) => void;
  readonly store: MetadataStore;
  readonly storage: DeepStorage;
  readonly openStream: OpenStream;
  readonly compile: Compile;
  readonly askWorker: AskWorker;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Figures for tests and benchmarks. */
export interface OperatorFigures {
  readonly isLeader: boolean;
  readonly passes: number;
  readonly depth: number;
  readonly caches: ReturnType<Caches['figures']>;
}

/** A running operator. */
export interface KubernetesOperator {
  readonly port: number;
  figures(): OperatorFigures;
  /** Resolves when the process must end: the lease was lost. */
  readonly died: Promise<Error>;
  /** Ends passes in flight, gives the lease back, stops following. */
  stop(deadline: AbortSignal): Promise<void>;
}

/** Starts the operator; returns once it listens. @throws Failure `config` PortTaken */
export async function startKubernetesOperator(
  options: KubernetesOperatorOptions,
): Promise<KubernetesOperator> {
  const { clock, log, metrics, random, settings } = options;
  const client = createKubeClient({
    ...options,
    onRequest: (request, status) => {
      metrics.kubeRequests.inc({ method: request.method, code: String(status) });
      options.onRequest?.(request, status);
    },
  });
  const queue = new WorkQueue({
    clock,
    random,
    backoffMaxMs: BACKOFF_MAX_MS,
    observer: queueObserver(metrics),
  });
  const caches = new Caches({
    client,
    clock,
    log,
    random,
    namespace: options.watchNamespace,
    ask: (key, priority) => queue.add(key, priority),
  });
  const election = new LeaseElection({
    client,
    clock,
    log,
    random,
    namespace: settings.namespace,
    name: MANAGER,
    identity: options.identity,
    ...(options.leaseTimes === undefined ? {} : { times: options.leaseTimes }),
  });
  const writer = new Writer({ client, manager: MANAGER, mayWrite: () => election.isLeader() });
  const secrets = new SecretReader(writer, clock);
  const streams = new StreamPool(options.openStream, secrets);
  const events = new EventRecorder({
    client,
    clock,
    log,
    controller: 'sluice.dev/operator',
    instance: options.identity,
  });
  const coordinator = new Coordinator({
    ...options,
    retention: (dataSource) =>
      controller.running().find((i) => i.dataSource === dataSource)?.retention ?? {},
  });
  const parts: ControllerParts = {
    ...options,
    client,
    caches,
    deaths: new DeadGroups(clock),
    permits: new RollPermits(caches.ingestions, settings.rollsAtOnceMax),
    writer,
    events,
    secrets,
    streams,
    segments: segmentCounts(coordinator, clock),
  };
  const controller = new IngestionController(parts);
  const server = await startHttpServer({
    host: options.host,
    port: options.port,
    log,
    routes: [
      ...coordinatorRoutes(coordinator, () => election.isLeader()),
      ...lookupRoutes(options.store),
      ...supervisorRoutes({ ...parts, isLeader: () => election.isLeader() }),
      ...standardRoutes({
        version: options.version,
        role: 'operator',
        metrics: measured({ metrics, queue, caches, election, leaseName: MANAGER }),
        unhealthy: () => unhealthyReasons({ queue, caches }, options.silenceMaxMs),
        ready: () => {
          const missing = caches.missing();
          return {
            isReady: missing.length === 0,
            reasons: missing.map((kind) => `${kind} are not listed yet`),
          };
        },
      }),
    ],
  });

  const stopping = new AbortController();
  const { promise: died, resolve: die } = Promise.withResolvers<Error>();
  const following = caches.run(stopping.signal);
  const lead = async (leading: AbortSignal): Promise<void> => {
    await Promise.race([caches.synced(), aborted(leading)]);
    const pass = timed(controller, leading, metrics, clock);
    await Promise.all([queue.run(PARALLEL, pass, leading), coordinator.run(leading)]);
    // Events are not worth holding the lease for.
    await Promise.race([events.flush(), clock.sleep(EVENTS_MS)]);
  };
  const leading = (async () => {
    const end = await election.run(stopping.signal, lead);
    if (end === 'lost')
      die(new Failure('fenced', 'LeaseLost', 'the lease could not be renewed in time'));
  })();
  // A bug ends the process, and with it the lease: loudly, in the one place that waits for it.
  leading.catch(die);
  following.catch(die);
  log.info('operator listens', { host: server.host, port: server.port });

  return {
    port: server.port,
    died,
    figures: () => ({
      isLeader: election.isLeader(),
      passes: queue.passes,
      depth: queue.depth,
      caches: caches.figures(),
    }),
    async stop(deadline) {
      stopping.abort();
      await Promise.allSettled([leading, following]);
      await streams.closeAll();
      await server.close(deadline);
    },
  };
}

function timed(
  controller: IngestionController,
  signal: AbortSignal,
  metrics: Metrics,
  clock: Clock,
): (key: string) => ReturnType<IngestionController['pass']> {
  return async (key) => {
    const startedMs = clock.monotonicMs();
    const result = await controller.pass(key, signal);
    metrics.reconciles.inc({ controller: 'ingestion', result: result.kind });
    metrics.reconcileSeconds.observe(
      { controller: 'ingestion' },
      (clock.monotonicMs() - startedMs) / 1000,
    );
    return result;
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
}
