// The histories of protocol.md 8 that one replica can meet, each as a named test on a real (embedded) store.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAX_TRANSACTION_OPERATIONS } from '../../core/metadata/port.ts';
import {
  changePartition,
  lossyStore,
  type LossyStore,
  partitionState,
  preparePartitions,
  publishSchema,
  startTestWorker,
} from '../../test/builders/publish-group.ts';
import { systemClock } from '../../core/runtime/clock.ts';
import { resetOffset } from './offset-reset.ts';
import { nextStart, recutReason } from './sequence-plan.ts';

describe('SequenceProtocol', () => {
  let store: LossyStore;

  beforeEach(() => {
    store = lossyStore();
  });

  afterEach(async () => {
    await store.close();
  });

  it('start(n+1) = end(n), and offsets move only with the publication (I1)', async () => {
    await preparePartitions(store, 'g0', [0, 1], 10);
    const worker = await startTestWorker(store, 'g0');
    const first = await worker.open();
    expect(first.start['0']).toEqual({ offset: 10, watermarkMs: null, leaderEpoch: -1, epoch: 1 });
    const closed = await worker.cut(50);
    const second = await worker.open();
    expect(second.n).toBe(2);
    expect(second.start['1']).toEqual({
      offset: 50,
      watermarkMs: 50_000,
      leaderEpoch: 3,
      epoch: 1,
    });
    expect((await partitionState(store, 0)).offset).toBe(10);
    expect(await worker.publish(closed)).toMatchObject({ kind: 'published' });
    expect(await partitionState(store, 0)).toMatchObject({
      offset: 50,
      watermarkMs: 50_000,
      leaderEpoch: 3,
    });
    expect(await store.get(worker.protocol.dataSource.publication(closed.id))).toBeDefined();
  });

  it('a later sequence waits for its predecessor', async () => {
    await preparePartitions(store, 'g0', [0]);
    const worker = await startTestWorker(store, 'g0');
    await worker.open();
    const first = await worker.cut(5);
    await worker.open();
    const second = await worker.cut(9);
    expect(await worker.publish(second)).toEqual({ kind: 'refused', then: 'wait' });
    expect(await worker.publish(first)).toMatchObject({ kind: 'published' });
    expect(await worker.publish(second)).toMatchObject({ kind: 'published' });
  });

  it('a publication whose answer got lost is found to have happened, once', async () => {
    await preparePartitions(store, 'g0', [0]);
    const worker = await startTestWorker(store, 'g0');
    await worker.open();
    const closed = await worker.cut(5);
    store.loseAnswers = 1;
    await expect(worker.publish(closed)).rejects.toThrow(/answer got lost/);
    expect(await worker.protocol.inspect(closed)).toMatchObject({ kind: 'published' });
    expect((await partitionState(store, 0)).offset).toBe(5);
  });

  it('history 8: a namesake cannot take the key of a living owner; after its end the old one is fenced (I4)', async () => {
    await preparePartitions(store, 'g0', [0]);
    const old = await startTestWorker(store, 'g0');
    await old.open();
    const closed = await old.cut(5);
    const second = startTestWorker(store, 'g0');
    let isAcquired = false;
    void second.then(() => {
      isAcquired = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(isAcquired).toBe(false);
    // The lease ends while the old process sleeps; it wakes up and still holds its handles.
    const staleCompare = old.owner.compare();
    await old.owner.release();
    const worker = await second;
    await expect(old.publish(closed)).rejects.toThrow(/LeaseLost|lease was not renewed/);
    const refused = await store.transact({ compare: [staleCompare], writes: [] });
    expect(refused.committed).toBe(false);
    expect(await worker.publish(closed)).toMatchObject({ kind: 'published' });
  });

  it('history 9: after a reset the old sequence is recut, not waited for', async () => {
    await preparePartitions(store, 'g0', [0]);
    const worker = await startTestWorker(store, 'g0');
    await worker.open();
    const closed = await worker.cut(5);
    const parts = {
      store,
      owner: worker.owner,
      protocol: worker.protocol,
      clock: systemClock,
      group: 'g0',
    };
    await resetOffset(parts, { partition: 0, to: 100, reason: 'test' });
    expect(recutReason(await worker.protocol.read(), 'g0')).toBe('EpochChanged');
    expect(await worker.publish(closed)).toEqual({ kind: 'refused', then: 'recut' });
    const recut = await worker.protocol.recut(await worker.protocol.read(), 1);
    expect(recut?.start['0']).toMatchObject({ offset: 100, epoch: 2 });
    expect(await worker.publish(closed)).toEqual({ kind: 'refused', then: 'gone' });
    expect((await partitionState(store, 0)).skipped).toMatchObject([
      { from: 0, to: 100, reason: 'test' },
    ]);
  });

  it('history 9: a sequence whose predecessor was abandoned is recut', async () => {
    await preparePartitions(store, 'g0', [0]);
    const worker = await startTestWorker(store, 'g0');
    await worker.open();
    const first = await worker.cut(5);
    await worker.open();
    const key = worker.protocol.keys.sequence('g0', first.n);
    const entry = await store.get(key);
    await store.transact({
      compare: [],
      writes: [{ put: key, value: (entry?.value ?? '').replace('"closed"', '"abandoned"') }],
    });
    expect(recutReason(await worker.protocol.read(), 'g0')).toBe('ChainBroken');
  });

  it('history 2: a move ends with the publication of the sequence that ends the stay', async () => {
    await preparePartitions(store, 'g0', [0, 1]);
    const giver = await startTestWorker(store, 'g0');
    const taker = await startTestWorker(store, 'g1');
    await giver.open();
    await changePartition(store, 1, { next: { group: 'g1', epoch: 2 } });
    expect(nextStart(await taker.protocol.read(), 'g1')).toEqual({});
    const closed = await giver.cut(7);
    // The receiver reads on at once, from the agreed point; its publication waits for the giver's.
    const taken = await taker.open();
    expect(taken.start).toEqual({ 1: { offset: 7, watermarkMs: 7000, leaderEpoch: 3, epoch: 2 } });
    const takenClosed = await taker.cut(20);
    expect(await taker.publish(takenClosed)).toEqual({ kind: 'refused', then: 'wait' });
    const rest = await giver.open();
    expect(Object.keys(rest.start)).toEqual(['0']);
    expect(await giver.publish(closed)).toMatchObject({ kind: 'published' });
    expect(await partitionState(store, 1)).toMatchObject({ group: 'g1', epoch: 2, offset: 7 });
    expect(await taker.publish(takenClosed)).toMatchObject({ kind: 'published' });
    expect((await partitionState(store, 1)).offset).toBe(20);
  });

  it('a partition that no sequence read when its move was planned is handed over all the same', async () => {
    await preparePartitions(store, 'g0', [0, 1]);
    await changePartition(store, 0, { next: { group: 'g1', epoch: 2 } });
    const giver = await startTestWorker(store, 'g0');
    expect(Object.keys((await giver.open()).start)).toEqual(['0', '1']);
    const closed = await giver.cut(5);
    expect((await partitionState(store, 0)).next).toMatchObject({ group: 'g1', by: closed.n });
    expect(Object.keys((await giver.open()).start)).toEqual(['1']);
    expect(await giver.publish(closed)).toMatchObject({ kind: 'published' });
    expect(await partitionState(store, 0)).toMatchObject({ group: 'g1', epoch: 2, offset: 5 });
  });

  it('a recut of the giver takes the hand-over point back, and the receiver recuts in turn', async () => {
    await preparePartitions(store, 'g0', [0]);
    const giver = await startTestWorker(store, 'g0');
    const taker = await startTestWorker(store, 'g1');
    await giver.open();
    await changePartition(store, 0, { next: { group: 'g1', epoch: 2 } });
    await giver.cut(7);
    await taker.open();
    const recut = await giver.protocol.recut(await giver.protocol.read(), 1);
    expect(recut?.start['0']).toMatchObject({ offset: 0, epoch: 3 });
    expect(await partitionState(store, 0)).toMatchObject({
      group: 'g0',
      epoch: 3,
      next: { group: 'g1', epoch: 4 },
    });
    expect(recutReason(await giver.protocol.read(), 'g0')).toBeUndefined();
    expect(recutReason(await taker.protocol.read(), 'g1')).toBe('EpochChanged');
  });

  it('history 7: a hundred partitions are published in one transaction', async () => {
    const partitions = Array.from({ length: 100 }, (_, p) => p);
    await preparePartitions(store, 'g0', partitions);
    const worker = await startTestWorker(store, 'g0');
    await worker.open();
    const closed = await worker.cut(5);
    let most = 0;
    const transact = store.transact.bind(store);
    store.transact = (transaction) => {
      most = Math.max(most, transaction.compare.length, transaction.writes.length);
      return transact(transaction);
    };
    expect(await worker.publish(closed)).toMatchObject({ kind: 'published' });
    expect(most).toBe(103);
    expect(most).toBeLessThanOrEqual(MAX_TRANSACTION_OPERATIONS);
  });

  it('history 20: an end is written once', async () => {
    await preparePartitions(store, 'g0', [0]);
    const worker = await startTestWorker(store, 'g0');
    await worker.open();
    const snapshot = await worker.protocol.read();
    const open = snapshot.unfinished[0];
    if (open === undefined) throw new Error('nothing is open');
    const end = (
      offset: number,
    ): Record<string, { offset: number; watermarkMs: null; leaderEpoch: number }> => ({
      0: { offset, watermarkMs: null, leaderEpoch: -1 },
    });
    expect(await worker.protocol.close(snapshot, open, end(5))).toBe(true);
    expect(await worker.protocol.close(snapshot, open, end(6))).toBe(false);
  });

  it('numbers are never reused after a recut (history 4), and equal schemas share a revision (history 12)', async () => {
    await preparePartitions(store, 'g0', [0]);
    const worker = await startTestWorker(store, 'g0');
    const first = await worker.open();
    const recut = await worker.protocol.recut(await worker.protocol.read(), 1);
    expect([first.n, recut?.n]).toEqual([1, 2]);
    expect(await worker.protocol.schemaRevision(publishSchema())).toBe(1);
    expect(await worker.protocol.schemaRevision(publishSchema({ rollup: false }))).toBe(2);
    expect(await worker.protocol.schemaRevision(publishSchema())).toBe(1);
  });
});
