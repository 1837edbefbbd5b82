// A Kafka topic as a source: explicit partitions and offsets, no consumer group. One loop places partitions at
// their leaders, one per broker reads, and both feed a bounded queue that the worker empties.

import {
  type KafkaCluster,
  openKafkaCluster,
  type OffsetQuestion,
} from '../../../core/kafka/cluster.ts';
import type { ClusterMetadata } from '../../../core/kafka/requests.ts';
import type { KafkaConnectionOptions } from '../../../core/kafka/connection-options.ts';
import { type Clock, systemClock } from '../../../core/runtime/clock.ts';
import { Failure, isFailure } from '../../../core/runtime/failure.ts';
import { type Logger, NO_LOG } from '../../../core/runtime/log.ts';
import { createBufferPool } from '../buffer-pool.ts';
import { createFetchedQueue } from '../fetched-queue.ts';
import type { Fetched, Source, SourceIdentity, StartFrom } from '../port.ts';
import { type ReaderContext, runBrokerReader } from './broker-reader.ts';
import { createAssignments } from './partition-state.ts';
import { runPlacement } from './placement.ts';

/** What to read and how much of it at once. */
export interface KafkaSourceOptions {
  readonly connection: KafkaConnectionOptions;
  readonly topic: string;
  /** Most bytes read and not yet taken; default 32 MiB. One batch may exceed it. */
  readonly bufferBytesMax?: number;
  /** Most bytes of one fetch; default 4 MiB. */
  readonly fetchBytesMax?: number;
  /** Most bytes of one partition in a fetch; default 1 MiB. */
  readonly partitionBytesMax?: number;
  /** How long a broker may wait for the first record; default 500 ms. */
  readonly waitMaxMs?: number;
  readonly clock?: Clock;
  readonly log?: Logger;
}

/**
 * Opens a source; the first call connects. It reads the topic that exists when it first looks: one that is
 * created anew under the name stops every partition, and takes a new source to be read.
 */
export function openKafkaSource(options: KafkaSourceOptions): Source {
  return new KafkaSource(options);
}

class KafkaSource implements Source {
  readonly #context: ReaderContext & { readonly topicId: { value: string } };
  readonly #closed = new AbortController();
  readonly #loops: Promise<void>[] = [];
  readonly #readers = new Set<string>();

  constructor(options: KafkaSourceOptions) {
    const { topic, clock = systemClock, log = NO_LOG } = options;
    const bufferBytesMax = options.bufferBytesMax ?? 32 * 1024 * 1024;
    const queue = createFetchedQueue(bufferBytesMax);
    this.#context = {
      cluster: openKafkaCluster({ log, ...options.connection }, clock),
      topic,
      topicId: { value: '' },
      assignments: createAssignments(queue, clock),
      queue,
      pool: createBufferPool(bufferBytesMax),
      clock,
      log,
      closed: this.#closed.signal,
      bounds: {
        waitMaxMs: options.waitMaxMs ?? 500,
        bytesMax: options.fetchBytesMax ?? 4 * 1024 * 1024,
        partitionBytesMax: options.partitionBytesMax ?? 1024 * 1024,
      },
    };
  }

  async identity(signal: AbortSignal): Promise<SourceIdentity> {
    const { cluster, topic, topicId } = this.#context;
    const metadata = await available(cluster.metadata(topic, signal));
    if (topicId.value === '') topicId.value = metadata.topic.id;
    return identityOf(metadata);
  }

  resolve(
    partitions: readonly number[],
    start: StartFrom,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<number, number>> {
    return resolveStart(this.#context, partitions, start, signal);
  }

  assign(partition: number, offset: number, leaderEpoch: number): void {
    this.#forget(partition);
    this.#context.assignments.assign(partition, offset, leaderEpoch);
    if (this.#loops.length > 0) return;
    const onPlaced = (leader: string): void => this.#read(leader);
    this.#loops.push(runPlacement({ ...this.#context, onPlaced }));
  }

  #read(leader: string): void {
    if (!this.#readers.has(leader)) {
      this.#readers.add(leader);
      this.#loops.push(runBrokerReader(this.#context, leader));
    }
    this.#context.assignments.ring();
  }

  unassign(partition: number): void {
    this.#context.assignments.unassign(partition);
    this.#forget(partition);
  }

  #forget(partition: number): void {
    for (const fetched of this.#context.queue.drop(partition)) {
      if (fetched.kind === 'records') this.recycle(fetched.set.bytes);
    }
  }

  next(signal: AbortSignal): Promise<readonly Fetched[]> {
    return this.#context.queue.take(signal);
  }

  recycle(bytes: Uint8Array<ArrayBuffer>): void {
    this.#context.pool.give(bytes);
  }

  endOffsets(
    partitions: readonly number[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<number, number>> {
    return listOffsets(this.#context, partitions, 'highWatermark', signal);
  }

  async close(): Promise<void> {
    this.#closed.abort();
    this.#context.queue.close();
    this.#context.assignments.ring();
    await this.#context.cluster.close();
    await Promise.all(this.#loops);
  }
}

/** What the operator asks of a topic, over a connection that others share. Nothing is kept. */
export function inspectTopic(
  cluster: KafkaCluster,
  topic: string,
): Pick<Source, 'identity' | 'resolve'> {
  return {
    identity: async (signal) => identityOf(await available(cluster.metadata(topic, signal))),
    resolve: (partitions, start, signal) =>
      resolveStart({ cluster, topic }, partitions, start, signal),
  };
}

function identityOf({ clusterId, topic }: ClusterMetadata): SourceIdentity {
  const partitions = topic.partitions.map((p) => p.partition).toSorted((a, b) => a - b);
  return { id: `${clusterId}/${topic.id}`, partitions };
}

interface Topic {
  readonly cluster: KafkaCluster;
  readonly topic: string;
}

async function resolveStart(
  from: Topic,
  partitions: readonly number[],
  start: StartFrom,
  signal: AbortSignal,
): Promise<ReadonlyMap<number, number>> {
  if (start.from !== 'Offsets') return listOffsets(from, partitions, questionOf(start), signal);
  const unnamed = partitions.filter((p) => !start.offsets.has(p));
  const rest = await listOffsets(from, unnamed, 'earliest', signal);
  return new Map(partitions.map((p) => [p, start.offsets.get(p) ?? rest.get(p) ?? 0]));
}

async function listOffsets(
  { cluster, topic }: Topic,
  partitions: readonly number[],
  question: OffsetQuestion,
  signal: AbortSignal,
): Promise<ReadonlyMap<number, number>> {
  if (partitions.length === 0) return new Map();
  return available(cluster.listOffsets(topic, partitions, question, signal));
}

function questionOf(start: Exclude<StartFrom, { from: 'Offsets' }>): OffsetQuestion {
  if (start.from === 'Timestamp') return { timestampMs: start.timestampMs };
  // The end of what is committed: records of a transaction that is open now will be read once it commits.
  return start.from === 'Earliest' ? 'earliest' : 'lastStable';
}

/** The port's word for a cluster that does not answer. */
async function available<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!isFailure(error, 'transient')) throw error;
    throw new Failure('transient', 'SourceUnavailable', error.message, error);
  }
}
