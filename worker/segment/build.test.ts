import fc from 'fast-check';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type {
  CompiledDimension,
  CompiledIndexSpec,
  CompiledMetric,
} from '../../core/spec/compiled.ts';
import { type Row, rowView } from '../view/row-view.ts';
import type { View } from '../view/view.ts';
import { BlockCache } from './block-cache.ts';
import { buildSegment } from './build.ts';
import type { BuildOptions, BuiltSegment } from './build-options.ts';
import { dumpSegment } from './dump.ts';
import { openSegment, type SegmentView } from './reader.ts';
import { validateSegment } from './validate.ts';

// Random rows through build and reader against a model of a few lines; pieces merged against their union.

const root = mkdtempSync(join(tmpdir(), 'build-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;

const DAY = { startMs: Date.UTC(2024, 0, 1), endMs: Date.UTC(2024, 0, 2) };
const LZ4: CompiledIndexSpec = {
  bitmap: 'roaring',
  dimensionCompression: 'lz4',
  metricCompression: 'lz4',
  longEncoding: 'longs',
};
const dimension = (name: string, type: CompiledDimension['type']): CompiledDimension => ({
  name,
  type,
  createBitmapIndex: name !== 'plain',
  multiValueHandling: 'sorted_array',
});
const DIMENSIONS = [
  dimension('s', 'string'),
  dimension('mv', 'string'),
  dimension('l', 'long'),
  dimension('d', 'double'),
  dimension('f', 'float'),
  dimension('plain', 'string'),
  dimension('gone', 'string'),
];
const METRICS: CompiledMetric[] = [
  { type: 'count', name: 'n', fieldName: '' },
  { type: 'longSum', name: 'sum', fieldName: 'x' },
  { type: 'doubleMin', name: 'low', fieldName: 'x' },
  { type: 'floatMax', name: 'high', fieldName: 'x' },
  { type: 'doubleSum', name: 'dsum', fieldName: 'x' },
];

// Values whose order differs between UTF-8 and UTF-16, share long prefixes, or are empty.
const text = fc.oneof(
  fc.constantFrom(
    '',
    'a',
    'ab',
    'a\u0000',
    'é',
    '\uffff',
    '\u{10000}',
    'prefix-prefix-1',
    'prefix-prefix-2',
  ),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
);
const quarter = fc.integer({ min: -40, max: 40 }).map((n) => n / 4);
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { freq: 4 });
const long = fc.oneof(
  fc.bigInt({ min: -3n, max: 3n }),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
);
const row: fc.Arbitrary<Row> = fc.record({
  __time: fc.integer({ min: 0, max: 4 }).map((n) => DAY.startMs + n * 3_600_000),
  s: maybe(text),
  mv: fc.oneof(maybe(text), fc.array(maybe(fc.constantFrom('x', 'y', 'z')), { maxLength: 3 })),
  l: maybe(long),
  d: maybe(fc.oneof(quarter, fc.constantFrom(-0, NaN, Infinity, -Infinity))),
  f: maybe(quarter),
  plain: maybe(fc.constantFrom('p', 'q')),
  n: fc.constant(1),
  sum: maybe(fc.bigInt({ min: -5n, max: 5n })),
  low: maybe(quarter),
  high: maybe(quarter),
  dsum: maybe(quarter),
});

function viewOf(rows: readonly Row[], inAppearance: boolean): View {
  return rowView(rows, {
    dimensions: DIMENSIONS,
    metrics: METRICS,
    interval: DAY,
    sortedDictionaries: !inAppearance,
    bitmaps: !inAppearance,
  });
}

async function build(
  views: readonly View[],
  rollup: boolean,
  more: Partial<BuildOptions> = {},
): Promise<BuiltSegment> {
  return buildSegment({
    views: views.map((view) => ({
      ...view,
      timeSorted: 'dir' in view,
      column: view.column.bind(view),
      readTimes: view.readTimes.bind(view),
    })),
    interval: DAY,
    dimensions: DIMENSIONS,
    metrics: METRICS,
    rollup,
    queryGranularity: { type: 'none' },
    timestampSpec: null,
    indexSpec: LZ4,
    outDir: join(root, String(folders++)),
    ...more,
  });
}

async function rowsOf(dir: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of dumpSegment(dir, { rows: true })) lines.push(line);
  return lines.slice(1);
}

