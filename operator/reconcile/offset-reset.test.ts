import { afterEach, beforeEach, expect, test } from 'vitest';
import { ingestionKeys } from '../../core/metadata/keys.ts';
import { CODECS } from '../../core/metadata/codecs.ts';
import type { PartitionState } from '../../core/metadata/values.ts';
import type { CompiledIngestion } from '../../core/spec/compiled.ts';
import { lossyStore, type LossyStore } from '../../test/builders/publish-group.ts';
import type { StreamInspector } from './cluster.ts';
import { resetOffsets } from './offset-reset.ts';

const REF = { namespace: 'n', name: 'i', uid: 'u' };
const KEYS = ingestionKeys(REF);
const SIGNAL = new AbortController().signal;
// Only the source is looked at.
const INGESTION = {
  source: { type: 'kafka', start: { from: 'Earliest' } },
} as unknown as CompiledIngestion;
const STREAM: StreamInspector = {
  identity: () => Promise.reject(new Error('not asked')),
  resolve: (partitions) => Promise.resolve(new Map(partitions.map((p) => [p, 100 + p]))),
  close: () => Promise.resolve(),
};

let store: LossyStore;
beforeEach(() => {
  store = lossyStore();
});
afterEach(() => store.close());

async function put(partition: number, state: Partial<PartitionState>): Promise<void> {
  const value = CODECS.partition.encode({
    topicId: 't',
    offset: 5000,
    watermarkMs: 7,
    leaderEpoch: 3,
    group: 'g0',
    epoch: 4,
    skipped: [],
    ...state,
  });
  await store.transact({
    compare: [],
    writes: [{ put: KEYS.partition('topic', partition), value }],
  });
}
async function get(partition: number): Promise<PartitionState> {
  const key = KEYS.partition('topic', partition);
  const entry = await store.get(key);
  return CODECS.partition.decode(entry?.value ?? '', key);
}
const reset = (token: string): Promise<number> =>
  resetOffsets(store, { ref: REF, ingestion: INGESTION, stream: STREAM, token, nowMs: 1 }, SIGNAL);

test('every partition starts anew, fenced, with a record of what was skipped; a request fires once', async () => {
  await put(0, {});
  await put(1, {
    next: { group: 'g1', epoch: 5, by: 3, from: { offset: 9, watermarkMs: 1, leaderEpoch: 1 } },
  });
  expect(await reset('a')).toBe(2);
  expect(await get(0)).toMatchObject({ offset: 100, epoch: 5, watermarkMs: null, leaderEpoch: -1 });
  expect((await get(0)).skipped).toEqual([
    { from: 5000, to: 100, reason: 'ResetRequested: a', atMs: 1 },
  ]);
  // A move under way goes on from the new offset, with a hand-over still to come.
  expect(await get(1)).toMatchObject({ offset: 101, epoch: 6, next: { group: 'g1', epoch: 7 } });
  expect((await get(1)).next?.from).toBeUndefined();
  expect(await reset('a')).toBe(0);
  expect(await reset('b')).toBe(2);
  expect((await get(0)).skipped).toHaveLength(2);
});

test('a crash in the middle resumes: what was reset is not reset again', async () => {
  await put(0, {});
  await put(1, {});
  await put(2, { skipped: [{ from: 1, to: 102, reason: 'ResetRequested: a', atMs: 0 }] });
  expect(await reset('a')).toBe(2);
  expect(await get(2)).toMatchObject({ offset: 5000, epoch: 4 });
});
