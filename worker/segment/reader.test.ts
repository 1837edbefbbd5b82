import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { rowView } from '../view/row-view.ts';
import { BlockCache } from './block-cache.ts';
import { buildSegment } from './build.ts';
import { openSegment } from './reader.ts';

const root = mkdtempSync(join(tmpdir(), 'reader-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const T = Date.UTC(2024, 0, 1);
const DIMENSION = {
  name: 'd',
  type: 'string',
  createBitmapIndex: true,
  multiValueHandling: 'array',
} as const;

async function build(name: string, rows: number): Promise<string> {
  const items = Array.from({ length: rows }, (_, i) => ({ __time: T + i, d: `v${i % 5000}` }));
  const outDir = join(root, name);
  await buildSegment({
    views: [rowView(items, { dimensions: [{ name: 'd' }] })],
    interval: { startMs: T, endMs: T + 86_400_000 },
    dimensions: [DIMENSION],
    metrics: [],
    rollup: false,
    queryGranularity: { type: 'none' },
    timestampSpec: null,
    indexSpec: {
      bitmap: 'roaring',
      dimensionCompression: 'lz4',
      metricCompression: 'lz4',
      longEncoding: 'longs',
    },
    outDir,
  });
  return outDir;
}

test('columns open once, live as long as the view, and outlive the folder', async () => {
  const dir = await build('life', 100);
  const view = await openSegment(dir, 'the-id', { cache: new BlockCache(1 << 20) });
  expect([view.segmentId, view.rows, view.minTimeMs, view.maxTimeMs]).toEqual([
    'the-id',
    100,
    T,
    T + 99,
  ]);
  expect(view.column('none')).toBeUndefined();
  expect(view.column('__time')).toBeUndefined();
  rmSync(dir, { recursive: true });
  const column = view.column('d');
  expect(view.column('d')).toBe(column);
  if (column?.kind !== 'string') throw new Error('d is not a string column');
  const ids = new Int32Array(2);
  column.readIds(98, 2, ids);
  expect([...ids].map((id) => column.dictionary.value(id))).toEqual(['v98', 'v99']);
  expect(() => column.readIds(99, 2, ids)).toThrow(/rows 99 \+ 2 of 100/);
  view.close();
  view.close();
  expect(() => view.column('d')).toThrow(/is closed/);
  await expect(openSegment(dir, 'x', { cache: new BlockCache(1) })).rejects.toMatchObject({
    kind: 'corrupt',
    code: 'SegmentCorrupt',
  });
});

test('a cache of a few blocks is enough for any number of rows', async () => {
  const rows = 200_000;
  const cache = new BlockCache(200_000);
  const view = await openSegment(await build('small-cache', rows), 'x', { cache });
  const column = view.column('d');
  if (column?.kind !== 'string') throw new Error('d is not a string column');
  const times = new Float64Array(8192);
  const ids = new Int32Array(8192);
  let checked = 0;
  for (let from = 0; from < rows; from += 8192) {
    const n = Math.min(8192, rows - from);
    view.readTimes(from, n, times);
    column.readIds(from, n, ids);
    for (let i = 0; i < n; i++) if (times[i] === T + from + i && (ids[i] ?? -1) >= 0) checked++;
    expect(cache.bytes).toBeLessThanOrEqual(200_000);
  }
  expect(checked).toBe(rows);
  const words = new Int32Array(Math.ceil(rows / 32));
  column.orBitmap(column.dictionary.idOf('v4999'), words);
  expect(column.bitmapRows(column.dictionary.idOf('v4999'))).toBe(40);
  expect((words[4999 >> 5] ?? 0) & (1 << (4999 & 31))).not.toBe(0);
  view.close();
  expect(cache.bytes).toBe(0);
});

test('a declared order that does not start with time is not taken for one', async () => {
  const dir = await build('by-dimension', 10);
  const path = join(dir, '00000.smoosh');
  const item = (name: string): string => `{"columnName":"${name}","order":"ascending"}`;
  const text = readFileSync(path, 'latin1');
  writeFileSync(
    path,
    text.replace(`${item('__time')},${item('d')}`, `${item('d')},${item('__time')}`),
    'latin1',
  );
  const view = await openSegment(dir, 'x', { cache: new BlockCache(1 << 20) });
  expect([view.timeSorted, view.minTimeMs, view.maxTimeMs]).toEqual([false, T, T + 9]);
  view.close();
});

test('a folder in use is not written over', async () => {
  await build('taken', 1);
  await expect(build('taken', 1)).rejects.toMatchObject({
    kind: 'transient',
    code: 'SegmentUnwritable',
  });
  const view = await openSegment(join(root, 'taken'), 'x', { cache: new BlockCache(1 << 20) });
  expect(view.rows).toBe(1);
  view.close();
});
