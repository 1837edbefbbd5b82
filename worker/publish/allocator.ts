// Segment ids: one per (sequence, time chunk), given by a transaction on the chunk, idempotent and equal for every
// replica of the group. Asked by the ingest role when a row falls in no chunk that the sequence has.
// Source: protocol.md 5. Invariants I2, I3.

import { type Bucketer, bucketer, type Granularity } from '../../core/model/granularity.ts';
import {
  contains,
  formatInstant,
  formatInterval,
  type Interval,
  overlaps,
  parseInterval,
} from '../../core/model/interval.ts';
import { CODECS } from '../../core/metadata/codecs.ts';
import {
  type DataSourceKeys,
  type IngestionKeys,
  ingestionRoot,
  type IngestionRef,
  parseKey,
} from '../../core/metadata/keys.ts';
import type { MetadataStore } from '../../core/metadata/port.ts';
import type {
  AllocationState,
  ChunkState,
  PendingEntry,
  PendingIds,
  SequenceState,
} from '../../core/metadata/values.ts';
import type { CompiledSchema } from '../../core/spec/compiled.ts';
import type { Clock } from '../../core/runtime/clock.ts';
import { Failure } from '../../core/runtime/failure.ts';
import type { At } from './group-state.ts';
import { isUnfinished } from './group-state.ts';

/** What a time was mapped to. */
export type Allocation =
  | {
      readonly kind: 'segment';
      readonly interval: Interval;
      readonly version: string;
      readonly partition: number;
    }
  /** Rows of this interval are rejected as `noChunk` by every replica. */
  | { readonly kind: 'refused'; readonly interval: Interval; readonly reason: string };

/** Granularities tried when the preferred one conflicts with an existing chunk, coarse to fine. */
const FINER: readonly Granularity[] = [
  'P1D',
  'PT1H',
  'PT30M',
  'PT15M',
  'PT10M',
  'PT5M',
  'PT1M',
  'PT1S',
].map((period) => ({
  type: 'period',
  period,
  timeZone: 'UTC',
  originMs: null,
}));

/** Allocator of one ingestion. */
export class Allocator {
  readonly #store: MetadataStore;
  readonly #keys: DataSourceKeys;
  readonly #ingestion: IngestionKeys;
  readonly #ref: IngestionRef;
  readonly #clock: Clock;

  constructor(parts: {
    store: MetadataStore;
    dataSource: DataSourceKeys;
    keys: IngestionKeys;
    ref: IngestionRef;
    clock: Clock;
  }) {
    this.#store = parts.store;
    this.#keys = parts.dataSource;
    this.#ingestion = parts.keys;
    this.#ref = parts.ref;
    this.#clock = parts.clock;
  }

  /** Decisions a sequence already has, in order. */
  async decided(sequenceId: string): Promise<readonly Allocation[]> {
    const entry = await this.#store.get(this.#keys.pending(sequenceId));
    return entry === undefined
      ? []
      : CODECS.pending.decode(entry.value, entry.key).entries.map(allocationOf);
  }

  /**
   * The segment for a time: the first decision of the sequence that contains it, else a new one.
   *
   * @throws Failure `fenced` SequenceFinished when the sequence is published, abandoned or gone
   */
  async allocate(
    sequence: SequenceState,
    timeMs: number,
    schema: CompiledSchema,
  ): Promise<Allocation> {
    for (;;) {
      const known = (await this.decided(sequence.id)).find(({ interval }) =>
        isWithin(timeMs, interval),
      );
      if (known !== undefined) return known;
      const made = await this.#tryAllocate(sequence, timeMs, schema);
      if (made !== undefined) return made;
    }
  }

