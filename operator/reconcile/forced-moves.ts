// Partitions of a group whose worker is gone for good, or for long, go to another at once: no sequence of the old group
// could say where it hands them over. What it read and did not publish is read again from the committed offset.
// Source: protocol.md 3 "Forced", 4.5; history 16.

import { CODECS } from '../../core/metadata/codecs.ts';
import { dataSourceKeys, type IngestionKeys, parseKey } from '../../core/metadata/keys.ts';
import type { MetadataStore, Versioned } from '../../core/metadata/port.ts';
import type { PartitionState, SequenceState } from '../../core/metadata/values.ts';

/** Below the 128 of a transaction, with room for a few sequences; what is more waits for the next pass. */
const MOVES_MAX = 100;

/** A partition as it is stored. */
export interface StoredPartition {
  readonly entry: Versioned;
  readonly state: PartitionState;
}

/** What the plan says about it. */
export interface TakeoverPlan {
  readonly dead: ReadonlySet<string>;
  /** Groups of the plan. A dead one that is not among them is not coming back: its sequences end here. */
  readonly wanted: ReadonlySet<string>;
  /** The planned group of a stored partition. */
  readonly groupOf: (stored: StoredPartition) => string | undefined;
  readonly dataSource: string;
}

/**
 * Moves what dead groups own to where the plan has it, a group in one transaction. One whose worker came back meanwhile
 * keeps its partitions, as does one of which somebody else wrote a partition: the next pass decides anew.
 *
 * @returns how many partitions were moved
 */
export async function takeOver(
  store: MetadataStore,
  keys: IngestionKeys,
  stored: readonly StoredPartition[],
  plan: TakeoverPlan,
): Promise<number> {
  let taken = 0;
  for (const dead of plan.dead) {
    const owned = stored.flatMap((one) => {
      const group = plan.groupOf(one);
      const isOurs = one.state.group === dead && group !== undefined && group !== dead;
      return isOurs ? [{ entry: one.entry, after: takenOver(one.state, group) }] : [];
    });
    const moves = owned.slice(0, MOVES_MAX);
    if (moves.length === 0) continue;
    const unfinished = plan.wanted.has(dead) ? [] : await unfinishedOf(store, keys, dead);
    const { pending } = dataSourceKeys(plan.dataSource);
    const { committed } = await store.transact({
      compare: [
        { emptyPrefix: keys.ownersOf(dead) },
        ...[...moves, ...unfinished].map(({ entry: { key, modRevision } }) => ({
          key,
          modRevision,
        })),
      ],
      writes: [
        ...moves.map(({ entry, after }) => ({
          put: entry.key,
          value: CODECS.partition.encode(after),
        })),
        ...unfinished.flatMap(({ entry, sequence }) => [
          { put: entry.key, value: CODECS.sequence.encode({ ...sequence, state: 'abandoned' }) },
          { delete: pending(sequence.id) },
        ]),
      ],
    });
    if (committed) taken += moves.length;
  }
  return taken;
}

async function unfinishedOf(
  store: MetadataStore,
  keys: IngestionKeys,
  group: string,
): Promise<readonly { readonly entry: Versioned; readonly sequence: SequenceState }[]> {
  return (await store.list(keys.sequencesOf(group))).entries
    .filter(({ key }) => parseKey(key).type === 'sequence')
    .map((entry) => ({ entry, sequence: CODECS.sequence.decode(entry.value, entry.key) }))
    .filter(({ sequence: { state } }) => state !== 'published' && state !== 'abandoned');
}

/** Committed offset and watermark stay. The new epoch is above every one that the key has seen: both sides begin anew. */
function takenOver({ next, ...state }: PartitionState, group: string): PartitionState {
  return { ...state, group, epoch: Math.max(state.epoch, next?.epoch ?? 0) + 1 };
}
