// Starts the ingest worker of a plan with the adapters of this process. Used by `sluice local` and `sluice ingest`.

import { join } from 'node:path';
import { openKafkaCluster } from '../core/kafka/cluster.ts';
import type { MetadataStore } from '../core/metadata/port.ts';
import type { ByPartition, Position } from '../core/metadata/values.ts';
import type { DeepStorage } from '../core/deepstorage/port.ts';
import { systemClock } from '../core/runtime/clock.ts';
import type { Logger } from '../core/runtime/log.ts';
import type { Metrics } from '../core/runtime/metrics.ts';
import type { CompiledIngestion, SecretLookup } from '../core/spec/compiled.ts';
import { topicOf } from '../operator/reconcile/ingestion-state.ts';
import type { WorkerPlan } from '../operator/reconcile/cluster.ts';
import { type IngestWorker, startIngest } from '../worker/roles/ingest/ingest-role.ts';
import { kafkaConnection, openSource } from './sources.ts';
import { VERSION } from './version.ts';

/** Decoded blocks a worker's query thread keeps, bytes. */
const CACHE_BYTES = 64 * 1024 * 1024;

/** What every worker of this process shares. */
export interface WorkerSurroundings {
  readonly host: string;
  readonly dataDir: string;
  readonly address?: string;
  readonly store: MetadataStore;
  readonly storage: DeepStorage;
  readonly secrets: SecretLookup;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Starts the worker of a group. */
export async function startWorker(
  plan: WorkerPlan,
  port: number,
  around: WorkerSurroundings,
): Promise<IngestWorker> {
  const { ingestion } = plan;
  const mirror = offsetMirror(ingestion, around.secrets, around.log);
  const worker = await startIngest({
    ref: plan.ref,
    group: plan.group,
    replica: 0,
    ingestion,
    topic: topicOf(ingestion),
    host: around.host,
    port,
    ...(around.address === undefined ? {} : { address: around.address }),
    dataDir: join(around.dataDir, plan.ref.uid, plan.group),
    cacheBytes: CACHE_BYTES,
    version: VERSION,
    source: openSource(ingestion, around.secrets, around.log),
    store: around.store,
    storage: around.storage,
    ...(mirror === undefined ? {} : { mirrorOffsets: mirror.commit }),
    clock: systemClock,
    log: around.log,
    metrics: around.metrics,
  });
  return {
    ...worker,
    async stop(deadline) {
      await worker.stop(deadline);
      await mirror?.close();
    },
  };
}

/** Mirrors published offsets to the consumer group that the resource names. */
function offsetMirror(
  ingestion: CompiledIngestion,
  secrets: SecretLookup,
  log: Logger,
):
  | { commit: (end: ByPartition<Position>) => Promise<void>; close: () => Promise<void> }
  | undefined {
  const { source } = ingestion;
  if (source.type !== 'kafka') return undefined;
  const cluster = openKafkaCluster(kafkaConnection(source, secrets, log));
  return {
    commit: (end) =>
      cluster.commitOffsets(
        source.consumerGroup,
        source.topic,
        new Map(Object.entries(end).map(([p, { offset }]) => [Number(p), offset])),
        AbortSignal.timeout(10_000),
      ),
    close: () => cluster.close(),
  };
}