  /** Undefined when a compare failed: somebody else wrote, look again. */
  async #tryAllocate(
    sequence: SequenceState,
    timeMs: number,
    schema: CompiledSchema,
  ): Promise<Allocation | undefined> {
    const sequenceEntry = await this.#unfinished(sequence);
    const pendingKey = this.#keys.pending(sequence.id);
    const pending = await this.#store.get(pendingKey);
    const entries =
      pending === undefined ? [] : CODECS.pending.decode(pending.value, pendingKey).entries;
    const chunks = await this.#chunks();
    const target = chooseChunk(
      timeMs,
      chunks.map((c) => c.interval),
      schema,
    );
    const compare = [
      { key: sequenceEntry.key, modRevision: sequenceEntry.modRevision },
      { key: pendingKey, modRevision: pending?.modRevision ?? 0 },
    ];
    if (target.kind === 'refused') {
      const refusal: PendingEntry = {
        interval: formatInterval(target.interval),
        refused: target.reason,
      };
      const result = await this.#store.transact({
        compare,
        writes: [{ put: pendingKey, value: this.#pendingText([...entries, refusal]) }],
      });
      return result.committed ? target : undefined;
    }
    const existing = chunks.find(
      (c) =>
        c.interval.startMs === target.interval.startMs &&
        c.interval.endMs === target.interval.endMs,
    );
    const allocation = existing === undefined ? await this.#newVersion() : undefined;
    const chunk: ChunkState = existing?.value ?? {
      version: allocation?.version ?? '',
      nextPartition: 0,
    };
    const key = existing?.key ?? this.#keys.chunk(target.interval);
    const entry: PendingEntry = {
      interval: formatInterval(target.interval),
      version: chunk.version,
      partition: chunk.nextPartition,
    };
    const result = await this.#store.transact({
      compare: [
        ...compare,
        { key, modRevision: existing?.modRevision ?? 0 },
        ...(allocation === undefined
          ? []
          : [{ key: this.#keys.allocation, modRevision: allocation.modRevision }]),
      ],
      writes: [
        { put: pendingKey, value: this.#pendingText([...entries, entry]) },
        {
          put: key,
          value: CODECS.chunk.encode({ ...chunk, nextPartition: chunk.nextPartition + 1 }),
        },
        ...(allocation === undefined
          ? []
          : [{ put: this.#keys.allocation, value: CODECS.allocation.encode(allocation.next) }]),
      ],
    });
    return result.committed
      ? {
          kind: 'segment',
          interval: target.interval,
          version: chunk.version,
          partition: chunk.nextPartition,
        }
      : undefined;
  }

  async #unfinished(sequence: SequenceState): Promise<{ key: string; modRevision: number }> {
    const key = this.#ingestion.sequence(sequence.group, sequence.n);
    const entry = await this.#store.get(key);
    if (entry === undefined || !isUnfinished(CODECS.sequence.decode(entry.value, key))) {
      throw new Failure(
        'fenced',
        'SequenceFinished',
        `${sequence.id}: finished by somebody else; its rows are dropped here and read again if need be`,
      );
    }
    return { key, modRevision: entry.modRevision };
  }

  async #chunks(): Promise<readonly (At<ChunkState> & { readonly interval: Interval })[]> {
    const { entries } = await this.#store.list(this.#keys.chunks);
    return entries.flatMap((entry) => {
      const key = parseKey(entry.key);
      return key.type === 'chunk'
        ? [
            {
              key: entry.key,
              modRevision: entry.modRevision,
              value: CODECS.chunk.decode(entry.value, entry.key),
              interval: key.interval,
            },
          ]
        : [];
    });
  }

  /** A version greater than every one given before in this data source (history 3). */
  async #newVersion(): Promise<{ version: string; modRevision: number; next: AllocationState }> {
    const entry = await this.#store.get(this.#keys.allocation);
    const state =
      entry === undefined
        ? { lastVersion: '', owner: this.#ref.namespace }
        : CODECS.allocation.decode(entry.value, entry.key);
    const lastMs = state.lastVersion === '' ? 0 : Date.parse(state.lastVersion);
    const version = formatInstant(Math.max(this.#clock.nowMs(), lastMs + 1));
    return {
      version,
      modRevision: entry?.modRevision ?? 0,
      next: { ...state, lastVersion: version },
    };
  }

  #pendingText(entries: readonly PendingEntry[]): string {
    const pending: PendingIds = { ingestion: ingestionRoot(this.#ref), entries };
    return CODECS.pending.encode(pending);
  }
}

type Chosen =
  | { readonly kind: 'chunk'; readonly interval: Interval }
  | { readonly kind: 'refused'; readonly interval: Interval; readonly reason: string };

/**
 * The chunk for a time: an existing one that contains the whole query-granularity bucket; else a new one of the
 * preferred granularity, or of the first finer one that overlaps no existing chunk. Source: ingestion.md 6.
 */
export function chooseChunk(
  timeMs: number,
  existing: readonly Interval[],
  schema: Pick<CompiledSchema, 'queryGranularity' | 'segmentGranularity'>,
): Chosen {
  const preferred = bucketer(schema.segmentGranularity).bucketOf(timeMs);
  const bucket =
    schema.queryGranularity.type === 'all'
      ? { startMs: timeMs, endMs: timeMs + 1 }
      : bucketer(schema.queryGranularity).bucketOf(timeMs);
  const around = existing.find((interval) => isWithin(timeMs, interval));
  if (around !== undefined) {
    if (contains(around, bucket)) return { kind: 'chunk', interval: around };
    return {
      kind: 'refused',
      interval: bucket,
      reason: `the bucket ${formatInterval(bucket)} does not fit the existing chunk ${formatInterval(around)}`,
    };
  }
  const finer = FINER.map((granularity): Bucketer => bucketer(granularity)).map((b) =>
    b.bucketOf(timeMs),
  );
  const isFree = (interval: Interval): boolean =>
    contains(interval, bucket) && !existing.some((other) => overlaps(other, interval));
  const interval = [preferred, ...finer.filter((i) => contains(preferred, i))].find(isFree);
  if (interval !== undefined) return { kind: 'chunk', interval };
  return {
    kind: 'refused',
    interval: bucket,
    reason: `the bucket ${formatInterval(bucket)} overlaps existing finer chunks`,
  };
}

function isWithin(timeMs: number, interval: Interval): boolean {
  return timeMs >= interval.startMs && timeMs < interval.endMs;
}

function allocationOf(entry: PendingEntry): Allocation {
  const interval = parseInterval(entry.interval);
  return 'refused' in entry
    ? { kind: 'refused', interval, reason: entry.refused }
    : { kind: 'segment', interval, version: entry.version, partition: entry.partition };
}
