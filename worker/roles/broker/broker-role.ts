// The broker: keeps the timeline from announcements, scatters queries, merges, caches. Stateless but for its live copy
// of etcd. Composition of its parts; adapters come from the caller.

import type { MetadataStore } from '../../../core/metadata/port.ts';
import type { Clock } from '../../../core/runtime/clock.ts';
import {
  type HttpServer,
  standardRoutes,
  startHttpServer,
} from '../../../core/runtime/http-server.ts';
import { jsonResponse } from '../../../core/runtime/http-message.ts';
import type { Logger } from '../../../core/runtime/log.ts';
import type { Metrics } from '../../../core/runtime/metrics.ts';
import type { ResultCache } from '../../cache/port.ts';
import { Inventory } from '../../timeline/inventory.ts';
import { type Partial, tablesOf } from '../../query/query.ts';
import { lookupIntrospection } from '../lookups/introspection.ts';
import { LookupRegistry } from '../lookups/lookup-registry.ts';
import { RunningQueries } from '../data-node/running-queries.ts';
import { CANCEL_NONE } from '../data-node/thread-query.ts';
import type { QueryExecutor } from '../query-endpoint/query-executor.ts';
import { queryRoutes } from '../query-endpoint/query-endpoint.ts';
import { scatter, type ScatterParts } from './scatter.ts';

/** How soon requests to nodes end after a cancel, ms. */
const CANCEL_LOOK_MS = 50;

/** What a broker is given. */
export interface BrokerOptions {
  readonly host: string;
  readonly port: number;
  readonly version: string;
  readonly store: MetadataStore;
  readonly cache: ResultCache;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** A running broker. */
export interface Broker {
  readonly port: number;
  stop(deadline: AbortSignal): Promise<void>;
}

/** Starts a broker. @throws Failure `config` PortTaken */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const { store, cache, clock, log, metrics } = options;
  const inventory = new Inventory(store);
  const lookups = new LookupRegistry(store, log);
  let isReady = false;
  void inventory.ready.then(() => {
    isReady = true;
  });
  const executor = brokerExecutor({ inventory, cache, clock, log, metrics });
  const server: HttpServer = await startHttpServer({
    host: options.host,
    port: options.port,
    log,
    routes: [
      ...queryRoutes({
        executor,
        lookups,
        running: new RunningQueries(),
        clock,
        log,
        metrics,
        host: `${options.host}:${options.port}`,
      }),
      ...lookupIntrospection(lookups),
      {
        method: 'GET',
        path: '/druid/broker/v1/loadstatus',
        handler: () => jsonResponse(200, { inventoryInitialized: isReady }),
      },
      ...standardRoutes({
        version: options.version,
        role: 'broker',
        metrics,
        ready: () => ({
          isReady,
          reasons: isReady ? [] : ['the announcements have not been read yet'],
        }),
      }),
    ],
  });
  log.info('broker listens', { host: server.host, port: server.port });
  return {
    port: server.port,
    async stop(deadline) {
      await server.close(deadline);
      inventory.close();
      lookups.close();
      await cache.close();
    },
  };
}

function brokerExecutor(parts: ScatterParts): QueryExecutor {
  return {
    async *execute(query, text, cancelWord, notes): AsyncGenerator<Partial> {
      await parts.inventory.ready;
      const gone = new AbortController();
      const gathered = { bytes: 0 };
      void abortOnCancel(parts.clock, cancelWord, gone);
      try {
        for (const dataSource of tablesOf(query)) {
          yield* scatter(
            parts,
            { query, text, dataSource, cancelWord, signal: gone.signal, gathered },
            notes,
          );
        }
      } finally {
        gone.abort();
      }
    },
    dataSources: () => parts.inventory.dataSources(),
  };
}

/** The cancel word stops our own loops; requests to nodes are cut by the signal. Ends when the query does. */
async function abortOnCancel(
  clock: Clock,
  cancelWord: Int32Array,
  gone: AbortController,
): Promise<void> {
  while (!gone.signal.aborted) {
    await clock.sleep(CANCEL_LOOK_MS, gone.signal);
    if (Atomics.load(cancelWord, 0) !== CANCEL_NONE) gone.abort();
  }
}
