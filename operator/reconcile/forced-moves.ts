// Partitions of a group whose worker is gone for good, or for long, go to another at once: no sequence of the old group
// could say where it hands them over. What it read and did not publish is read again from the committed offset.
// Source: protocol.md 3 "Forced", 4.5; history 16.
//
// However many there are, they go in as many transactions as they need. What must be one transaction, and why:
// - a partition's new group and its new epoch (I1): an epoch fences every sequence that holds the partition, whole, so
//   partitions need not go together;
// - a sequence's end and that of its pending ids, which nobody would find later;
// - nobody's ownership with each of them: a worker that came back stops the rest, and begins anew from what it finds;
// - a partition that is not taken yet and the end of the sequence that cut its hand-over: a worker that came back would
//   find a point that nobody publishes, and no sequence to take back.
// The last partition goes last, with the sequence that cut it. Until then the group is seen to be dead, by another
// operator too, and the rest is done then.

import { CODECS } from '../../core/metadata/codecs.ts';
import { dataSourceKeys, type IngestionKeys, parseKey } from '../../core/metadata/keys.ts';
import {
  MAX_TRANSACTION_OPERATIONS,
  type MetadataStore,
  type Versioned,
  type Write,
} from '../../core/metadata/port.ts';
import type { PartitionState, SequenceState } from '../../core/metadata/values.ts';

/** Of all values of a transaction; etcd takes 1,536 KiB of it in all. */
const TRANSACTION_BYTES_MAX = 1_000_000;

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

/** What is written together, and only if `entries` are as they were read. */
interface Step {
  readonly entries: readonly Versioned[];
  readonly writes: readonly Write[];
  /** Partitions that it moves. */
  readonly moved: number;
}

/**
 * Moves what dead groups own to where the plan has it, in as few transactions as hold it. A group whose worker came back
 * meanwhile keeps what it has still got, as does one of which somebody else wrote a key: the next pass decides anew.
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
    for (const { entries, writes, moved } of packed(
      await stepsOf(store, keys, stored, plan, dead),
    )) {
      const { committed } = await store.transact({
        compare: [
          { emptyPrefix: keys.ownersOf(dead) },
          ...entries.map(({ key, modRevision }) => ({ key, modRevision })),
        ],
        writes,
      });
      if (!committed) break;
      taken += moved;
    }
  }
  return taken;
}

/** In their order; see above. */
async function stepsOf(
  store: MetadataStore,
  keys: IngestionKeys,
  stored: readonly StoredPartition[],
  plan: TakeoverPlan,
  dead: string,
): Promise<readonly Step[]> {
  const owned = stored.filter(({ state }) => state.group === dead);
  const leaving = owned.filter((one) => ![undefined, dead].includes(plan.groupOf(one)));
  const last = leaving.at(-1);
  if (last === undefined) return [];
  const isLeft = leaving.length === owned.length && !plan.wanted.has(dead);
  const unfinished = isLeft ? await unfinishedOf(store, keys, dead) : [];
  const cutting = unfinished.filter(({ sequence: { n } }) => n === last.state.next?.by);
  const { pending } = dataSourceKeys(plan.dataSource);
  const move = ({ entry, state }: StoredPartition, group: string): Step => ({
    entries: [entry],
    writes: [{ put: entry.key, value: CODECS.partition.encode(takenOver(state, group)) }],
    moved: 1,
  });
  const abandonment = ({ entry, sequence }: Unfinished): Step => ({
    entries: [entry],
    writes: [
      { put: entry.key, value: CODECS.sequence.encode({ ...sequence, state: 'abandoned' }) },
      { delete: pending(sequence.id) },
    ],
    moved: 0,
  });
  const moves = leaving.map((one) => move(one, plan.groupOf(one) ?? dead));
  return [
    ...moves.slice(0, -1),
    ...unfinished.filter((one) => !cutting.includes(one)).map(abandonment),
    merged([...cutting.map(abandonment), ...moves.slice(-1)]),
  ];
}

/** As many steps in one as a transaction takes, beside the compare of the owners. */
function packed(steps: readonly Step[]): readonly Step[] {
  const full: Step[] = [];
  let open: Step[] = [];
  for (const step of steps) {
    const { entries, writes } = merged([...open, step]);
    const isTooMuch =
      Math.max(entries.length + 1, writes.length) > MAX_TRANSACTION_OPERATIONS ||
      bytesOf(writes) > TRANSACTION_BYTES_MAX;
    if (isTooMuch && open.length > 0) {
      full.push(merged(open));
      open = [];
    }
    open.push(step);
  }
  return open.length === 0 ? full : [...full, merged(open)];
}

function bytesOf(writes: readonly Write[]): number {
  return writes.reduce((sum, one) => sum + ('put' in one ? one.value.length : 0), 0);
}

function merged(steps: readonly Step[]): Step {
  return {
    entries: steps.flatMap(({ entries }) => entries),
    writes: steps.flatMap(({ writes }) => writes),
    moved: steps.reduce((sum, { moved }) => sum + moved, 0),
  };
}

interface Unfinished {
  readonly entry: Versioned;
  readonly sequence: SequenceState;
}

async function unfinishedOf(
  store: MetadataStore,
  keys: IngestionKeys,
  group: string,
): Promise<readonly Unfinished[]> {
  return (await store.list(keys.sequencesOf(group))).entries
    .filter(({ key }) => parseKey(key).type === 'sequence')
    .map((entry) => ({ entry, sequence: CODECS.sequence.decode(entry.value, entry.key) }))
    .filter(({ sequence: { state } }) => state !== 'published' && state !== 'abandoned');
}

/** Committed offset and watermark stay. The new epoch is above every one that the key has seen: both sides begin anew. */
function takenOver({ next, ...state }: PartitionState, group: string): PartitionState {
  return { ...state, group, epoch: Math.max(state.epoch, next?.epoch ?? 0) + 1 };
}