// ---------------------------------------------------------------- the model

function listOf(value: unknown): (string | null)[] {
  const list = Array.isArray(value)
    ? [...(value as (string | null)[])]
    : [(value ?? null) as string | null];
  // A list of nulls alone is stored as one.
  if (list.every((item) => item === null)) return list.slice(0, 1);
  return list.toSorted(compareText);
}

function compareText(a: string | null, b: string | null): number {
  if (a === b) return 0;
  if (a === null || b === null) return a === null ? -1 : 1;
  return a < b ? -1 : 1;
}

function compareNumbers(a: unknown, b: unknown): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? -1 : 1;
  if (typeof a === 'bigint' && typeof b === 'bigint') return a < b ? -1 : a > b ? 1 : 0;
  // Java's total order of doubles, as bits.
  const bits = (x: unknown): bigint => {
    const value = new BigInt64Array(Float64Array.of(Number(x)).buffer)[0] ?? 0n;
    return value < 0n ? value ^ 0x7fffffffffffffffn : value;
  };
  return bits(a) < bits(b) ? -1 : bits(a) > bits(b) ? 1 : 0;
}

function compareLists(a: unknown, b: unknown): number {
  const trim = (value: unknown): (string | null)[] => {
    const list = listOf(value);
    return list.every((item) => item === null) ? [] : list;
  };
  const [x, y] = [trim(a), trim(b)];
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    const order = compareText(x[i] ?? null, y[i] ?? null);
    if (order !== 0) return order;
  }
  return x.length - y.length;
}

function compareDimensions(a: Row, b: Row): number {
  return (
    a.__time - b.__time ||
    compareText((a['s'] ?? null) as string | null, (b['s'] ?? null) as string | null) ||
    compareLists(a['mv'], b['mv']) ||
    compareNumbers(a['l'], b['l']) ||
    compareNumbers(a['d'], b['d']) ||
    compareNumbers(a['f'], b['f']) ||
    compareText((a['plain'] ?? null) as string | null, (b['plain'] ?? null) as string | null)
  );
}

function compareRows(a: Row, b: Row): number {
  const names = METRICS.map((metric) => metric.name).toSorted();
  const byMetrics = names.map((name) => compareNumbers(metricOf(a, name), metricOf(b, name)));
  return (
    compareDimensions(a, b) ||
    (byMetrics.find((order) => order !== 0) ?? 0) ||
    lengthOf(a) - lengthOf(b)
  );
}

const lengthOf = (item: Row): number => listOf(item['mv']).length;

function metricOf(item: Row, name: string): number | bigint | null {
  const value = (item[name] ?? null) as number | bigint | null;
  return name === 'n' && value !== null ? BigInt(value) : value;
}

function rollUp(rows: readonly Row[]): Row[] {
  const out: Row[] = [];
  for (const item of rows.toSorted(
    (a, b) => compareDimensions(a, b) || lengthOf(a) - lengthOf(b),
  )) {
    const last = out.at(-1);
    if (last === undefined || compareDimensions(last, item) !== 0) {
      out.push(item);
      continue;
    }
    const folded = METRICS.map(({ name, type }) => [
      name,
      fold(type, metricOf(last, name), metricOf(item, name)),
    ]);
    out[out.length - 1] = { ...last, ...Object.fromEntries(folded) };
  }
  return out;
}

function fold(
  type: string,
  a: number | bigint | null,
  b: number | bigint | null,
): number | bigint | null {
  if (a === null || b === null) return a ?? b;
  if (type.endsWith('Min')) return a < b ? a : b;
  if (type.endsWith('Max')) return a > b ? a : b;
  return typeof a === 'bigint' && typeof b === 'bigint'
    ? BigInt.asIntN(64, a + b)
    : Number(a) + Number(b);
}

