import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { type ComplexAggregator, complexKind } from '../../core/complex/complex-kind.ts';
import { HllSketch } from '../../core/complex/hll-sketch.ts';
import { QuantilesSketch } from '../../core/complex/quantiles-sketch.ts';
import { thetaHasher, thetaOfBytes, ThetaSketch } from '../../core/complex/theta-sketch.ts';
import { readPair, TimePair } from '../../core/complex/time-pair.ts';
import type { CompiledMetric } from '../../core/spec/compiled.ts';
import { rowComplexColumn } from '../view/row-columns.ts';
import { rowView } from '../view/row-view.ts';
import type { ComplexColumn, View } from '../view/view.ts';
import { BlockCache } from './block-cache.ts';
import { buildSegment } from './build.ts';
import { openSegment, type SegmentView } from './reader.ts';
import { validateSegment } from './validate.ts';

// Complex columns through build, reader and merge: combined when rows roll up, else copied byte for byte.

const root = mkdtempSync(join(tmpdir(), 'objects-'));
const opened: SegmentView[] = [];
afterAll(() => {
  for (const view of opened) view.close();
  rmSync(root, { recursive: true, force: true });
});
let folders = 0;

const DAY = { startMs: Date.UTC(2024, 0, 1), endMs: Date.UTC(2024, 0, 2) };
const DIMENSIONS = [
  { name: 's', type: 'string', createBitmapIndex: true, multiValueHandling: 'sorted_array' },
] as const;
const METRICS: readonly CompiledMetric[] = [
  { type: 'thetaSketch', name: 'theta', fieldName: 'x', size: 64 },
  { type: 'HLLSketchBuild', name: 'hll', fieldName: 'x', lgK: 8, tgtHllType: 'HLL_6' },
  { type: 'quantilesDoublesSketch', name: 'quantiles', fieldName: 'x', k: 16 },
  { type: 'hyperUnique', name: 'unique', fieldName: 'x' },
  { type: 'longFirst', name: 'first', fieldName: 'x' },
  { type: 'floatLast', name: 'last', fieldName: 'x' },
  { type: 'stringLast', name: 'text', fieldName: 'x', maxStringBytes: 4 },
];

/** The stored object of the value `x` seen at a time, per metric. */
function objectOf(metric: ComplexAggregator, x: number, timeMs: number): Uint8Array | null {
  const kind = complexKind(metric);
  const value = kind?.make();
  if (kind === undefined || value === undefined) throw new Error(metric.type);
  const hash = { low: 0, high: 0 };
  const text = Buffer.from(`v${x}`);
  if (value instanceof QuantilesSketch) value.add(x);
  else if (value instanceof TimePair && value.offer(timeMs)) {
    if (value.type === 'LONG') value.setLong(x, 0);
    else if (value.type === 'FLOAT') value.setDouble(x);
    else value.setText(text, 0, text.length);
  } else if (kind.input.kind === 'hashes' && kind.input.hasher.text(text, 0, text.length, hash)) {
    (value as ThetaSketch).addHash(hash.low, hash.high);
  }
  return kind.stored(value) ?? null;
}

/** Rows of the numbers `xs`: time by hour 0 to 3, `s` one of two; the raw time grows with x. */
function viewOf(xs: readonly number[]): View {
  const rows = xs.map((x) => ({
    __time: DAY.startMs + (x % 4) * 3_600_000,
    s: x % 2 === 0 ? 'a' : 'b',
    ...Object.fromEntries(METRICS.map((m) => [m.name, objectOf(m, x, DAY.startMs + x)])),
  }));
  return rowView(rows, { dimensions: DIMENSIONS, metrics: METRICS, interval: DAY });
}

