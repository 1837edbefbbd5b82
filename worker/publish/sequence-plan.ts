// Pure decisions of the publish protocol: where a sequence starts, whether its start still holds, what to do when a
// publication was refused. No I/O and no clock, so that the histories of protocol.md 8 are tested as data.

import type {
  ByPartition,
  PartitionState,
  Position,
  SequenceState,
  StartPosition,
} from '../../core/metadata/values.ts';
import type { GroupSnapshot } from './group-state.ts';
import { ownedPartitions } from './group-state.ts';

/** At most this many unpublished sequences a group (protocol.md 4). */
export const UNPUBLISHED_MAX = 3;

/**
 * Start of the sequence that follows all unfinished ones: per owned partition the end of the last unfinished
 * sequence that read it, else where a cut move hands it over, else the committed position.
 * Invariant I1: start(n+1) = end(n).
 */
export function nextStart(snapshot: GroupSnapshot, group: string): ByPartition<StartPosition> {
  const start: Record<string, StartPosition> = {};
  for (const partition of ownedPartitions(snapshot, group)) {
    const state = snapshot.partitions.get(partition)?.value;
    if (state === undefined) continue;
    start[String(partition)] =
      chainEnd(
        snapshot.unfinished.map((s) => s.value),
        partition,
      ) ?? committedStart(state, group);
  }
  return start;
}

function chainEnd(
  unfinished: readonly SequenceState[],
  partition: number,
): StartPosition | undefined {
  for (const sequence of unfinished.toReversed()) {
    const from = sequence.start[String(partition)];
    const end = sequence.end?.[String(partition)];
    if (from !== undefined && end !== undefined) return { ...end, epoch: from.epoch };
  }
  return undefined;
}

/** The committed position, or the hand-over point of a move to `group`. */
export function committedStart(state: PartitionState, group: string): StartPosition {
  if (state.next?.group === group && state.next.from !== undefined) {
    return { ...state.next.from, epoch: state.next.epoch };
  }
  return {
    offset: state.offset,
    watermarkMs: state.watermarkMs,
    leaderEpoch: state.leaderEpoch,
    epoch: state.epoch,
  };
}

/** Why the group's unfinished sequences cannot be published as they are. */
export type RecutReason = 'EpochChanged' | 'ChainBroken' | 'PartitionGone';

/**
 * Whether the unfinished sequences still hang together with what is committed (protocol.md 4.5): every start epoch is
 * the partition's (with group = us) or that of a cut move to us, and a chain leads from the committed offset to the
 * first start. Undefined when all is well.
 */
export function recutReason(snapshot: GroupSnapshot, group: string): RecutReason | undefined {
  const expected = new Map<string, number>();
  for (const { value: sequence } of snapshot.unfinished) {
    for (const [partition, start] of Object.entries(sequence.start)) {
      const state = snapshot.partitions.get(Number(partition))?.value;
      if (state === undefined) return 'PartitionGone';
      const isOurs = state.group === group && state.epoch === start.epoch;
      const isComing =
        state.next?.group === group &&
        state.next.from !== undefined &&
        state.next.epoch === start.epoch;
      if (!isOurs && !isComing) return 'EpochChanged';
      const from = expected.get(partition) ?? (isOurs ? state.offset : state.next?.from?.offset);
      if (from !== start.offset) return 'ChainBroken';
      const end = sequence.end?.[partition];
      if (end !== undefined) expected.set(partition, end.offset);
    }
  }
  return undefined;
}

/** What a worker does after its publication was refused (protocol.md 6 "Failure"). */
export type AfterRefusal = 'published' | 'reacquire' | 'recut' | 'wait' | 'gone';

/** Decides from fresh reads of the sequence and the group. `isOwner` = our owner key is as we wrote it. */
export function afterRefusal(
  sequence: SequenceState | undefined,
  snapshot: GroupSnapshot,
  group: string,
  isOwner: boolean,
): AfterRefusal {
  if (sequence === undefined) return 'gone';
  if (sequence.state === 'published') return 'published';
  if (sequence.state === 'abandoned') return 'gone';
  if (!isOwner) return 'reacquire';
  if (recutReason(snapshot, group) !== undefined) return 'recut';
  // The chain is whole but not at us yet: an earlier sequence is still to be published.
  return 'wait';
}

/** True when positions have reached the end in every partition of it. */
export function hasReached(positions: ByPartition<Position>, end: ByPartition<Position>): boolean {
  return Object.entries(end).every(
    ([partition, { offset }]) => (positions[partition]?.offset ?? -1) >= offset,
  );
}

/** True when nothing was read between start and end. */
export function isEmptyRange(start: ByPartition<Position>, end: ByPartition<Position>): boolean {
  return Object.entries(end).every(
    ([partition, { offset }]) => start[partition]?.offset === offset,
  );
}