function lineOf(item: Row): string {
  const number = (value: unknown): string => {
    if (value === null || value === undefined) return 'null';
    if (typeof value === 'number' && !Number.isFinite(value)) return `"${value}"`;
    return Object.is(value, -0) ? '-0.0' : String(value as number);
  };
  const list = (value: unknown): string => {
    const items = listOf(value);
    return JSON.stringify(items.length > 1 ? items : (items[0] ?? null));
  };
  const cells = DIMENSIONS.map(
    ({ name, type }) => `"${name}":${(type === 'string' ? list : number)(item[name])}`,
  );
  const sorted = METRICS.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return `{"__time":${item.__time},${[...cells, ...sorted.map((m) => `"${m.name}":${number(item[m.name])}`)].join(',')}}`;
}

const expected = (rows: readonly Row[], rollup: boolean): string[] =>
  (rollup ? rollUp(rows) : rows.toSorted(compareRows)).map(lineOf);

// ---------------------------------------------------------------- tests

test('what is built reads back, is in order, and is valid', async () => {
  let checked = 0;
  const property = fc.asyncProperty(
    fc.array(row, { minLength: 1, maxLength: 40 }),
    fc.boolean(),
    fc.boolean(),
    async (rows, rollup, inAppearance) => {
      const built = await build([viewOf(rows, inAppearance)], rollup);
      const lines = expected(rows, rollup);
      expect(await rowsOf(built.dir)).toEqual(lines);
      expect(built.rows).toBe(lines.length);
      expect(await validateSegment(built.dir)).toEqual({ ok: true, rows: lines.length });
      const sizes = readdirSync(built.dir).map(
        (name) => readFileSync(join(built.dir, name)).length,
      );
      expect(built.sizeBytes).toBe(sizes.reduce((a, b) => a + b, 0));
      checked++;
    },
  );
  await fc.assert(property, { numRuns: 60 });
  expect(checked).toBe(60);
});

test('merging pieces writes the bytes of building the union', async () => {
  const cache = new BlockCache(1 << 20);
  let pieces = 0;
  const property = fc.asyncProperty(
    fc.array(fc.tuple(row, fc.nat(3)), { minLength: 1, maxLength: 40 }),
    fc.boolean(),
    async (tagged, rollup) => {
      const rows = tagged.map(([item]) => item);
      const whole = await build([viewOf(rows, false)], rollup);
      const views: View[] = [];
      const hydrants: SegmentView[] = [];
      for (const piece of [0, 1, 2, 3]) {
        const part = tagged.filter(([, tag]) => tag === piece).map(([item]) => item);
        if (part.length === 0) continue;
        // The last piece stays in memory, as the index does when a sequence ends.
        if (piece === 3) views.push(viewOf(part, true));
        else {
          const hydrant = await openSegment((await build([viewOf(part, true)], rollup)).dir, 'h', {
            cache,
          });
          hydrants.push(hydrant);
          views.push(hydrant);
        }
        pieces++;
      }
      const merged = await build(views, rollup);
      for (const hydrant of hydrants) hydrant.close();
      for (const name of readdirSync(whole.dir)) {
        const [a, b] = [whole, merged].map(({ dir }) => readFileSync(join(dir, name)));
        expect(b !== undefined && a?.equals(b), name).toBe(true);
      }
    },
  );
  await fc.assert(property, { numRuns: 60 });
  expect(pieces).toBeGreaterThan(60);
  expect(cache.bytes).toBe(0);
});

test('every index setting that is written reads the same', async () => {
  const rows = fc.sample(row, { numRuns: 300, seed: 7 });
  const settings: Partial<CompiledIndexSpec>[] = [
    { dimensionCompression: 'uncompressed', metricCompression: 'none' },
    { dimensionCompression: 'zstd', metricCompression: 'zstd' },
    { metricCompression: 'uncompressed' },
    { dimensionCompression: 'lzf', metricCompression: 'lzf' },
    { bitmap: 'concise' },
    { longEncoding: 'auto' },
    { longEncoding: 'auto', metricCompression: 'none' },
  ];
  for (const setting of settings) {
    const built = await build([viewOf(rows, true)], false, { indexSpec: { ...LZ4, ...setting } });
    expect(await rowsOf(built.dir)).toEqual(expected(rows, false));
    expect(await validateSegment(built.dir)).toEqual({ ok: true, rows: rows.length });
  }
});

