// Groups without workers, over an embedded store: when their partitions are taken, by whom, and what keeps them.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CODECS } from '../../core/metadata/codecs.ts';
import { dataSourceKeys, ingestionKeys, ingestionPrefix } from '../../core/metadata/keys.ts';
import type { PartitionState, SequenceState } from '../../core/metadata/values.ts';
import { manualClock, type ManualClock } from '../../core/runtime/clock.ts';
import type { CompiledIngestion } from '../../core/spec/compiled.ts';
import { lossyStore, type LossyStore } from '../../test/builders/publish-group.ts';
import type { StreamInspector } from './cluster.ts';
import { DeadGroups } from './dead-groups.ts';
import { type PreparedIngestion, prepareIngestion, stateUid } from './ingestion-state.ts';

const AFTER_MS = 60_000;
const TOPIC = 'topic';
const KEYS = ingestionKeys({ namespace: 'n', name: 'i', uid: stateUid('n', 'i', 'stream') });
const SIGNAL = new AbortController().signal;

function ingestion(count: number, suspend = false): CompiledIngestion {
  // Only what the state is made from.
  return {
    namespace: 'n',
    name: 'i',
    dataSource: 'd',
    source: { type: 'kafka', topic: TOPIC, start: { from: 'Earliest' } },
    workers: { count, replicas: 1, takeoverMs: AFTER_MS },
    suspend,
  } as unknown as CompiledIngestion;
}

let store: LossyStore;
let clock: ManualClock;
let deaths: DeadGroups;
let partitions: readonly number[];

beforeEach(() => {
  store = lossyStore();
  clock = manualClock();
  deaths = new DeadGroups(clock);
  partitions = [0, 1, 2, 3];
});
afterEach(() => store.close());

async function pass(count = 2, suspend = false): Promise<PreparedIngestion> {
  const stream: StreamInspector = {
    identity: () => Promise.resolve({ id: 'stream', partitions }),
    resolve: (wanted) => Promise.resolve(new Map(wanted.map((p) => [p, 100]))),
    close: () => Promise.resolve(),
  };
  const prepared = await prepareIngestion(store, ingestion(count, suspend), stream, deaths, SIGNAL);
  if ('conflict' in prepared) throw new Error(prepared.conflict);
  return prepared;
}

async function lives(group: string, isAlive = true): Promise<void> {
  const key = KEYS.owner(group, 0);
  const value = CODECS.owner.encode({ worker: group, address: 'a:1' });
  await store.transact({ compare: [], writes: [isAlive ? { put: key, value } : { delete: key }] });
}

async function state(partition: number): Promise<PartitionState> {
  const key = KEYS.partition(TOPIC, partition);
  return CODECS.partition.decode((await store.get(key))?.value ?? '', key);
}

async function change(partition: number, more: Partial<PartitionState>): Promise<void> {
  const key = KEYS.partition(TOPIC, partition);
  const value = CODECS.partition.encode({ ...(await state(partition)), ...more });
  await store.transact({ compare: [], writes: [{ put: key, value }] });
}

/** A sequence with the ids that it has been given. */
async function sequence(group: string, n: number, status: SequenceState['state']): Promise<void> {
  const id = `${group}-${n}`;
  const value = CODECS.sequence.encode({
    id,
    group,
    n,
    schemaRevision: 1,
    rowFormat: 1,
    openedMs: 0,
    start: {},
    state: status,
  });
  const pending = CODECS.pending.encode({ ingestion: KEYS.root, entries: [] });
  await store.transact({
    compare: [],
    writes: [
      { put: KEYS.sequence(group, n), value },
      { put: dataSourceKeys('d').pending(id), value: pending },
    ],
  });
}

const groupsNow = async (): Promise<string> =>
  (await Promise.all(partitions.map(state))).map(({ group }) => group).join();

