// The operator without Kubernetes: reconciles the given resources and coordinates segments. Composition; used by
// `sluice local` and `sluice operator -f`.

import type { MetadataStore } from '../core/metadata/port.ts';
import type { DeepStorage } from '../core/deepstorage/port.ts';
import type { Clock } from '../core/runtime/clock.ts';
import { isFailure } from '../core/runtime/failure.ts';
import { type HttpServer, standardRoutes, startHttpServer } from '../core/runtime/http-server.ts';
import { jsonResponse } from '../core/runtime/http-message.ts';
import type { Logger } from '../core/runtime/log.ts';
import type { Metrics } from '../core/runtime/metrics.ts';
import type { CompiledIngestion } from '../core/spec/compiled.ts';
import { Coordinator } from './coordinator/coordinator.ts';
import { coordinatorRoutes } from './coordinator/endpoints.ts';
import { lookupRoutes } from './coordinator/lookup-endpoints.ts';
import type { Cluster, Condition, StreamInspector } from './reconcile/cluster.ts';
import { Reconciler } from './reconcile/reconciler.ts';

/** What the operator is given. */
export interface OperatorOptions {
  readonly ingestions: readonly CompiledIngestion[];
  readonly host: string;
  readonly port: number;
  readonly version: string;
  readonly store: MetadataStore;
  readonly storage: DeepStorage;
  readonly cluster: Cluster;
  readonly openStream: (ingestion: CompiledIngestion) => StreamInspector;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Segments by phase, for people. */
export interface SegmentPhases {
  readonly published: number;
  readonly available: number;
}

/** A running operator. */
export interface Operator {
  readonly port: number;
  conditions(): readonly {
    readonly ingestion: string;
    readonly conditions: readonly Condition[];
  }[];
  phases(): SegmentPhases;
  /** Drains workers first, then ends coordination. */
  stop(deadline: AbortSignal): Promise<void>;
}

/** Starts the operator. @throws Failure `config` PortTaken */
export async function startOperator(options: OperatorOptions): Promise<Operator> {
  const { store, storage, cluster, clock, log, metrics, ingestions } = options;
  const coordinator = new Coordinator({
    store,
    storage,
    clock,
    log,
    metrics,
    retention: (dataSource) => ingestions.find((i) => i.dataSource === dataSource)?.retention ?? {},
  });
  const reconcilers = ingestions.map((ingestion) => ({
    ingestion,
    reconciler: new Reconciler(
      { store, cluster, clock, log, metrics, openStream: options.openStream },
      ingestion,
    ),
  }));
  const conditions = (): ReturnType<Operator['conditions']> =>
    reconcilers.map(({ ingestion, reconciler }) => ({
      ingestion: ingestion.name,
      conditions: reconciler.conditions(),
    }));
  const server: HttpServer = await startHttpServer({
    host: options.host,
    port: options.port,
    log,
    routes: [
      ...coordinatorRoutes(coordinator),
      ...lookupRoutes(options.store),
      {
        method: 'GET',
        path: '/sluice/v1/ingestions',
        handler: () => jsonResponse(200, conditions()),
      },
      ...standardRoutes({
        version: options.version,
        role: 'operator',
        metrics,
        ready: () => ({ isReady: true, reasons: [] }),
      }),
    ],
  });
  const reconciling = new AbortController();
  const coordinating = new AbortController();
  const crash = (error: unknown): void => {
    // A bug must be loud: it ends the process through the unhandled rejection.
    if (isFailure(error, 'bug') || !isFailure(error)) throw error;
    log.error('the operator stopped', { error });
  };
  const loops = reconcilers.map(({ reconciler }) =>
    reconciler.run(reconciling.signal).catch(crash),
  );
  const coordination = coordinator.run(coordinating.signal).catch(crash);
  log.info('operator listens', { host: server.host, port: server.port });
  return {
    port: server.port,
    conditions,
    phases: () => phasesOf(coordinator),
    async stop(deadline) {
      reconciling.abort();
      await Promise.all(loops);
      await Promise.all(reconcilers.map(({ reconciler }) => reconciler.stop(deadline)));
      coordinating.abort();
      await coordination;
      await server.close(deadline);
    },
  };
}

function phasesOf(coordinator: Coordinator): SegmentPhases {
  const { fleet, lastPlan } = coordinator;
  const used = [...(fleet?.segments.values() ?? [])].filter((s) => s.value.state === 'used').length;
  const missing = [...lastPlan.unavailable.values()].reduce((sum, n) => sum + n, 0);
  return { published: used, available: Math.max(0, used - missing) };
}
