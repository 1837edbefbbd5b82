// What the metadata store says about one group, read whole and decoded: assignment, partitions, group key,
// sequences, schemas. Fed by one list of the ingestion's prefix; used by every transaction of the protocol, whose
// compares carry the revisions read here (protocol.md 2).

import { CODECS } from '../../core/metadata/codecs.ts';
import { type IngestionKeys, parseKey } from '../../core/metadata/keys.ts';
import type { MetadataStore, Versioned } from '../../core/metadata/port.ts';
import type {
  Assignment,
  GroupState,
  PartitionState,
  SequenceState,
} from '../../core/metadata/values.ts';
import type { CompiledSchema } from '../../core/spec/compiled.ts';

/** A decoded value and the revision that compares use. */
export interface At<T> {
  readonly key: string;
  readonly modRevision: number;
  readonly value: T;
}

/** One snapshot, all at one revision. */
export interface GroupSnapshot {
  readonly revision: number;
  readonly assignment: At<Assignment> | undefined;
  /** Every partition of the ingestion, by number. */
  readonly partitions: ReadonlyMap<number, At<PartitionState>>;
  readonly group: At<GroupState> | undefined;
  /** Sequences of the group that are open, closing or closed, ascending by number. */
  readonly unfinished: readonly At<SequenceState>[];
  readonly schemas: ReadonlyMap<number, At<CompiledSchema>>;
}

/** Reads the snapshot of `group`. */
export async function readGroup(
  store: MetadataStore,
  keys: IngestionKeys,
  group: string,
): Promise<GroupSnapshot> {
  const { entries, revision } = await store.list(keys.all);
  let assignment: At<Assignment> | undefined;
  let groupState: At<GroupState> | undefined;
  const partitions = new Map<number, At<PartitionState>>();
  const schemas = new Map<number, At<CompiledSchema>>();
  const unfinished: At<SequenceState>[] = [];
  for (const entry of entries) {
    const key = parseKey(entry.key);
    if (key.type === 'assignment')
      assignment = at(entry, CODECS.assignment.decode(entry.value, entry.key));
    else if (key.type === 'partition')
      partitions.set(key.partition, at(entry, CODECS.partition.decode(entry.value, entry.key)));
    else if (key.type === 'schema')
      schemas.set(key.revision, at(entry, CODECS.schema.decode(entry.value, entry.key)));
    else if (key.type === 'group' && key.group === group)
      groupState = at(entry, CODECS.group.decode(entry.value, entry.key));
    else if (key.type === 'sequence' && key.group === group) {
      const sequence = at(entry, CODECS.sequence.decode(entry.value, entry.key));
      if (isUnfinished(sequence.value)) unfinished.push(sequence);
    }
  }
  unfinished.sort((a, b) => a.value.n - b.value.n);
  return { revision, assignment, partitions, group: groupState, unfinished, schemas };
}

/** True while the sequence's rows are in no publication and it was not abandoned. */
export function isUnfinished(sequence: SequenceState): boolean {
  return sequence.state === 'open' || sequence.state === 'closing' || sequence.state === 'closed';
}

/**
 * Partitions the group has to read: its own, and those whose move to it has been cut. One that is to leave stays until a
 * sequence of the group has said where it is handed over, also when no sequence read it when the move was planned.
 * Ascending.
 */
export function ownedPartitions(snapshot: GroupSnapshot, group: string): readonly number[] {
  const owned: number[] = [];
  for (const [partition, { value }] of snapshot.partitions) {
    const isOurs = value.group === group && value.next?.from === undefined;
    const isComing = value.next?.group === group && value.next.from !== undefined;
    if (isOurs || isComing) owned.push(partition);
  }
  return owned.toSorted((a, b) => a - b);
}

function at<T>(entry: Versioned, value: T): At<T> {
  return { key: entry.key, modRevision: entry.modRevision, value };
}
