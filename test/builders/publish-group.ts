// A group with its protocol over an embedded store, for tests of the publish protocol: partitions prepared as the
// operator does it, workers that can die and come back, a store that can swallow answers.

import { randomUUID } from 'node:crypto';
import { CODECS } from '../../core/metadata/codecs.ts';
import { openEmbeddedStore } from '../../core/metadata/embedded/store.ts';
import { ingestionKeys, ingestionRoot } from '../../core/metadata/keys.ts';
import type { MetadataStore } from '../../core/metadata/port.ts';
import type {
  PartitionState,
  Position,
  Publication,
  SequenceState,
} from '../../core/metadata/values.ts';
import { systemClock } from '../../core/runtime/clock.ts';
import { Failure } from '../../core/runtime/failure.ts';
import { NO_LOG } from '../../core/runtime/log.ts';
import type { CompiledSchema } from '../../core/spec/compiled.ts';
import { Allocator } from '../../worker/publish/allocator.ts';
import { Ownership } from '../../worker/publish/ownership.ts';
import { SequenceProtocol } from '../../worker/publish/sequence-protocol.ts';

/** Identity of the ingestion in these tests. */
const REF = { namespace: 'default', name: 'w', uid: 'u1' };
/** Its data source and topic. */
const DATA_SOURCE = 'wiki';
const TOPIC = 'events';

/** A schema with day chunks and no truncation; `change` overrides. */
export function publishSchema(change: Partial<CompiledSchema> = {}): CompiledSchema {
  return {
    timestamp: { column: 't', format: 'auto', missingValueMs: null },
    dimensions: [],
    discovery: true,
    dimensionExclusions: [],
    metrics: [],
    rollup: true,
    queryGranularity: { type: 'none' },
    segmentGranularity: { type: 'period', period: 'P1D', timeZone: 'UTC', originMs: null },
    lateness: { policy: 'none', lateMs: 1e15, earlyMs: 1e15 },
    indexSpec: {
      bitmap: 'roaring',
      dimensionCompression: 'lz4',
      metricCompression: 'lz4',
      longEncoding: 'longs',
    },
    ...change,
  };
}

/** A store whose next transactions are carried out, but whose answers get lost. */
export interface LossyStore extends MetadataStore {
  loseAnswers: number;
}

/** Opens an empty store in memory. */
export function lossyStore(): LossyStore {
  const store = openEmbeddedStore({ path: ':memory:' });
  const lossy: LossyStore = {
    loseAnswers: 0,
    get: (key) => store.get(key),
    list: (prefix) => store.list(prefix),
    lease: (ttlMs) => store.lease(ttlMs),
    mirror: (prefix, onChange) => store.mirror(prefix, onChange),
    close: () => store.close(),
    async transact(transaction) {
      const result = await store.transact(transaction);
      if (lossy.loseAnswers > 0) {
        lossy.loseAnswers--;
        throw new Failure('transient', 'StoreUnavailable', 'the answer got lost');
      }
      return result;
    },
  };
  return lossy;
}

/** Creates partition keys at an offset, owned by `group`. */
export async function preparePartitions(
  store: MetadataStore,
  group: string,
  partitions: readonly number[],
  offset = 0,
): Promise<void> {
  const keys = ingestionKeys(REF);
  for (const partition of partitions) {
    const state: PartitionState = {
      topicId: 't',
      offset,
      watermarkMs: null,
      leaderEpoch: -1,
      group,
      epoch: 1,
      skipped: [],
    };
    await store.transact({
      compare: [],
      writes: [{ put: keys.partition(TOPIC, partition), value: CODECS.partition.encode(state) }],
    });
  }
}

/** Changes a partition key as the operator would. */
export async function changePartition(
  store: MetadataStore,
  partition: number,
  change: Partial<PartitionState>,
): Promise<void> {
  const key = ingestionKeys(REF).partition(TOPIC, partition);
  const entry = await store.get(key);
  if (entry === undefined) throw new Error('no such partition');
  const state = { ...CODECS.partition.decode(entry.value, key), ...change };
  await store.transact({
    compare: [],
    writes: [{ put: key, value: CODECS.partition.encode(state) }],
  });
}

/** The committed state of a partition. */
export async function partitionState(
  store: MetadataStore,
  partition: number,
): Promise<PartitionState> {
  const key = ingestionKeys(REF).partition(TOPIC, partition);
  const entry = await store.get(key);
  if (entry === undefined) throw new Error('no such partition');
  return CODECS.partition.decode(entry.value, key);
}

/** A worker of a group. */
export interface TestWorker {
  readonly owner: Ownership;
  readonly protocol: SequenceProtocol;
  readonly allocator: Allocator;
  /** Opens the next sequence from fresh reads. */
  open(): Promise<SequenceState>;
  /** Cuts the open sequence at `offset` in every partition. */
  cut(offset: number): Promise<SequenceState>;
  /** Publishes the oldest closed sequence. */
  publish(sequence: SequenceState): ReturnType<SequenceProtocol['publish']>;
}

/** Starts a worker and acquires its owner key. */
export async function startTestWorker(store: MetadataStore, group: string): Promise<TestWorker> {
  const keys = ingestionKeys(REF);
  const owner = new Ownership(
    { store, keys, clock: systemClock, log: NO_LOG },
    { group, replica: 0, worker: randomUUID(), address: 'x:1' },
  );
  await owner.acquire(AbortSignal.timeout(20_000));
  const protocol = new SequenceProtocol({
    ref: REF,
    group,
    topic: TOPIC,
    dataSource: DATA_SOURCE,
    store,
    owner,
    clock: systemClock,
  });
  const allocator = new Allocator({
    store,
    dataSource: protocol.dataSource,
    keys,
    ref: REF,
    clock: systemClock,
  });
  const revision = await protocol.schemaRevision(publishSchema());
  return {
    owner,
    protocol,
    allocator,
    async open() {
      const sequence = await protocol.open(await protocol.read(), revision);
      if (sequence === undefined) throw new Error('open was refused');
      return sequence;
    },
    async cut(offset) {
      const snapshot = await protocol.read();
      const open = snapshot.unfinished.find((s) => s.value.state === 'open');
      if (open === undefined) throw new Error('nothing is open');
      const end: Record<string, Position> = {};
      for (const p of Object.keys(open.value.start))
        end[p] = { offset, watermarkMs: offset * 1000, leaderEpoch: 3 };
      if (!(await protocol.close(snapshot, open, end))) throw new Error('the cut was refused');
      return { ...open.value, end, state: 'closed' };
    },
    async publish(sequence) {
      const snapshot = await protocol.read();
      const closed = snapshot.unfinished.find((s) => s.value.n === sequence.n);
      return closed === undefined
        ? protocol.inspect(sequence)
        : protocol.publish(snapshot, closed, emptyPublication(sequence));
    },
  };
}

/** A publication without segments: the offsets are what these tests are about. */
function emptyPublication(sequence: SequenceState): Publication {
  return {
    sequenceId: sequence.id,
    ingestion: ingestionRoot(REF),
    segments: [],
    offsets: {},
    publishedMs: 0,
  };
}
