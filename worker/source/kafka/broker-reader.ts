// Reads from one broker: all partitions it leads in one fetch, one fetch at a time, and none while what was
// read waits to be taken.

import { KAFKA_ERRORS } from '../../../core/kafka/classify.ts';
import type { KafkaCluster } from '../../../core/kafka/cluster.ts';
import type { Clock } from '../../../core/runtime/clock.ts';
import { Failure } from '../../../core/runtime/failure.ts';
import type { Logger } from '../../../core/runtime/log.ts';
import { backoffMs } from '../../../core/runtime/retry.ts';
import { orAborted } from '../../../core/runtime/timeout.ts';
import type { BufferPool } from '../buffer-pool.ts';
import type { FetchedQueue } from '../fetched-queue.ts';
import { scanBatches } from './batch-scan.ts';
import { type FetchBounds, type FetchedPartition, fetchRequest } from './fetch-request.ts';
import type { Assignments, PartitionState } from './partition-state.ts';

/** What reading needs. */
export interface ReaderContext {
  readonly cluster: KafkaCluster;
  readonly topic: string;
  readonly topicId: { readonly value: string };
  readonly assignments: Assignments;
  readonly queue: FetchedQueue;
  readonly pool: BufferPool;
  readonly bounds: FetchBounds;
  readonly clock: Clock;
  readonly log: Logger;
  readonly closed: AbortSignal;
}

// A fetch asks for at least this much, however little room there is: smaller answers cost more than they save.
const FETCH_BYTES_MIN = 64 * 1024;
const IDLE_MS = 1000;
const PAUSE = { attempts: Infinity, delayMs: 50, delayMaxMs: 1000 };
const PAUSE_AFTER_ERROR_MS = 250;

/** Errors after which the leader is looked up again; the first of a partition may come at any time. */
const PLACE_AGAIN: ReadonlySet<number> = new Set([
  KAFKA_ERRORS.NOT_LEADER_OR_FOLLOWER,
  KAFKA_ERRORS.LEADER_NOT_AVAILABLE,
  KAFKA_ERRORS.REPLICA_NOT_AVAILABLE,
  KAFKA_ERRORS.FENCED_LEADER_EPOCH,
  KAFKA_ERRORS.UNKNOWN_LEADER_EPOCH,
  KAFKA_ERRORS.UNKNOWN_TOPIC_OR_PARTITION,
  KAFKA_ERRORS.UNKNOWN_TOPIC_ID,
  KAFKA_ERRORS.INCONSISTENT_TOPIC_ID,
]);

/** Reads from the broker at `address` until the source closes. */
export async function runBrokerReader(context: ReaderContext, address: string): Promise<void> {
  const { assignments, queue, clock, closed } = context;
  let failures = 0;
  for (let turn = 0; !closed.aborted; turn++) {
    await queue.untilRoom(closed);
    const states = readable(context, address, turn);
    if (states.length === 0) {
      await assignments.changed(IDLE_MS, closed);
      continue;
    }
    try {
      await fetchOnce(context, address, states);
      failures = 0;
    } catch (error) {
      if (closed.aborted) return;
      context.log.warn('cannot read from a broker', { broker: address, error });
      const pauseMs = backoffMs(PAUSE, ++failures);
      for (const state of states) assignments.replace(state, pauseMs);
      await clock.sleep(pauseMs, closed);
    }
  }
}

// A broker fills its answer in the order of the request, so each turn begins with another partition.
function readable(context: ReaderContext, address: string, turn: number): PartitionState[] {
  const now = context.clock.monotonicMs();
  const states = [...context.assignments.states.values()].filter(
    (s) => s.phase === 'reading' && s.leader === address && s.notBeforeMs <= now,
  );
  const first = states.length === 0 ? 0 : turn % states.length;
  return [...states.slice(first), ...states.slice(0, first)];
}

