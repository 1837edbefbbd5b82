import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { CompiledMetric } from '../../core/spec/compiled.ts';
import { rowView } from '../view/row-view.ts';
import type { NumericColumn } from '../view/view.ts';
import { BlockCache } from './block-cache.ts';
import { buildSegment } from './build.ts';
import { openSegment, type SegmentView } from './reader.ts';
import { readSmooshIndex } from './smoosh.ts';

// Number columns in blocks: sums of whole blocks, of rows of a mask and by slot, decoded or not, and runs that are lent while
// other blocks come and go.

const root = mkdtempSync(join(tmpdir(), 'block-sums-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const T = Date.UTC(2024, 0, 1);
const ROWS = 20_000;
const METRICS: readonly CompiledMetric[] = ['small', 'mixed', 'wide', 'noise'].map((name) => ({
  type: 'longSum',
  name,
  fieldName: name,
}));

/**
 * Block 1 of `mixed` has one value that needs 64 bits, all of `wide` do; `small` has both ends of 32 bits; `noise` cannot be
 * packed, so that two of its blocks are more than is read ahead.
 */
function values(i: number): Record<string, bigint> {
  const ends = [2n ** 31n - 1n, -(2n ** 31n), 0n, -1n, BigInt(i)];
  return {
    small: ends[i % 5] ?? 0n,
    mixed: i === 9000 ? 2n ** 31n : BigInt(i % 7) - 3n,
    wide: 2n ** 62n + BigInt(i),
    noise: BigInt.asIntN(64, BigInt(i + 1) * 0x9e3779b97f4a7c15n ** 3n),
  };
}

async function build(name: string, spec: object, count = ROWS): Promise<string> {
  const rows = Array.from({ length: count }, (_, i) => ({ __time: T + i, ...values(i) }));
  const outDir = join(root, name);
  await buildSegment({
    views: [rowView(rows, { dimensions: [], metrics: METRICS })],
    interval: { startMs: T, endMs: T + 86_400_000 },
    dimensions: [],
    metrics: METRICS,
    rollup: false,
    queryGranularity: { type: 'none' },
    timestampSpec: null,
    indexSpec: {
      bitmap: 'roaring',
      dimensionCompression: 'lz4',
      metricCompression: 'lz4',
      longEncoding: 'longs',
      ...spec,
    },
    outDir,
  });
  return outDir;
}

function longs(view: SegmentView, name: string): NumericColumn {
  const column = view.column(name);
  if (column?.kind !== 'numeric') throw new Error(`${name} is no number column`);
  return column;
}

function sumOf(name: string, from: number, count: number): bigint {
  let sum = 0n;
  for (let i = from; i < from + count; i++) sum += values(i)[name] ?? 0n;
  return sum;
}

const SPECS = [
  {},
  { metricCompression: 'zstd' },
  { metricCompression: 'uncompressed' },
  { metricCompression: 'none' },
  { longEncoding: 'auto' },
];

test.each(SPECS)('whole blocks add up, decoded or not: %o', async (spec) => {
  const dir = await build(`sums-${SPECS.indexOf(spec)}`, spec);
  const isEncoded = 'longEncoding' in spec;
  let known = 0;
  for (const isDecoded of [false, true]) {
    const view = await openSegment(dir, 'x', { cache: new BlockCache(1 << 20) });
    for (const name of ['small', 'mixed', 'wide', 'noise']) {
      const column = longs(view, name);
      for (let from = 0; from < ROWS; from += 8192) {
        const count = Math.min(8192, ROWS - from);
        if (isDecoded) column.intRun?.(from, count);
        for (const _again of [1, 2]) {
          const sum = column.runSum?.(from, count);
          // Blocks of packed longs hold other numbers of rows.
          if (isEncoded && sum === undefined) continue;
          expect(sum).toBe(BigInt.asIntN(64, sumOf(name, from, count)));
          known++;
        }
        if (!isEncoded) {
          expect(column.runSum?.(from, count - 1)).toBe(undefined);
          expect(column.runSum?.(from + 1, count - 1)).toBe(undefined);
        }
      }
    }
    view.close();
  }
  if (!isEncoded) expect(known).toBe(2 * 2 * 4 * 3);
});

test('a lent run stays as it is while other columns push its block out', async () => {
  const dir = await build('lent', {});
  // Room for one block of 8,192 ints: each that is decoded takes the place of the one before.
  const view = await openSegment(dir, 'x', { cache: new BlockCache(40_000) });
  const [small, mixed, wide] = ['small', 'mixed', 'wide'].map((name) => longs(view, name));
  const out = new BigInt64Array(8192);
  let checked = 0;
  for (const from of [0, 8192, 16_384, 0, 8192]) {
    const count = Math.min(8192, ROWS - from);
    const lent = small?.intRun?.(from, count);
    const other = mixed?.intRun?.(from, count);
    for (const start of [16_384, 0, 8192]) wide?.readLongs(start, 100, out);
    mixed?.readLongs((from + 8192) % 16_384, 100, out);
    for (let i = 0; i < count; i++) {
      expect(lent?.[i]).toBe(Number(values(from + i)['small']));
      if (other !== undefined) expect(other[i]).toBe(Number(values(from + i)['mixed']));
      checked++;
    }
  }
  expect(checked).toBe(4 * 8192 + 3616);
  view.close();
});

test('the rows of a mask add up where a block was unpacked, wrapping in 64 bits', async () => {
  const view = await openSegment(await build('masked', {}), 'x', {
    cache: new BlockCache(1 << 20),
  });
  let checked = 0;
  for (const name of ['small', 'mixed', 'wide', 'noise']) {
    for (let from = 0; from < ROWS; from += 8192) {
      const count = Math.min(8192, ROWS - from);
      const words = new Int32Array(256);
      let expected = 0n;
      for (let i = 0; i < count; i++) {
        // Words without a bit, with all, and with some.
        const isSet = i >> 5 === 3 || (i >> 5 !== 4 && (i * 7) % 5 < 2);
        if (!isSet) continue;
        words[i >> 5]! |= 1 << (i & 31);
        expected += values(from + i)[name] ?? 0n;
      }
      const column = longs(view, name);
      expect(column.maskedSum?.(from, count - 1, words)).toBe(undefined);
      expect(column.maskedSum?.(from, count, words)).toBe(BigInt.asIntN(64, expected));
      // The second time the block is worth keeping.
      expect(column.maskedSum?.(from, count, words)).toBe(undefined);
      checked++;
    }
  }
  expect(checked).toBe(12);
  view.close();
});

test('two columns that take turns have the sums of each alone', async () => {
  const view = await openSegment(await build('turns', {}), 'x', { cache: new BlockCache(1 << 20) });
  const words = new Int32Array(256).fill(-1);
  const last = new Int32Array(256).fill(-1);
  last.fill(0, Math.ceil((ROWS - 16_384) / 32));
  let checked = 0;
  for (let from = 0; from < ROWS; from += 8192) {
    const count = Math.min(8192, ROWS - from);
    for (const name of ['small', 'wide', 'mixed']) {
      const sum = longs(view, name).maskedSum?.(from, count, count === 8192 ? words : last);
      expect(sum).toBe(BigInt.asIntN(64, sumOf(name, from, count)));
      checked++;
    }
  }
  expect([checked, (ROWS - 16_384) % 32]).toEqual([9, 0]);
  view.close();
});

test('blocks of which two are more than is read ahead add up', async () => {
  const rows = 5 * 8192;
  const dir = await build('noise', {}, rows);
  const view = await openSegment(dir, 'x', { cache: new BlockCache(1 << 20) });
  const words = new Int32Array(256).fill(-1);
  let checked = 0;
  for (let from = 0; from < rows; from += 8192) {
    const sum = longs(view, 'noise').maskedSum?.(from, 8192, words);
    expect(sum).toBe(BigInt.asIntN(64, sumOf('noise', from, 8192)));
    checked++;
  }
  expect(checked).toBe(5);
  view.close();
});

test('a broken block is no fault of the one before it', async () => {
  const dir = await build('broken', {});
  const index = readSmooshIndex(readFileSync(join(dir, 'meta.smoosh'), 'utf8'));
  if (typeof index === 'string') throw new Error(index);
  const { end = 0 } = index.entries.find(({ name }) => name === 'mixed') ?? {};
  const file = join(dir, '00000.smoosh');
  // Within the last block, which is unpacked along with the second.
  writeFileSync(file, readFileSync(file).fill(0, end - 60, end - 20));
  const view = await openSegment(dir, 'x', { cache: new BlockCache(1 << 20) });
  const words = new Int32Array(256).fill(-1);
  const column = longs(view, 'mixed');
  for (const from of [0, 8192])
    expect(column.maskedSum?.(from, 8192, words)).toBe(sumOf('mixed', from, 8192));
  expect(() => column.maskedSum?.(16_384, ROWS - 16_384, words)).toThrow(
    /'mixed' at offset \d+: lz4/,
  );
  view.close();
});

/** Adds blocks, decoded or not, and says what was put for each slot, and how many blocks were refused. */
function slotSums(
  column: NumericColumn,
  slots: number,
): { add(from: number, slotOf: (row: number) => number): boolean; flush(): Map<number, number> } {
  const got = new Map<number, number>();
  const sums = column.slotSums?.(slots, (slot, sum) => got.set(slot, (got.get(slot) ?? 0) + sum));
  return {
    add(from, slotOf) {
      const count = Math.min(8192, ROWS - from);
      const list = Int32Array.from({ length: 8192 }, (_, i) => (i < count ? slotOf(from + i) : 0));
      return sums?.add(from, count, list) ?? false;
    },
    flush() {
      sums?.flush();
      return got;
    },
  };
}

test('values add up by slot, decoded or not, whoever else uses the table meanwhile', async () => {
  const view = await openSegment(await build('slots', {}), 'x', { cache: new BlockCache(1 << 20) });
  const mixed = longs(view, 'mixed');
  let checked = 0;
  for (const _round of ['undecoded', 'decoded']) {
    const [slots, others] = [5000, 3000];
    const one = slotSums(mixed, slots);
    const two = slotSums(longs(view, 'wide'), others);
    const added: number[] = [];
    for (const from of [0, 8192, 16_384]) {
      if (one.add(from, (row) => (row * 31) % slots)) added.push(from);
      // Its values are beyond what is added in this way.
      expect(two.add(from, (row) => row % others)).toBe(false);
    }
    // Block 1 has a value of 2^31: 8,192 such could not be told from the counts, and no further block is tried.
    expect(added).toEqual([0]);
    const expected = new Map<number, number>();
    for (const from of added)
      for (let row = from; row < Math.min(ROWS, from + 8192); row++) {
        const slot = (row * 31) % slots;
        expected.set(slot, (expected.get(slot) ?? 0) + Number(values(row)['mixed']));
      }
    expect(one.flush()).toEqual(expected);
    checked += expected.size;
  }
  expect(checked).toBe(10_000);
  const three = slotSums(mixed, 4000);
  const four = slotSums(mixed, 4000);
  for (const from of [0, 16_384]) {
    expect(three.add(from, () => 7)).toBe(true);
    expect(four.add(from, () => 8)).toBe(true);
  }
  const sum = Number(sumOf('mixed', 0, 8192) + sumOf('mixed', 16_384, ROWS - 16_384));
  expect([[...three.flush()], [...four.flush()]]).toEqual([[[7, sum]], [[8, sum]]]);
  expect(mixed.slotSums?.(131_073, () => undefined)).toBe(undefined);
  view.close();
});
