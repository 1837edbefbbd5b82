// Jumping over offsets that are gone, allowed by `offsetOutOfRange`: a new offset and epoch, and a record of the range.
// Only between sequences: an open one that has read nothing is recut afterwards because its epoch is old.
// Source: protocol.md 3 "Reset".

import { CODECS } from '../../core/metadata/codecs.ts';
import type { MetadataStore } from '../../core/metadata/port.ts';
import type { PartitionState } from '../../core/metadata/values.ts';
import type { Clock } from '../../core/runtime/clock.ts';
import type { Ownership } from './ownership.ts';
import type { SequenceProtocol } from './sequence-protocol.ts';

/** A jump. */
export interface OffsetReset {
  readonly partition: number;
  readonly to: number;
  readonly reason: string;
}

/** Writes the jump; a partition that changed meanwhile is left alone, and the caller meets the same gap again. */
export async function resetOffset(
  parts: {
    store: MetadataStore;
    owner: Ownership;
    protocol: SequenceProtocol;
    clock: Clock;
    group: string;
  },
  reset: OffsetReset,
): Promise<void> {
  const snapshot = await parts.protocol.read();
  const entry = snapshot.partitions.get(reset.partition);
  if (entry === undefined || entry.value.group !== parts.group) return;
  const { offset, epoch, skipped } = entry.value;
  const range = { from: offset, to: reset.to, reason: reset.reason, atMs: parts.clock.nowMs() };
  const value: PartitionState = {
    ...entry.value,
    offset: reset.to,
    epoch: epoch + 1,
    leaderEpoch: -1,
    skipped: [...skipped, range],
  };
  await parts.store.transact({
    compare: [parts.owner.compare(), { key: entry.key, modRevision: entry.modRevision }],
    writes: [{ put: entry.key, value: CODECS.partition.encode(value) }],
  });
}
