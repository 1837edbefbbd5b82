// The ingest role: one worker of one group. Builds its threads and parts, keeps the lease, serves queries on what it
// holds, and stops in order. Composition; decisions are in group-runner.ts.

import { join } from 'node:path';
import { mkdir } from 'node:fs/promises';
import { Failure, isFailure } from '../../../core/runtime/failure.ts';
import { jsonResponse } from '../../../core/runtime/http-message.ts';
import type { Route } from '../../../core/runtime/http-router.ts';
import { startDataNodeServer } from '../data-node/data-node-server.ts';
import { SegmentHost } from '../data-node/segment-host.ts';
import { startThread, type Thread } from '../threads/thread.ts';
import type { BuildRequest } from './build-messages.ts';
import type { GroupParts } from './group-parts.ts';
import { GroupRunner } from './group-runner.ts';
import type { IndexEvent, IndexRequest } from './index-messages.ts';
import { buildParts } from './build-group.ts';
import { ingestMetrics } from './ingest-metrics.ts';
import type { IngestOptions } from './ingest-options.ts';
import { keepOwnership } from './owner-keeper.ts';
import { IngestStatus, type WorkerCondition } from './ingest-status.ts';
import { IngestHolder } from './ingest-holder.ts';
import { PieceRegistry } from './piece-registry.ts';

/** A running ingest worker. */
export interface IngestWorker {
  readonly port: number;
  /** Resolves with the reason when it cannot go on. */
  readonly died: Promise<Failure>;
  conditions(): readonly WorkerCondition[];
  progress(): IngestProgress;
  /** Publishes what was read, as far as the deadline allows, and ends. */
  stop(deadline: AbortSignal): Promise<void>;
}

/** Figures for people. */
export interface IngestProgress {
  /** Records by outcome. */
  readonly counts: Readonly<Record<string, number>>;
  readonly lagRecords: number;
  /** Open segments. */
  readonly realtime: number;
  /** Published, not yet served by a historical. */
  readonly publishing: number;
}

/** Starts a worker. @throws Failure `config` PortTaken */
export async function startIngest(options: IngestOptions): Promise<IngestWorker> {
  const { clock, group, ingestion } = options;
  const log = options.log.child({ ingestion: ingestion.name, group });
  const root = join(options.dataDir, 'sequences');
  await mkdir(root, { recursive: true });
  const metrics = ingestMetrics(options.metrics, {
    namespace: ingestion.namespace,
    ingestion: ingestion.name,
    dataSource: ingestion.dataSource,
    group,
  });
  const status = new IngestStatus();
  const index: Thread<IndexRequest, IndexEvent> = startThread(
    new URL('./index-thread.ts', import.meta.url),
    { name: 'index' },
  );
  const build: Thread<BuildRequest, never> = startThread(
    new URL('./build-thread.ts', import.meta.url),
    { name: 'build' },
  );
  const host = new SegmentHost('query', options.cacheBytes);
  const pieces = new PieceRegistry(host);
  const serverId = `ingest-${options.ref.uid}-${group}-${options.replica}`;
  // Filled in below: the holder and the routes exist before the parts that need the listening port.
  const late: { parts?: GroupParts } = {};
  const holder = new IngestHolder({
    dataSource: ingestion.dataSource,
    index,
    host,
    pieces,
    served: () => late.parts?.announcer.served() ?? new Map(),
    lastRemoval: () => late.parts?.announcer.lastRemovalRevision ?? 0,
    isLeased: () => late.parts?.owner.isAlive() === true,
  });
  const server = await startDataNodeServer({
    host: options.host,
    port: options.port,
    role: 'ingest',
    version: options.version,
    holder,
    store: options.store,
    clock,
    log,
    metrics: options.metrics,
    ready: () => readiness(late.parts),
    routes: statusRoutes(() => ({ conditions: status.conditions(), progress: progress() }), index),
  });
  const address = options.address ?? `${options.host}:${server.port}`;
  log.info('ingest worker listens', { host: server.host, port: server.port });
  const keys = { ref: options.ref, group, topic: options.topic, dataSource: ingestion.dataSource };
  const built = buildParts(options, {
    log,
    root,
    metrics,
    status,
    index,
    build,
    pieces,
    serverId,
    address,
    keys,
  });
  late.parts = built.parts;
  const runner = new GroupRunner(built.parts);
  const drain = new AbortController();
  const stop = new AbortController();
  const ended = new AbortController();
  const dead = Promise.withResolvers<Failure>();
  for (const died of [index.died, build.died, host.died]) void died.then(dead.resolve);
  const running = runner
    .run(drain.signal, stop.signal)
    .catch((error: unknown) =>
      dead.resolve(
        isFailure(error) ? error : new Failure('bug', 'AssertionFailed', String(error), error),
      ),
    );
  const handingOff = built.parts.handOff.run(ended.signal);
  const keeping = keepOwnership(built.parts, runner, ended.signal);

  function progress(): IngestProgress {
    const chunks = runner.runs.reduce((sum, run) => sum + run.chunks.length, 0);
    return {
      counts: metrics.totals(),
      lagRecords: status.lagRecords(),
      realtime: chunks,
      publishing: late.parts?.handOff.waiting ?? 0,
    };
  }

  return {
    port: server.port,
    died: dead.promise,
    conditions: () => status.conditions(),
    progress,
    async stop(deadline) {
      deadline.addEventListener('abort', () => stop.abort(), { once: true });
      drain.abort();
      await running;
      stop.abort();
      ended.abort();
      await Promise.all([handingOff, keeping]);
      // Announced until here: the rows were queryable to the last moment.
      await built.parts.owner.release();
      built.watch.close();
      built.parts.handOff.close();
      await server.close(deadline);
      await options.source.close();
      await Promise.all([index.close(), build.close(), host.stop()]);
    },
  };
}

function readiness(parts: GroupParts | undefined): {
  isReady: boolean;
  reasons: readonly string[];
} {
  if (parts?.owner.isAlive() !== true)
    return { isReady: false, reasons: ['the owner key is not held yet'] };
  const wrong = parts.status.conditions().filter((c) => !c.isTrue);
  return { isReady: wrong.length === 0, reasons: wrong.map((c) => `${c.reason}: ${c.message}`) };
}

function statusRoutes(
  status: () => unknown,
  index: Thread<IndexRequest, IndexEvent>,
): readonly Route[] {
  return [
    { method: 'GET', path: '/sluice/v1/ingest/status', handler: () => jsonResponse(200, status()) },
    {
      method: 'GET',
      path: '/sluice/v1/ingest/bad-records',
      handler: async () => jsonResponse(200, await index.call({ type: 'samples' })),
    },
  ];
}