async function build(
  views: readonly View[],
  rollup: boolean,
  metrics: readonly CompiledMetric[] = METRICS,
  isSound = true,
): Promise<SegmentView> {
  const outDir = join(root, String(folders++));
  await buildSegment({
    views,
    interval: DAY,
    dimensions: DIMENSIONS,
    metrics,
    rollup,
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
  if (isSound) expect(await validateSegment(outDir)).toMatchObject({ ok: true });
  const view = await openSegment(outDir, 'x', { cache: new BlockCache(1 << 22) });
  opened.push(view);
  return view;
}

function objects(view: View, name: string): ComplexColumn {
  const column = view.column(name);
  if (column?.kind !== 'complex') throw new Error(`${name} is not complex`);
  return column;
}

function bytesOf(view: View, name: string): string[] {
  const column = objects(view, name);
  return Array.from({ length: view.rows }, (_, row) =>
    Buffer.from(column.readBytes(row) ?? []).toString('hex'),
  );
}

const numbers = (n: number, part: number, parts: number): number[] =>
  Array.from({ length: n }, (_, x) => x).filter((x) => x % parts === part);

test('rows that roll up are combined, whatever pieces they came in', async () => {
  const n = 3000;
  const parts = [0, 1, 2, 3, 4].map((part) => viewOf(numbers(n, part, 5)));
  const hydrants = [];
  for (const part of parts) hydrants.push(await build([{ ...part, timeSorted: false }], true));
  const merged = await build(hydrants, true);
  expect(merged.rows).toBe(4);
  expect(merged.metadata.aggregators?.map(({ type }) => type)).toEqual([
    'longFirst',
    'HLLSketchMerge',
    'floatLast',
    'quantilesDoublesSketchMerge',
    'stringLast',
    'thetaSketch',
    'hyperUnique',
  ]);
  for (let hour = 0; hour < 4; hour++) {
    const mine = numbers(n, hour, 4);
    const at = (name: string): Uint8Array =>
      Uint8Array.from(objects(merged, name).readBytes(hour) ?? []);
    const theta = new ThetaSketch(64);
    const hash = { low: 0, high: 0 };
    for (const x of mine) {
      const text = Buffer.from(`v${x}`);
      if (thetaHasher.text(text, 0, text.length, hash)) theta.addHash(hash.low, hash.high);
    }
    expect(Buffer.from(at('theta'))).toEqual(Buffer.from(theta.toBytes()));
    expect(thetaOfBytes(at('theta')).estimate()).toBe(theta.estimate());
    expect(Math.abs(HllSketch.ofBytes(at('hll')).estimate() / mine.length - 1)).toBeLessThan(0.2);
    const quantiles = QuantilesSketch.ofBytes(at('quantiles'));
    expect([quantiles.n, quantiles.min, quantiles.max]).toEqual([mine.length, hour, mine.at(-1)]);
    expect(readPair('LONG', at('first'))).toEqual({
      timeMs: DAY.startMs + hour,
      value: BigInt(hour),
    });
    const last = mine.at(-1) ?? 0;
    expect(readPair('FLOAT', at('last'))).toEqual({ timeMs: DAY.startMs + last, value: last });
    expect(readPair('STRING', at('text')).value).toBe(`v${last}`.slice(0, 4));
  }
});

test('without rollup objects are copied byte for byte, over many blocks of pairs', async () => {
  const n = 20_000;
  const whole = await build([{ ...viewOf(numbers(n, 0, 1)), timeSorted: false }], false);
  const parts = [];
  for (const part of [0, 1, 2])
    parts.push(await build([{ ...viewOf(numbers(n, part, 3)), timeSorted: false }], false));
  const merged = await build(parts, false);
  expect(merged.rows).toBe(n);
  for (const { name } of METRICS)
    expect(bytesOf(merged, name).toSorted(), name).toEqual(bytesOf(whole, name).toSorted());
});

test('parameters that cannot be make a type that is not combined', () => {
  for (const more of [
    { size: 7 },
    { size: 2 ** 30 },
    { lgK: 99 },
    { k: 3 },
    { maxStringBytes: -1 },
  ])
    expect(complexKind({ type: 'HLLSketchMerge', ...more })).toBe(undefined);
  expect(complexKind({ type: 'HLLSketchMerge', lgK: 11 })?.typeName).toBe('HLLSketch');
});

/** A view with a column `odd` of a type nobody knows. */
function withOdd(xs: readonly number[]): View {
  const view = viewOf(xs);
  const values = xs.map((x) => (x % 3 === 0 ? null : Buffer.from(`odd ${x}`)));
  const odd = rowComplexColumn('odd', 'tDigestSketch', values);
  return {
    ...view,
    timeSorted: false,
    metrics: [...view.metrics, 'odd'],
    metadata: {
      ...view.metadata,
      aggregators: [
        ...(view.metadata.aggregators ?? []),
        { type: 'tDigestSketch', name: 'odd', fieldName: 'odd' },
      ],
    },
    column: (name) => (name === 'odd' ? odd : view.column(name)),
  };
}

test('an unknown type is copied without rollup and refused by name with it', async () => {
  const merged = await build([withOdd([1, 2, 3, 5]), viewOf([4])], false);
  expect(merged.metrics).toContain('odd');
  expect(objects(merged, 'odd').typeName).toBe('tDigestSketch');
  const found = bytesOf(merged, 'odd').map((hex) => Buffer.from(hex, 'hex').toString());
  expect(found.toSorted()).toEqual(['', '', 'odd 1', 'odd 2', 'odd 5']);
  expect(merged.metadata.aggregators).toContainEqual({
    type: 'tDigestSketch',
    name: 'odd',
    fieldName: 'odd',
  });
  await expect(build([withOdd([1, 2])], true)).rejects.toThrow(
    expect.objectContaining({
      kind: 'config',
      code: 'ColumnNotMergeable',
      message: expect.stringMatching(/'odd'.*tDigestSketch/) as string,
    }),
  );
});

test('a known column that nobody asked for is combined by what the input says of it', async () => {
  const parts = [];
  for (const part of [0, 1])
    parts.push(await build([{ ...viewOf(numbers(100, part, 2)), timeSorted: false }], true));
  const merged = await build(parts, true, []);
  expect(merged.metrics).toEqual(METRICS.map(({ name }) => name).toSorted());
  expect(merged.metadata.aggregators).toEqual(
    (await build(parts, true)).metadata.aggregators?.map((aggregator) => ({ ...aggregator })),
  );
});

test('inputs that differ in type are refused by name', async () => {
  const other: CompiledMetric[] = [{ type: 'hyperUnique', name: 'theta', fieldName: 'x' }];
  await expect(build([viewOf([1])], true, other)).rejects.toThrow(
    /'theta'.*thetaSketch.*hyperUnique/,
  );
});

test('a damaged object is found by validation, and a merge names file, column and row', async () => {
  const bad = Buffer.from([3, 3, 3, 0, 0, 0x1a, 0xcc, 0x93, 9, 0, 0, 0]);
  const rows = [1, 5].map((x) => ({ __time: DAY.startMs, s: 'b', theta: x === 5 ? bad : null }));
  const metrics = METRICS.slice(0, 1);
  const view = rowView(rows, { dimensions: DIMENSIONS, metrics, interval: DAY });
  const segment = await build([view], false, metrics, false);
  const row = [0, 1].find((i) => objects(segment, 'theta').readBytes(i) !== undefined);
  expect(await validateSegment(segment.dir)).toEqual({
    ok: false,
    defect: expect.stringMatching(
      new RegExp(`column 'theta': row ${row}: thetaSketch object at byte`),
    ) as string,
  });
  await expect(build([segment], true, metrics)).rejects.toThrow(
    expect.objectContaining({
      kind: 'corrupt',
      code: 'SegmentCorrupt',
      message: expect.stringMatching(
        new RegExp(`file 'theta' at offset \\d+, row ${row}: thetaSketch`),
      ) as string,
    }),
  );
});
