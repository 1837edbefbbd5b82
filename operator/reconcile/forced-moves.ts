// Partitions of a group whose worker is gone for good, or for long, go to another at once: no sequence of the old group
// could say where it hands them over. What it read and did not publish is read again from the committed offset.
// Source: protocol.md 3 "Forced", 4.5; history 16.

import { CODECS } from '../../core/metadata/codecs.ts';
import type { IngestionKeys } from '../../core/metadata/keys.ts';
import type { MetadataStore, Versioned } from '../../core/metadata/port.ts';
import type { PartitionState } from '../../core/metadata/values.ts';

/** Below etcd's limit of operations, with the compare of the owners. */
const BATCH = 100;

/** A partition as it is stored. */
export interface StoredPartition {
  readonly entry: Versioned;
  readonly state: PartitionState;
}

/**
 * Moves what dead groups own to where the plan has it. A group whose worker came back meanwhile keeps its partitions, as
 * does a partition that somebody else wrote: the next pass decides anew.
 *
 * @returns how many partitions were moved
 */
export async function takeOver(
  store: MetadataStore,
  keys: IngestionKeys,
  stored: readonly StoredPartition[],
  plan: {
    readonly dead: ReadonlySet<string>;
    /** The planned group of a stored partition. */
    readonly groupOf: (stored: StoredPartition) => string | undefined;
  },
): Promise<number> {
  let taken = 0;
  for (const dead of plan.dead) {
    const moves = stored.flatMap((one) => {
      const group = plan.groupOf(one);
      const isOurs = one.state.group === dead && group !== undefined && group !== dead;
      return isOurs ? [{ entry: one.entry, after: takenOver(one.state, group) }] : [];
    });
    for (let i = 0; i < moves.length; i += BATCH) {
      const batch = moves.slice(i, i + BATCH);
      const { committed } = await store.transact({
        compare: [
          { emptyPrefix: keys.ownersOf(dead) },
          ...batch.map(({ entry }) => ({ key: entry.key, modRevision: entry.modRevision })),
        ],
        writes: batch.map(({ entry, after }) => ({
          put: entry.key,
          value: CODECS.partition.encode(after),
        })),
      });
      if (committed) taken += batch.length;
    }
  }
  return taken;
}

/** Committed offset and watermark stay. The new epoch is above every one that the key has seen: both sides begin anew. */
function takenOver({ next, ...state }: PartitionState, group: string): PartitionState {
  return { ...state, group, epoch: Math.max(state.epoch, next?.epoch ?? 0) + 1 };
}
