// The transactions that move a sequence through its life: open, cut, publish, recut. Each is one etcd transaction
// whose compares carry the revisions of a snapshot that the code has checked. Invariants I1, I4.
// Source: protocol.md 4 and 6; the lone-replica forms (open -> closed in one step).

import { CODECS } from '../../core/metadata/codecs.ts';
import {
  dataSourceKeys,
  type DataSourceKeys,
  type IngestionKeys,
  type IngestionRef,
  ingestionKeys,
  sequenceId,
} from '../../core/metadata/keys.ts';
import type { Compare, MetadataStore, Write } from '../../core/metadata/port.ts';
import type {
  ByPartition,
  PartitionState,
  Position,
  Publication,
  SequenceState,
} from '../../core/metadata/values.ts';
import type { CompiledSchema } from '../../core/spec/compiled.ts';
import type { Clock } from '../../core/runtime/clock.ts';
import { Failure } from '../../core/runtime/failure.ts';
import { type At, type GroupSnapshot, readGroup } from './group-state.ts';
import type { Ownership } from './ownership.ts';
import { afterRefusal, type AfterRefusal, committedStart, nextStart } from './sequence-plan.ts';

/** Version of the rules that turn bytes into rows (protocol.md 4). */
export const ROW_FORMAT = 1;

/** Outcome of a publication. */
export type PublishOutcome =
  | { readonly kind: 'published'; readonly revision: number }
  | { readonly kind: 'refused'; readonly then: AfterRefusal };

/** Transactions of one group. */
export class SequenceProtocol {
  readonly keys: IngestionKeys;
  readonly dataSource: DataSourceKeys;
  readonly #ref: IngestionRef;
  readonly #group: string;
  readonly #topic: string;
  readonly #store: MetadataStore;
  readonly #owner: Ownership;
  readonly #clock: Clock;

  constructor(parts: {
    ref: IngestionRef;
    group: string;
    topic: string;
    dataSource: string;
    store: MetadataStore;
    owner: Ownership;
    clock: Clock;
  }) {
    this.#ref = parts.ref;
    this.#group = parts.group;
    this.#topic = parts.topic;
    this.#store = parts.store;
    this.#owner = parts.owner;
    this.#clock = parts.clock;
    this.keys = ingestionKeys(parts.ref);
    this.dataSource = dataSourceKeys(parts.dataSource);
  }

  /** A linearizable snapshot. */
  read(): Promise<GroupSnapshot> {
    return readGroup(this.#store, this.keys, this.#group);
  }

  /** Revision under which `schema` is stored, stored now if need be. Equal schemas share a revision. */
  async schemaRevision(schema: CompiledSchema): Promise<number> {
    const text = CODECS.schema.encode(schema);
    for (;;) {
      const snapshot = await this.read();
      for (const [revision, stored] of snapshot.schemas)
        if (CODECS.schema.encode(stored.value) === text) return revision;
      const revision = Math.max(0, ...snapshot.schemas.keys()) + 1;
      const key = this.keys.schema(revision);
      const result = await this.#store.transact({
        compare: [this.#owner.compare(), { key, modRevision: 0 }],
        writes: [{ put: key, value: text }],
      });
      if (result.committed) return revision;
    }
  }