/** Passes every 20 s, as a resync would. */
async function passes(ms: number, count = 2): Promise<number> {
  let taken = 0;
  for (let elapsed = 0; elapsed < ms; elapsed += 20_000) {
    await clock.advance(20_000);
    taken += (await pass(count)).taken;
  }
  return taken;
}

describe('the partitions of a group without a worker', () => {
  test('are taken after the time, with a new epoch, from the committed offset', async () => {
    await lives('g0');
    await lives('g1');
    await pass();
    expect(await groupsNow()).toBe('g0,g1,g0,g1');
    await change(1, { offset: 500, watermarkMs: 9, epoch: 3 });
    // A move that the group had cut: its point may never be published.
    const from = { offset: 900, watermarkMs: 1, leaderEpoch: 1 };
    await change(3, { epoch: 4, next: { group: 'g0', epoch: 8, from, by: 2 } });
    await sequence('g1', 2, 'closed');
    await lives('g1', false);
    await pass();
    expect(await passes(AFTER_MS - 20_000)).toBe(0);
    expect(await groupsNow()).toBe('g0,g1,g0,g1');
    expect(await passes(20_000)).toBe(2);
    expect(await groupsNow()).toBe('g0,g0,g0,g0');
    expect(await state(1)).toMatchObject({ offset: 500, watermarkMs: 9, epoch: 4 });
    expect(await state(3)).toMatchObject({ offset: 100, epoch: 9 });
    expect((await state(3)).next).toBeUndefined();
    // Its worker ends its sequences when it is back.
    const [closed] = (await store.list(KEYS.sequencesOf('g1'))).entries;
    expect(CODECS.sequence.decode(closed?.value ?? '', 'g1').state).toBe('closed');
    // It is still wanted, gets nothing while it is away, and a fair part by ordinary moves once it is back.
    const away = await pass();
    expect(away.groups).toEqual({ g0: [0, 1, 2, 3], g1: [] });
    expect(away.taken).toBe(0);
    await lives('g1');
    expect((await pass()).groups['g1']).toHaveLength(2);
    const moves = (await Promise.all(partitions.map(state))).map(({ next }) => next?.group);
    expect(moves.filter((group) => group === 'g1')).toHaveLength(2);
  });

  test('stay when its worker comes back in time, or between the look and the move', async () => {
    await lives('g0');
    await lives('g1');
    await pass();
    await lives('g1', false);
    await pass();
    expect(await passes(40_000)).toBe(0);
    await lives('g1');
    expect(await passes(40_000)).toBe(0);
    await lives('g1', false);
    expect(await passes(60_000)).toBe(0);
    // From here on it would be taken; the worker is back after the owners were read.
    const { list } = store;
    store.list = async (prefix) => {
      const answer = await list(prefix);
      if (prefix === KEYS.owners) await lives('g1');
      return answer;
    };
    expect(await passes(20_000)).toBe(0);
    expect(await groupsNow()).toBe('g0,g1,g0,g1');
  });

  test('stay while nobody else is there, and while nobody is to be', async () => {
    await pass();
    expect(await passes(120_000)).toBe(0);
    await lives('g0');
    // Suspended for long, then meant to run again: the time begins anew.
    for (let i = 0; i < 6; i++) {
      await clock.advance(20_000);
      expect((await pass(2, true)).taken).toBe(0);
    }
    expect(await passes(60_000)).toBe(0);
    expect(await passes(20_000)).toBe(2);
  });

  test('go to the groups that are left when it is scaled away without a worker', async () => {
    for (const group of ['g0', 'g1', 'g2']) await lives(group);
    await pass(3);
    for (const group of ['g0', 'g2']) {
      await sequence(group, 1, 'published');
      await sequence(group, 2, 'closed');
      await sequence(group, 3, 'open');
    }
    await lives('g2', false);
    await pass(1);
    await pass(1);
    expect(await passes(80_000, 1)).toBe(1);
    expect((await pass(1)).groups).toEqual({ g0: [0, 1, 2, 3] });
    // It will end none of its sequences itself: swept files and retired chunks depend on their end.
    const states = async (group: string): Promise<string> =>
      (await store.list(KEYS.sequencesOf(group))).entries
        .map(({ key, value }) => CODECS.sequence.decode(value, key).state)
        .join();
    expect(await states('g2')).toBe('published,abandoned,abandoned');
    expect(await states('g0')).toBe('published,closed,open');
    const pendings = (await store.list(dataSourceKeys('d').pendings)).entries;
    expect(pendings.map(({ key }) => key.split('/').at(-1))).toEqual([
      'g0-1',
      'g0-2',
      'g0-3',
      'g2-1',
    ]);
    // What g1 has leaves it the ordinary way.
    expect((await state(1)).next?.group).toBe('g0');
    expect((await pass(1)).held).toEqual(new Set(['g0', 'g1']));
  });

  test('go however many there are, with all of its sequences; a worker that comes back in between finds no loose end', async () => {
    partitions = Array.from({ length: 150 }, (_, i) => i);
    const sequences = 70;
    await lives('g0');
    await lives('g1');
    await pass();
    const from = { offset: 900, watermarkMs: 1, leaderEpoch: 1 };
    for (const p of partitions)
      await change(p, { group: 'g9', next: { group: 'g0', epoch: 8, from, by: 1 + (p % 3) } });
    for (let n = 1; n <= sequences; n++) await sequence('g9', n, 'closed');
    const left = async (): Promise<{ partitions: PartitionState[]; sequences: Set<number> }> => {
      const states = await Promise.all(partitions.map(state));
      const listed = (await store.list(KEYS.sequencesOf('g9'))).entries.map(({ key, value }) =>
        CODECS.sequence.decode(value, key),
      );
      return {
        partitions: states.filter(({ group }) => group === 'g9'),
        sequences: new Set(listed.filter((s) => s.state === 'closed').map(({ n }) => n)),
      };
    };
    // After each transaction: a hand-over that was cut has its sequence, and somebody will look again while any is left.
    let transactions = 0;
    let isInterrupted = false;
    let isRaced = true;
    const { transact } = store;
    store.transact = async (transaction) => {
      const isTakeover = transaction.compare.some((c) => 'emptyPrefix' in c);
      // Somebody else writes one of the first between the look and the move.
      if (isTakeover && isRaced) await change(0, { watermarkMs: 5 });
      const answer = await transact(transaction);
      if (!isTakeover || !answer.committed) return answer;
      transactions++;
      const now = await left();
      for (const { next } of now.partitions) expect(now.sequences).toContain(next?.by);
      expect(now.sequences.size === 0 || now.partitions.length > 0).toBe(true);
      if (isInterrupted) await lives('g9');
      return answer;
    };
    await pass();
    expect(await passes(AFTER_MS)).toBe(0);
    expect(transactions).toBe(0);
    isRaced = false;
    isInterrupted = true;
    const first = await passes(20_000);
    expect(transactions).toBe(1);
    expect(first).toBe(127);
    expect((await left()).sequences.size).toBe(sequences);
    await lives('g9', false);
    isInterrupted = false;
    expect(await passes(AFTER_MS + 20_000)).toBe(150 - first);
    // 22 partitions and 53 sequences; then 16, and the last partition with the one that cut it.
    expect(transactions).toBe(3);
    expect(await left()).toEqual({ partitions: [], sequences: new Set() });
    expect((await store.list(dataSourceKeys('d').pendings)).entries).toEqual([]);
    for (const p of partitions) expect(await state(p)).toMatchObject({ offset: 100, epoch: 9 });
  });

  test('stay where the others could not hold them', async () => {
    partitions = Array.from({ length: 150 }, (_, i) => i);
    await lives('g0');
    await lives('g1');
    await pass();
    await lives('g1', false);
    expect(await passes(200_000)).toBe(0);
    const { entries } = await store.list(ingestionPrefix('n', 'i'));
    expect(entries.length).toBeGreaterThan(150);
    expect((await pass()).groups['g1']).toHaveLength(75);
  });
});
