import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  lossyStore,
  type LossyStore,
  preparePartitions,
  publishSchema,
  startTestWorker,
} from '../../test/builders/publish-group.ts';
import { chooseChunk } from './allocator.ts';

const DAY = 86_400_000;
const HOUR = 3_600_000;

describe('Allocator', () => {
  let store: LossyStore;

  beforeEach(() => {
    store = lossyStore();
  });

  afterEach(async () => {
    await store.close();
  });

  it('gives a sequence one id a chunk, the same again and after a lost answer (I3)', async () => {
    await preparePartitions(store, 'g0', [0]);
    const worker = await startTestWorker(store, 'g0');
    const sequence = await worker.open();
    store.loseAnswers = 1;
    await expect(worker.allocator.allocate(sequence, 5, publishSchema())).rejects.toThrow();
    const first = await worker.allocator.allocate(sequence, 5, publishSchema());
    expect(first).toMatchObject({
      kind: 'segment',
      interval: { startMs: 0, endMs: DAY },
      partition: 0,
    });
    expect(await worker.allocator.allocate(sequence, DAY - 1, publishSchema())).toEqual(first);
    expect(await worker.allocator.decided(sequence.id)).toEqual([first]);
  });

  it('numbers the segments of later sequences in the same version, and versions only grow (history 3)', async () => {
    await preparePartitions(store, 'g0', [0]);
    await preparePartitions(store, 'g1', [1]);
    const [a, b] = [await startTestWorker(store, 'g0'), await startTestWorker(store, 'g1')];
    const [sa, sb] = [await a.open(), await b.open()];
    const [first, second] = await Promise.all([
      a.allocator.allocate(sa, 5, publishSchema()),
      b.allocator.allocate(sb, 5, publishSchema()),
    ]);
    if (first.kind !== 'segment' || second.kind !== 'segment') throw new Error('refused');
    expect(first.version).toBe(second.version);
    expect(new Set([first.partition, second.partition])).toEqual(new Set([0, 1]));
    const other = await a.allocator.allocate(sa, 2 * DAY, publishSchema());
    expect(other.kind === 'segment' && other.version > first.version).toBe(true);
  });

  it('stops a worker whose sequence was finished by somebody else', async () => {
    await preparePartitions(store, 'g0', [0]);
    const worker = await startTestWorker(store, 'g0');
    const sequence = await worker.open();
    await worker.protocol.recut(await worker.protocol.read(), 1);
    await expect(worker.allocator.allocate(sequence, 5, publishSchema())).rejects.toMatchObject({
      kind: 'fenced',
      code: 'SequenceFinished',
    });
  });

  it('history 22: a refusal is recorded, so that every replica rejects the same rows', async () => {
    await preparePartitions(store, 'g0', [0]);
    const worker = await startTestWorker(store, 'g0');
    const hourly = publishSchema({
      segmentGranularity: { type: 'period', period: 'PT1H', timeZone: 'UTC', originMs: null },
    });
    const daily = publishSchema({
      queryGranularity: { type: 'period', period: 'P1D', timeZone: 'UTC', originMs: null },
    });
    const sequence = await worker.open();
    await worker.allocator.allocate(sequence, 5 * HOUR, hourly);
    const refused = await worker.allocator.allocate(sequence, 7 * HOUR, daily);
    expect(refused.kind).toBe('refused');
    expect((await worker.allocator.decided(sequence.id)).map((d) => d.kind)).toEqual([
      'segment',
      'refused',
    ]);
  });
});

describe('chooseChunk', () => {
  const hour = (n: number): { startMs: number; endMs: number } => ({
    startMs: n * HOUR,
    endMs: (n + 1) * HOUR,
  });

  it('joins an existing chunk at its own interval, whatever the spec says now', () => {
    expect(chooseChunk(5 * HOUR + 1, [hour(5)], publishSchema())).toEqual({
      kind: 'chunk',
      interval: hour(5),
    });
  });

  it('history 21: a day beside existing hours becomes the next finer free chunk', () => {
    expect(chooseChunk(7 * HOUR + 1, [hour(5)], publishSchema())).toEqual({
      kind: 'chunk',
      interval: hour(7),
    });
  });

  it('refuses a bucket that does not fit the existing chunk', () => {
    const queryGranularity = {
      type: 'period',
      period: 'P1D',
      timeZone: 'UTC',
      originMs: null,
    } as const;
    expect(chooseChunk(5 * HOUR, [hour(5)], publishSchema({ queryGranularity }))).toMatchObject({
      kind: 'refused',
    });
  });
});