  /**
   * Opens the next sequence at {@link nextStart}. Undefined when a compare failed: read again and decide.
   * The chain of unfinished sequences must be whole (recutReason undefined).
   */
  async open(snapshot: GroupSnapshot, schemaRevision: number): Promise<SequenceState | undefined> {
    const start = nextStart(snapshot, this.#group);
    const n = (snapshot.group?.value.lastN ?? 0) + 1;
    const sequence = this.#newSequence(n, start, schemaRevision);
    const result = await this.#store.transact({
      compare: [
        this.#owner.compare(),
        this.#groupCompare(snapshot),
        ...assignmentCompare(snapshot),
        ...this.#partitionCompares(snapshot, Object.keys(start)),
      ],
      writes: [
        { put: this.keys.sequence(this.#group, n), value: CODECS.sequence.encode(sequence) },
        { put: this.keys.group(this.#group), value: CODECS.group.encode({ lastN: n, open: n }) },
      ],
    });
    return result.committed ? sequence : undefined;
  }

  /**
   * open -> closed at `end` in one step, as a lone replica may. Partitions that leave the group get their hand-over
   * point. The end is written once (history 20). False when a compare failed.
   */
  async close(
    snapshot: GroupSnapshot,
    open: At<SequenceState>,
    end: ByPartition<Position>,
  ): Promise<boolean> {
    const { n } = open.value;
    const leaving = Object.keys(open.value.start).flatMap((partition) => {
      const state = snapshot.partitions.get(Number(partition));
      const next = state?.value.next;
      return state !== undefined &&
        next !== undefined &&
        next.from === undefined &&
        state.value.group === this.#group
        ? [{ partition, state, next }]
        : [];
    });
    const result = await this.#store.transact({
      compare: [
        this.#owner.compare(),
        { key: open.key, modRevision: open.modRevision },
        this.#groupCompare(snapshot),
        ...assignmentCompare(snapshot),
        ...leaving.map(({ state }) => ({ key: state.key, modRevision: state.modRevision })),
      ],
      writes: [
        { put: open.key, value: CODECS.sequence.encode({ ...open.value, end, state: 'closed' }) },
        {
          put: this.keys.group(this.#group),
          value: CODECS.group.encode({ lastN: snapshot.group?.value.lastN ?? n, open: null }),
        },
        ...leaving.map(({ partition, state, next }): Write => {
          const from = end[partition];
          const moved: PartitionState = {
            ...state.value,
            next: from === undefined ? next : { ...next, from, by: n },
          };
          return { put: state.key, value: CODECS.partition.encode(moved) };
        }),
      ],
    });
    return result.committed;
  }

  /**
   * Publishes a closed sequence: offsets and publication in one transaction (invariant I1). After a throw the outcome
   * is unknown: call {@link inspect} before anything else, and delete nothing.
   */
  async publish(
    snapshot: GroupSnapshot,
    closed: At<SequenceState>,
    publication: Publication,
  ): Promise<PublishOutcome> {
    const sequence = closed.value;
    const { end } = sequence;
    if (end === undefined || sequence.state !== 'closed') {
      throw new Failure(
        'bug',
        'AssertionFailed',
        `${sequence.id}: only a closed sequence is published, this one is ${sequence.state}`,
      );
    }
    const partitions = Object.keys(end).map((partition) =>
      this.#publishable(snapshot, sequence, partition),
    );
    if (partitions.includes(undefined)) return this.inspect(sequence);
    const result = await this.#store.transact({
      compare: [
        this.#owner.compare(),
        { key: closed.key, modRevision: closed.modRevision },
        ...partitions.flatMap((p): Compare[] =>
          p === undefined ? [] : [{ key: p.key, modRevision: p.modRevision }],
        ),
      ],
      writes: [
        ...partitions.flatMap((p): Write[] =>
          p === undefined ? [] : [{ put: p.key, value: CODECS.partition.encode(p.value) }],
        ),
        { put: closed.key, value: CODECS.sequence.encode({ ...sequence, state: 'published' }) },
        {
          put: this.dataSource.publication(sequence.id),
          value: CODECS.publication.encode(publication),
        },
        { delete: this.dataSource.pending(sequence.id) },
      ],
    });
    return result.committed
      ? { kind: 'published', revision: result.revision }
      : this.inspect(sequence);
  }

