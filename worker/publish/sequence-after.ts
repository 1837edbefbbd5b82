// What partitions look like after a publication or a recut: the values the transactions of sequence-protocol.ts write.
// Pure. Source: protocol.md 4.5 and 6.

import type { PartitionState, SequenceState } from '../../core/metadata/values.ts';
import type { At, GroupSnapshot } from './group-state.ts';

/** Moves whose hand-over point came from a sequence that is abandoned: new epochs, the point removed. */
export function takenBack(
  snapshot: GroupSnapshot,
  group: string,
): readonly { partition: string; key: string; state: PartitionState }[] {
  const abandoned = new Set(snapshot.unfinished.map((s) => s.value.n));
  return [...snapshot.partitions].flatMap(([partition, { key, value }]) => {
    const { next } = value;
    if (value.group !== group || next?.from === undefined || !abandoned.has(next.by ?? -1))
      return [];
    const epoch = next.epoch + 1;
    const state: PartitionState = {
      ...value,
      epoch,
      next: { group: next.group, epoch: epoch + 1 },
    };
    return [{ partition: String(partition), key, state }];
  });
}

/** The partition's value after the publication; undefined when it is not at the sequence's start. */
export function publishable(
  snapshot: GroupSnapshot,
  sequence: SequenceState,
  partition: string,
  group: string,
): At<PartitionState> | undefined {
  const entry = snapshot.partitions.get(Number(partition));
  const start = sequence.start[partition];
  const end = sequence.end?.[partition];
  if (entry === undefined || start === undefined || end === undefined) return undefined;
  const { value } = entry;
  if (value.group !== group || value.epoch !== start.epoch || value.offset !== start.offset)
    return undefined;
  const { next, ...rest } = value;
  const isMoving = next?.by === sequence.n;
  const owner = isMoving
    ? { group: next.group, epoch: next.epoch }
    : { group: value.group, epoch: value.epoch };
  const after: PartitionState = {
    ...rest,
    ...end,
    ...owner,
    ...(next === undefined || isMoving ? {} : { next }),
  };
  return { key: entry.key, modRevision: entry.modRevision, value: after };
}