test('many rows: several blocks of every column, ids of one to three bytes', async () => {
  const rows = Array.from({ length: 70_000 }, (_, i) => ({
    __time: DAY.startMs + (i % 1000),
    s: `v${(i * 7919) % 70_000}`,
    mv: i % 3 === 0 ? [`a${i % 300}`, 'z'] : `a${i % 300}`,
    l: i % 5 === 0 ? null : i,
    plain: i < 100 ? null : 'p',
    n: 1,
  }));
  const built = await build([viewOf(rows, true)], false);
  expect(await validateSegment(built.dir)).toEqual({ ok: true, rows: 70_000 });
  expect((await rowsOf(built.dir)).toSorted()).toEqual(rows.map(lineOf).toSorted());
});

test('an input in another order than its own says is sorted first', async () => {
  const rows = fc.sample(row, { numRuns: 50, seed: 3 });
  const other = [...DIMENSIONS].reverse();
  const cache = new BlockCache(1 << 20);
  const first = await build([viewOf(rows, true)], true, { dimensions: other });
  const view = await openSegment(first.dir, 'x', { cache });
  const second = await build([view], true);
  view.close();
  expect(await rowsOf(second.dir)).toEqual(expected(rows, true));
});

test('columns that an input lacks are null, and longs widen to what the segment has', async () => {
  const a = rowView([{ __time: DAY.startMs, x: 5n }], {
    dimensions: [{ name: 'x', type: 'long' }],
  });
  const b = rowView([{ __time: DAY.startMs, x: 'text', y: 'only here' }], {
    dimensions: [{ name: 'x' }, { name: 'y' }],
  });
  const more = { dimensions: [dimension('x', 'string'), dimension('y', 'string')], metrics: [] };
  const built = await build([a, b], true, more);
  expect(await rowsOf(built.dir)).toEqual([
    `{"__time":${DAY.startMs},"x":"5","y":null}`,
    `{"__time":${DAY.startMs},"x":"text","y":"only here"}`,
  ]);
  const wide = { dimensions: [dimension('x', 'double')], metrics: [] };
  expect(await rowsOf((await build([a], true, wide)).dir)).toEqual([
    `{"__time":${DAY.startMs},"x":5}`,
  ]);
});

test('lists keep their order or lose repetitions as the dimension says', async () => {
  const rows = [{ __time: DAY.startMs, s: ['b', 'a', 'b'] }];
  const handle = async (
    multiValueHandling: CompiledDimension['multiValueHandling'],
  ): Promise<string[]> => {
    const dimensions = [{ ...dimension('s', 'string'), multiValueHandling }];
    return rowsOf((await build([viewOf(rows, true)], true, { dimensions, metrics: [] })).dir);
  };
  expect(await handle('array')).toEqual([`{"__time":${DAY.startMs},"s":["b","a","b"]}`]);
  expect(await handle('sorted_array')).toEqual([`{"__time":${DAY.startMs},"s":["a","b","b"]}`]);
  expect(await handle('sorted_set')).toEqual([`{"__time":${DAY.startMs},"s":["a","b"]}`]);
});

test('what cannot be written is refused by name, and leaves nothing behind', async () => {
  const view = viewOf([{ __time: DAY.startMs, s: 'a' }], true);
  const refused = async (more: Partial<BuildOptions>, message: RegExp): Promise<void> => {
    const outDir = join(root, 'refused');
    await expect(build([view], true, { outDir, ...more })).rejects.toThrow(message);
    expect(readdirSync(root)).not.toContain('refused');
  };
  await refused({ dimensions: [dimension('a,b', 'string')] }, /"a,b"/);
  await refused({ dimensions: [dimension('n', 'string')] }, /"n".*twice/);
  await refused({ views: [] }, /at least one row/);
  await refused({ interval: { startMs: 0, endMs: 1 } }, /not within/);
  let asked = 0;
  await refused({ shouldStop: () => ++asked > 3 }, /was stopped/);
  expect(asked).toBe(4);
});
