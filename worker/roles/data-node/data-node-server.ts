// The HTTP server of a data node: the Druid-compatible endpoint, the broker's endpoint, and the routes every process
// has. Used by the ingest and historical roles.

import type { MetadataStore } from '../../../core/metadata/port.ts';
import type { Clock } from '../../../core/runtime/clock.ts';
import type { Route } from '../../../core/runtime/http-router.ts';
import {
  type HttpServer,
  standardRoutes,
  startHttpServer,
} from '../../../core/runtime/http-server.ts';
import type { Logger } from '../../../core/runtime/log.ts';
import type { Metrics } from '../../../core/runtime/metrics.ts';
import { lookupIntrospection } from '../lookups/introspection.ts';
import { LookupRegistry } from '../lookups/lookup-registry.ts';
import { queryRoutes } from '../query-endpoint/query-endpoint.ts';
import { brokerRoute } from './broker-endpoint.ts';
import { nodeExecutor } from './node-executor.ts';
import { RunningQueries } from './running-queries.ts';
import type { SegmentHolder } from './segment-holder.ts';

/** What the server is given. */
export interface DataNodeServerOptions {
  readonly host: string;
  readonly port: number;
  readonly role: string;
  readonly version: string;
  readonly holder: SegmentHolder;
  /** Registered lookups are read from it. */
  readonly store: MetadataStore;
  readonly routes: readonly Route[];
  readonly ready: () => { readonly isReady: boolean; readonly reasons: readonly string[] };
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Starts to listen. @throws Failure `config` PortTaken */
export async function startDataNodeServer(options: DataNodeServerOptions): Promise<HttpServer> {
  const { holder, clock, log, metrics, host, port } = options;
  const running = new RunningQueries();
  const lookups = new LookupRegistry(options.store, log);
  const server = await startHttpServer({
    host,
    port,
    log,
    routes: [
      ...queryRoutes({
        executor: nodeExecutor(holder),
        lookups,
        running,
        clock,
        log,
        metrics,
        host: `${host}:${port}`,
      }),
      brokerRoute(holder, running, clock),
      ...lookupIntrospection(lookups),
      ...options.routes,
      ...standardRoutes({
        version: options.version,
        role: options.role,
        metrics,
        ready: options.ready,
      }),
    ],
  });
  return {
    host: server.host,
    port: server.port,
    async close(deadline) {
      await server.close(deadline);
      lookups.close();
    },
  };
}
