// Finds the leader of each partition that has none, and makes sure that the log there is the one that was read:
// same topic id, and not truncated below our offset (protocol.md 7 "Topic identity").

import type { KafkaCluster } from '../../../core/kafka/cluster.ts';
import type { ClusterMetadata } from '../../../core/kafka/requests.ts';
import type { Clock } from '../../../core/runtime/clock.ts';
import { isFailure } from '../../../core/runtime/failure.ts';
import type { Logger } from '../../../core/runtime/log.ts';
import { backoffMs } from '../../../core/runtime/retry.ts';
import type { SourceStop } from '../port.ts';
import type { Assignments, PartitionState } from './partition-state.ts';

// A broker that has just started, or that has not yet heard of a new topic, calls it unknown for a moment.
const MISSING_AFTER_MS = 5000;
const IDLE_MS = 1000;
const PAUSE = { attempts: Infinity, delayMs: 50, delayMaxMs: 1000 };

/** What placing needs. */
export interface PlacementContext {
  readonly cluster: KafkaCluster;
  readonly topic: string;
  /** The id of the topic that is read, learned once. */
  readonly topicId: { value: string };
  readonly assignments: Assignments;
  readonly clock: Clock;
  readonly log: Logger;
  readonly closed: AbortSignal;
  /** Called when a partition can be read at a leader. */
  readonly onPlaced: (leader: string) => void;
}

/** Places partitions until the source closes. */
export async function runPlacement(context: PlacementContext): Promise<void> {
  const { assignments, clock, closed } = context;
  for (let failures = 0; !closed.aborted;) {
    const now = clock.monotonicMs();
    const due = [...assignments.states.values()].filter((state) => state.phase === 'placing');
    const ready = due.filter((state) => state.notBeforeMs <= now);
    if (ready.length === 0) {
      const soonest = Math.min(...due.map((state) => state.notBeforeMs - now), IDLE_MS);
      await assignments.changed(Math.max(1, soonest), closed);
      continue;
    }
    try {
      await placeAll(context, ready);
      failures = 0;
    } catch (error) {
      if (closed.aborted) return;
      context.log.warn('cannot find the leaders of a topic', { topic: context.topic, error });
      await clock.sleep(backoffMs(PAUSE, ++failures), closed);
    }
  }
}

async function placeAll(
  context: PlacementContext,
  states: readonly PartitionState[],
): Promise<void> {
  const { assignments, topic, topicId } = context;
  let metadata: ClusterMetadata;
  try {
    metadata = await context.cluster.metadata(topic, context.closed);
  } catch (error) {
    if (!isFailure(error) || error.code !== 'TopicMissing') throw error;
    for (const state of states) missing(context, state, error.message);
    return;
  }
  if (topicId.value === '') topicId.value = metadata.topic.id;
  if (topicId.value !== metadata.topic.id) {
    const message = `topic '${topic}' was deleted and created again: its id was ${topicId.value}, now it is ${metadata.topic.id}; reset the offsets to read the new one`;
    for (const state of assignments.states.values())
      assignments.stop(state, { reason: 'TopicRecreated', partition: state.partition, message });
    return;
  }
  // One at a time: a check is one small request, and only needed after a change of leader.
  for (const state of states) await placeOne(context, state, metadata);
}

async function placeOne(
  context: PlacementContext,
  state: PartitionState,
  metadata: ClusterMetadata,
): Promise<void> {
  const { assignments, topic } = context;
  const found = metadata.topic.partitions.find(
    (candidate) => candidate.partition === state.partition,
  );
  if (found === undefined)
    return missing(context, state, `topic '${topic}' has no partition ${state.partition}`);
  state.missingSinceMs = undefined;
  const leader = metadata.brokers.get(found.leader);
  if (leader === undefined) return assignments.replace(state, PAUSE.delayMaxMs / 4);
  if (state.needsCheck) {
    const stop = await truncation(context, state);
    if (stop !== undefined) return assignments.stop(state, stop);
  }
  if (!assignments.isCurrent(state) || state.phase !== 'placing') return;
  state.needsCheck = false;
  state.leader = leader;
  state.leaderEpoch = found.leaderEpoch;
  state.phase = 'reading';
  context.onPlaced(leader);
}

/** The stop when the leader's log ends, for the epoch we read last, below our offset. */
async function truncation(
  context: PlacementContext,
  state: PartitionState,
): Promise<SourceStop | undefined> {
  const { topic, closed } = context;
  const end = await context.cluster.epochEnd(topic, state.partition, state.epoch, closed);
  // -1: the leader has no history of epochs that old; retention has passed it, which is no contradiction.
  if (end.endOffset < 0 || end.endOffset >= state.offset) return undefined;
  const message = `partition ${state.partition} of topic '${topic}' lost records: leader epoch ${state.epoch} now ends at ${end.endOffset}, but it was read up to ${state.offset}`;
  return { reason: 'LogTruncated', partition: state.partition, message };
}

function missing(context: PlacementContext, state: PartitionState, message: string): void {
  const now = context.clock.monotonicMs();
  state.missingSinceMs ??= now;
  if (now - state.missingSinceMs < MISSING_AFTER_MS)
    return context.assignments.replace(state, PAUSE.delayMaxMs / 4);
  context.assignments.stop(state, { reason: 'TopicMissing', partition: state.partition, message });
}
