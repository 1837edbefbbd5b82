// The state of one ingestion in etcd as the operator makes it: identity, partition keys with their start, the
// assignment, moves. Each step reads, decides purely and writes by compare; running it again changes nothing.
// Source: protocol.md 2 and 3. Invariant I1: a partition key exists, with its start, before any worker may read.

import { createHash } from 'node:crypto';
import { CODECS } from '../../core/metadata/codecs.ts';
import {
  dataSourceKeys,
  type IngestionRef,
  ingestionKeys,
  type IngestionKeys,
  parseKey,
} from '../../core/metadata/keys.ts';
import type { MetadataStore, Versioned, Write } from '../../core/metadata/port.ts';
import type { Assignment, PartitionState } from '../../core/metadata/values.ts';
import type { CompiledIngestion } from '../../core/spec/compiled.ts';
import { groupNames, planAssignment, targetGroup } from '../plan/assignment-plan.ts';
import type { StreamInspector } from './cluster.ts';
import type { DeadGroups } from './dead-groups.ts';
import { type StoredPartition, takeOver } from './forced-moves.ts';

/** Keys written in one transaction, below etcd's limit of operations. */
const BATCH = 100;

/** Result of one pass. */
export interface PreparedIngestion {
  readonly ref: IngestionRef;
  readonly topic: string;
  readonly groups: Assignment['groups'];
  /** Groups that own partitions, or will once a move under way ends: they may read them already. */
  readonly held: ReadonlySet<string>;
  /** Partitions that were taken from groups without a worker. */
  readonly taken: number;
}

/** The data source belongs to another namespace: condition `Conflicts`. */
export interface Conflict {
  readonly conflict: string;
}

/** Part of a partition key's name: the topic, or `file` for file sources. */
export function topicOf(ingestion: CompiledIngestion): string {
  return ingestion.source.type === 'kafka' ? ingestion.source.topic : 'file';
}

/**
 * The identity of an ingestion's state: the same name and the same stream continue it (deletionPolicy Retain); a
 * re-created topic, or another cluster, makes a new one (history 26, 14).
 */
export function stateUid(namespace: string, name: string, identity: string): string {
  return createHash('sha256')
    .update(`${namespace}\n${name}\n${identity}`)
    .digest('hex')
    .slice(0, 16);
}

/** Brings the stored state of an ingestion to what the resource and the stream say. */
export async function prepareIngestion(
  store: MetadataStore,
  ingestion: CompiledIngestion,
  stream: StreamInspector,
  deaths: DeadGroups,
  signal: AbortSignal,
): Promise<PreparedIngestion | Conflict> {
  // Side by side: with many ingestions a pass is mostly waiting.
  const [owner, identity] = await Promise.all([
    claimDataSource(store, ingestion),
    stream.identity(signal),
  ]);
  if (owner !== ingestion.namespace) {
    return {
      conflict: `spec.dataSource: value "${ingestion.dataSource}" belongs to namespace ${owner}; choose another name`,
    };
  }
  const ref: IngestionRef = {
    namespace: ingestion.namespace,
    name: ingestion.name,
    uid: stateUid(ingestion.namespace, ingestion.name, identity.id),
  };
  const keys = ingestionKeys(ref);
  const topic = topicOf(ingestion);
  for (;;) {
    const [stored, entry, owners] = await Promise.all([
      readPartitions(store, keys),
      store.get(keys.assignment),
      store.list(keys.owners),
    ]);
    const current = new Map([...stored].map(([p, { state }]) => [p, targetGroup(state)]));
    const wanted = groupNames(ingestion.workers.count, identity.partitions.length);
    const state = { stored, wanted, owners: owners.entries };
    const dead = deadGroups(deaths, ingestion, state);
    const groups = planAssignment(identity.partitions, ingestion.workers.count, current, dead);
    const fresh = identity.partitions.filter((p) => !stored.has(p));
    // Partitions that appear later start at the earliest offset: nothing is skipped.
    const start =
      stored.size === 0 && ingestion.source.type === 'kafka'
        ? ingestion.source.start
        : { from: 'Earliest' as const };
    const offsets =
      fresh.length === 0 ? new Map<number, number>() : await stream.resolve(fresh, start, signal);
    const isDone = await writeState(store, keys, {
      topic,
      topicId: identity.id,
      groups,
      stored,
      dead,
      fresh,
      offsets,
      entry,
    });
    if (!isDone) continue;
    const groupOf = groupsByPartition(groups);
    const taken = await takeOver(store, keys, [...stored.values()], {
      dead,
      wanted: new Set(wanted),
      dataSource: ingestion.dataSource,
      groupOf: ({ entry: { key } }) => groupOf.get(partitionOf(key)),
    });
    return { ref, topic, groups, held: heldBy(stored, groups), taken };
  }
}