async function fetchOnce(
  context: ReaderContext,
  address: string,
  states: readonly PartitionState[],
): Promise<void> {
  const { cluster, bounds, queue, assignments } = context;
  const bytesMax = Math.max(FETCH_BYTES_MIN, Math.min(bounds.bytesMax, queue.room()));
  const asked = new Map(states.map((state) => [state.partition, { state, offset: state.offset }]));
  const request = fetchRequest(context.topicId.value, states, { ...bounds, bytesMax });
  const sent = cluster.send(address, request, bounds.waitMaxMs + 15_000);
  // Closing does not wait for a long poll.
  const answer = await orAborted(sent, context.closed, closedFailure);
  if (answer.error !== KAFKA_ERRORS.NONE) {
    for (const state of states) assignments.replace(state, PAUSE_AFTER_ERROR_MS);
    return;
  }
  for (const fetched of answer.partitions) {
    const wanted = asked.get(fetched.partition);
    // Assigned anew or taken away while the answer was on its way.
    if (
      wanted === undefined ||
      !assignments.isCurrent(wanted.state) ||
      wanted.state.phase !== 'reading'
    )
      continue;
    if (fetched.error === KAFKA_ERRORS.NONE) deliver(context, wanted.state, fetched);
    else await handleError(context, wanted.state, fetched.error);
  }
}

function closedFailure(): Failure {
  return new Failure('transient', 'SourceUnavailable', 'the source is closed');
}

function deliver(context: ReaderContext, state: PartitionState, fetched: FetchedPartition): void {
  const { records, partition, highWatermark, aborted } = fetched;
  if (records.length === 0) return;
  const scan = scanBatches(records, state.offset);
  // Kafka always sends one whole batch: what has none is damaged. The walker says how, and this partition waits.
  const isBroken = scan.bytes === 0;
  if (isBroken) state.phase = 'stopped';
  const length = isBroken ? records.length : scan.bytes;
  const bytes = context.pool.take(length);
  bytes.set(records.subarray(0, length));
  const fromOffset = state.offset;
  state.offset = scan.nextOffset;
  state.epoch = isBroken ? state.epoch : scan.leaderEpoch;
  context.queue.push({
    kind: 'records',
    set: {
      format: 'kafka-v2',
      partition,
      fromOffset,
      nextOffset: scan.nextOffset,
      bytes,
      aborted,
      leaderEpoch: scan.leaderEpoch,
      lagRecords: Math.max(0, highWatermark - scan.nextOffset),
    },
  });
}

async function handleError(
  context: ReaderContext,
  state: PartitionState,
  error: number,
): Promise<void> {
  const { assignments, clock, log, topic } = context;
  if (error === KAFKA_ERRORS.OFFSET_OUT_OF_RANGE) return outOfRange(context, state);
  if (PLACE_AGAIN.has(error)) return assignments.replace(state, PAUSE_AFTER_ERROR_MS);
  log.warn('a partition cannot be read now', {
    topic,
    partition: state.partition,
    kafkaError: error,
  });
  state.notBeforeMs = clock.monotonicMs() + PAUSE_AFTER_ERROR_MS;
}

async function outOfRange(context: ReaderContext, state: PartitionState): Promise<void> {
  const { cluster, topic, assignments, closed } = context;
  const { partition, offset } = state;
  const [starts, ends] = await Promise.all([
    cluster.listOffsets(topic, [partition], 'earliest', closed),
    cluster.listOffsets(topic, [partition], 'highWatermark', closed),
  ]);
  const earliest = starts.get(partition) ?? 0;
  const latest = ends.get(partition) ?? 0;
  // In range after all: the leader was changing, or its log start moved in between.
  if (offset >= earliest && offset <= latest)
    return assignments.replace(state, PAUSE_AFTER_ERROR_MS);
  if (offset > latest && state.epoch >= 0) {
    const message = `partition ${partition} of topic '${topic}' ends at ${latest}, but it was read up to ${offset}: records were lost`;
    return assignments.stop(state, { reason: 'LogTruncated', partition, message });
  }
  assignments.stop(state, { reason: 'OffsetOutOfRange', partition, offset, earliest, latest });
}