  /**
   * Jumps over offsets that are gone: a new offset and epoch, and a record of the range (protocol.md 3 "Reset"). Only
   * between sequences: an open one that has read nothing is recut afterwards because its epoch is old.
   */
  async reset(reset: {
    readonly partition: number;
    readonly to: number;
    readonly reason: string;
  }): Promise<void> {
    const snapshot = await this.read();
    const entry = snapshot.partitions.get(reset.partition);
    if (entry === undefined || entry.value.group !== this.#group) return;
    const { offset, epoch, skipped } = entry.value;
    const range = { from: offset, to: reset.to, reason: reset.reason, atMs: this.#clock.nowMs() };
    const value: PartitionState = {
      ...entry.value,
      offset: reset.to,
      epoch: epoch + 1,
      leaderEpoch: -1,
      skipped: [...skipped, range],
    };
    await this.#store.transact({
      compare: [this.#owner.compare(), { key: entry.key, modRevision: entry.modRevision }],
      writes: [{ put: entry.key, value: CODECS.partition.encode(value) }],
    });
  }

  /** What became of a publication that was refused or had no answer, from fresh reads. */
  async inspect(sequence: SequenceState): Promise<PublishOutcome> {
    const snapshot = await this.read();
    const key = this.keys.sequence(this.#group, sequence.n);
    const entry = await this.#store.get(key);
    const now = entry === undefined ? undefined : CODECS.sequence.decode(entry.value, key);
    const then = afterRefusal(now, snapshot, this.#group, await this.#isOwner());
    return then === 'published'
      ? { kind: 'published', revision: snapshot.revision }
      : { kind: 'refused', then };
  }

  /**
   * Abandons every unfinished sequence of the group and opens a new one at the committed offsets (protocol.md 4.5).
   * Undefined when a compare failed.
   */
  async recut(snapshot: GroupSnapshot, schemaRevision: number): Promise<SequenceState | undefined> {
    const n = (snapshot.group?.value.lastN ?? 0) + 1;
    const taken = this.#takenBack(snapshot);
    const start = {
      ...nextStart({ ...snapshot, unfinished: [] }, this.#group),
      ...Object.fromEntries(
        taken.map(({ partition, state }) => [partition, committedStart(state, this.#group)]),
      ),
    };
    const sequence = this.#newSequence(n, start, schemaRevision);
    const compared = new Set([...Object.keys(start), ...taken.map(({ partition }) => partition)]);
    const result = await this.#store.transact({
      compare: [
        this.#owner.compare(),
        this.#groupCompare(snapshot),
        ...snapshot.unfinished.map((s) => ({ key: s.key, modRevision: s.modRevision })),
        ...this.#partitionCompares(snapshot, [...compared]),
      ],
      writes: [
        ...snapshot.unfinished.flatMap((s): Write[] => [
          { put: s.key, value: CODECS.sequence.encode({ ...s.value, state: 'abandoned' }) },
          { delete: this.dataSource.pending(s.value.id) },
        ]),
        ...taken.map(({ key, state }): Write => ({
          put: key,
          value: CODECS.partition.encode(state),
        })),
        { put: this.keys.sequence(this.#group, n), value: CODECS.sequence.encode(sequence) },
        { put: this.keys.group(this.#group), value: CODECS.group.encode({ lastN: n, open: n }) },
      ],
    });
    return result.committed ? sequence : undefined;
  }

  /** Moves whose hand-over point came from a sequence that is abandoned: new epochs, the point removed. */
  #takenBack(
    snapshot: GroupSnapshot,
  ): readonly { partition: string; key: string; state: PartitionState }[] {
    const abandoned = new Set(snapshot.unfinished.map((s) => s.value.n));
    return [...snapshot.partitions].flatMap(([partition, { key, value }]) => {
      const { next } = value;
      if (value.group !== this.#group || next?.from === undefined || !abandoned.has(next.by ?? -1))
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
  #publishable(
    snapshot: GroupSnapshot,
    sequence: SequenceState,
    partition: string,
  ): At<PartitionState> | undefined {
    const entry = snapshot.partitions.get(Number(partition));
    const start = sequence.start[partition];
    const end = sequence.end?.[partition];
    if (entry === undefined || start === undefined || end === undefined) return undefined;
    const { value } = entry;
    if (value.group !== this.#group || value.epoch !== start.epoch || value.offset !== start.offset)
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

  #newSequence(n: number, start: SequenceState['start'], schemaRevision: number): SequenceState {
    return {
      id: sequenceId(this.#ref, this.#group, n),
      group: this.#group,
      n,
      schemaRevision,
      rowFormat: ROW_FORMAT,
      openedMs: this.#clock.nowMs(),
      start,
      state: 'open',
    };
  }

  #groupCompare(snapshot: GroupSnapshot): Compare {
    return { key: this.keys.group(this.#group), modRevision: snapshot.group?.modRevision ?? 0 };
  }

  #partitionCompares(snapshot: GroupSnapshot, partitions: readonly string[]): Compare[] {
    return partitions.map((partition) => ({
      key: this.keys.partition(this.#topic, Number(partition)),
      modRevision: snapshot.partitions.get(Number(partition))?.modRevision ?? 0,
    }));
  }

  async #isOwner(): Promise<boolean> {
    if (!this.#owner.isAlive()) return false;
    const compare = this.#owner.compare();
    const entry = 'key' in compare ? await this.#store.get(compare.key) : undefined;
    return 'key' in compare && entry?.modRevision === compare.modRevision;
  }
}

function assignmentCompare(snapshot: GroupSnapshot): Compare[] {
  return snapshot.assignment === undefined
    ? []
    : [{ key: snapshot.assignment.key, modRevision: snapshot.assignment.modRevision }];
}