/** Of the groups that have partitions or are wanted, those without a worker for long. */
function deadGroups(
  deaths: DeadGroups,
  { namespace, name, workers, suspend }: CompiledIngestion,
  state: {
    readonly stored: ReadonlyMap<number, StoredPartition>;
    readonly wanted: readonly string[];
    readonly owners: readonly Versioned[];
  },
): ReadonlySet<string> {
  const key = `${namespace}/${name}`;
  if (suspend) {
    deaths.forget(key);
    return new Set();
  }
  const groups = new Set(state.wanted);
  for (const { state: one } of state.stored.values()) groups.add(one.group).add(targetGroup(one));
  const alive = new Set<string>();
  for (const entry of state.owners) {
    const owner = parseKey(entry.key);
    if (owner.type === 'owner') alive.add(owner.group);
  }
  return deaths.observe(key, groups, alive, workers.takeoverMs);
}

function heldBy(
  stored: ReadonlyMap<number, StoredPartition>,
  groups: Assignment['groups'],
): ReadonlySet<string> {
  const held = [...stored.values()].flatMap(({ state: { group, next } }) =>
    next === undefined ? [group] : [group, next.group],
  );
  const wanted = Object.entries(groups).filter(([, partitions]) => partitions.length > 0);
  return new Set([...held, ...wanted.map(([group]) => group)]);
}

async function readPartitions(
  store: MetadataStore,
  keys: IngestionKeys,
): Promise<ReadonlyMap<number, StoredPartition>> {
  const { entries } = await store.list(keys.partitions);
  return new Map(
    entries.map((entry) => [
      partitionOf(entry.key),
      { entry, state: CODECS.partition.decode(entry.value, entry.key) },
    ]),
  );
}

function partitionOf(key: string): number {
  return Number(key.slice(key.lastIndexOf('/') + 1));
}

function groupsByPartition(groups: Assignment['groups']): ReadonlyMap<number, string> {
  return new Map(
    Object.entries(groups).flatMap(([group, list]) => list.map((p) => [p, group] as const)),
  );
}

/** Namespace that owns the data source: the first to use it. */
async function claimDataSource(
  store: MetadataStore,
  ingestion: CompiledIngestion,
): Promise<string> {
  const key = dataSourceKeys(ingestion.dataSource).allocation;
  for (;;) {
    const entry = await store.get(key);
    if (entry !== undefined) return CODECS.allocation.decode(entry.value, key).owner;
    const value = CODECS.allocation.encode({ lastVersion: '', owner: ingestion.namespace });
    await store.transact({ compare: [{ key, modRevision: 0 }], writes: [{ put: key, value }] });
  }
}

interface Change {
  readonly topic: string;
  readonly topicId: string;
  readonly groups: Assignment['groups'];
  readonly stored: ReadonlyMap<number, StoredPartition>;
  /** Their partitions are taken by force, afterwards. */
  readonly dead: ReadonlySet<string>;
  readonly fresh: readonly number[];
  readonly offsets: ReadonlyMap<number, number>;
  /** The stored assignment. */
  readonly entry: Versioned | undefined;
}

/** Writes new partitions, moves and the assignment. False when somebody else wrote: read again. */
async function writeState(
  store: MetadataStore,
  keys: IngestionKeys,
  change: Change,
): Promise<boolean> {
  const groupOf = groupsByPartition(change.groups);
  for (let i = 0; i < change.fresh.length; i += BATCH) {
    const batch = change.fresh.slice(i, i + BATCH);
    const result = await store.transact({
      compare: batch.map((p) => ({ key: keys.partition(change.topic, p), modRevision: 0 })),
      writes: batch.map((p): Write => ({
        put: keys.partition(change.topic, p),
        value: CODECS.partition.encode(freshPartition(change, groupOf.get(p) ?? 'g0', p)),
      })),
    });
    if (!result.committed) return false;
  }
  const { entry } = change;
  const old =
    entry === undefined ? undefined : CODECS.assignment.decode(entry.value, keys.assignment);
  const moves = [...change.stored].filter(
    ([p, { state }]) =>
      groupOf.has(p) &&
      targetGroup(state) !== groupOf.get(p) &&
      state.next === undefined &&
      !change.dead.has(state.group),
  );
  if (
    moves.length === 0 &&
    old !== undefined &&
    JSON.stringify(old.groups) === JSON.stringify(change.groups)
  )
    return true;
  const batch = moves.slice(0, BATCH);
  const assignment: Assignment = {
    groups: change.groups,
    planRevision: (old?.planRevision ?? 0) + 1,
  };
  const result = await store.transact({
    compare: [
      { key: keys.assignment, modRevision: entry?.modRevision ?? 0 },
      ...batch.map(([, { entry: e }]) => ({ key: e.key, modRevision: e.modRevision })),
    ],
    writes: [
      { put: keys.assignment, value: CODECS.assignment.encode(assignment) },
      // Group and epoch change only in the publication that ends the partition's stay (history 2).
      ...batch.map(([p, { entry: e, state }]): Write => ({
        put: e.key,
        value: CODECS.partition.encode({
          ...state,
          next: { group: groupOf.get(p) ?? state.group, epoch: state.epoch + 1 },
        }),
      })),
    ],
  });
  return result.committed && moves.length <= BATCH;
}

function freshPartition(change: Change, group: string, partition: number): PartitionState {
  return {
    topicId: change.topicId,
    offset: change.offsets.get(partition) ?? 0,
    watermarkMs: null,
    leaderEpoch: -1,
    group,
    epoch: 1,
    skipped: [],
  };
}
