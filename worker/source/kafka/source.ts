// A Kafka topic as a source: explicit partitions and offsets, no consumer group. One loop places partitions at
// their leaders, one per broker reads, and both feed a bounded queue that the worker empties.

import { openKafkaCluster, type OffsetQuestion } from '../../../core/kafka/cluster.ts';
import type { KafkaConnectionOptions } from '../../../core/kafka/connection-options.ts';
import { type Clock, systemClock } from '../../../core/runtime/clock.ts';
import { Failure, isFailure } from '../../../core/runtime/failure.ts';
import { type Logger, NO_LOG } from '../../../core/runtime/log.ts';
import { createBufferPool } from '../buffer-pool.ts';
import { createFetchedQueue } from '../fetched-queue.ts';
import type { Source, StartFrom } from '../port.ts';
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
  const { topic, clock = systemClock, log = NO_LOG } = options;
  const bufferBytesMax = options.bufferBytesMax ?? 32 * 1024 * 1024;
  const cluster = openKafkaCluster({ log, ...options.connection }, clock);
  const queue = createFetchedQueue(bufferBytesMax);
  const pool = createBufferPool(bufferBytesMax);
  const assignments = createAssignments(queue, clock);
  const topicId = { value: '' };
  const closed = new AbortController();
  const loops: Promise<void>[] = [];
  const readers = new Set<string>();
  const context: ReaderContext = {
    cluster,
    topic,
    topicId,
    assignments,
    queue,
    pool,
    clock,
    log,
    closed: closed.signal,
    bounds: {
      waitMaxMs: options.waitMaxMs ?? 500,
      bytesMax: options.fetchBytesMax ?? 4 * 1024 * 1024,
      partitionBytesMax: options.partitionBytesMax ?? 1024 * 1024,
    },
  };

  function onPlaced(leader: string): void {
    if (!readers.has(leader)) {
      readers.add(leader);
      loops.push(runBrokerReader(context, leader));
    }
    assignments.ring();
  }

  function begin(): void {
    if (loops.length === 0) loops.push(runPlacement({ ...context, onPlaced }));
  }

  const forget = (partition: number): void => {
    for (const fetched of queue.drop(partition))
      if (fetched.kind === 'records') pool.give(fetched.set.bytes);
  };

  return {
    async identity(signal) {
      const metadata = await available(cluster.metadata(topic, signal));
      if (topicId.value === '') topicId.value = metadata.topic.id;
      const partitions = metadata.topic.partitions
        .map((p) => p.partition)
        .toSorted((a, b) => a - b);
      return { id: `${metadata.clusterId}/${metadata.topic.id}`, partitions };
    },
    async resolve(partitions, start, signal) {
      const list = (
        wanted: readonly number[],
        question: OffsetQuestion,
      ): Promise<ReadonlyMap<number, number>> =>
        wanted.length === 0
          ? Promise.resolve(new Map())
          : available(cluster.listOffsets(topic, wanted, question, signal));
      if (start.from !== 'Offsets') return list(partitions, questionOf(start));
      const rest = await list(
        partitions.filter((p) => !start.offsets.has(p)),
        'earliest',
      );
      return new Map(partitions.map((p) => [p, start.offsets.get(p) ?? rest.get(p) ?? 0]));
    },
    assign(partition, offset, leaderEpoch) {
      forget(partition);
      assignments.assign(partition, offset, leaderEpoch);
      begin();
    },
    unassign(partition) {
      assignments.unassign(partition);
      forget(partition);
    },
    next: (signal) => queue.take(signal),
    recycle: (bytes) => pool.give(bytes),
    endOffsets: (partitions, signal) =>
      available(cluster.listOffsets(topic, partitions, 'highWatermark', signal)),
    async close() {
      closed.abort();
      queue.close();
      assignments.ring();
      await cluster.close();
      await Promise.all(loops);
    },
  };
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
