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
import { publishable, takenBack } from './sequence-after.ts';
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
      publishable(snapshot, sequence, partition, this.#group),
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
    const taken = takenBack(snapshot, this.#group);
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
