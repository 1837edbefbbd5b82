import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { type Row, rowView } from '../view/row-view.ts';
import { buildSegment } from './build.ts';
import { dumpSegment } from './dump.ts';
import { validateSegment } from './validate.ts';

const root = mkdtempSync(join(tmpdir(), 'validate-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const T = Date.UTC(2024, 0, 1);
const ROWS = [
  { __time: T, d: null, mv: ['x', 'y'], m: 1, n: null },
  { __time: T, d: 'a', mv: 'x', m: 2, n: 5 },
  { __time: T + 60_000, d: 'b', mv: [], m: 3, n: 6 },
];
let dir = '';
let count = 0;

beforeEach(() => build(ROWS, true));

async function build(rows: readonly Row[], rollup: boolean): Promise<void> {
  dir = join(root, String(count++));
  const dimensions = ['d', 'mv'].map((name) => ({
    name,
    type: 'string' as const,
    createBitmapIndex: true,
    multiValueHandling: 'sorted_array' as const,
  }));
  const metrics = ['m', 'n'].map((name) => ({ name, type: 'longSum' as const, fieldName: name }));
  await buildSegment({
    views: [rowView(rows, { dimensions, metrics })],
    interval: { startMs: T, endMs: T + 86_400_000 },
    dimensions,
    metrics,
    rollup,
    queryGranularity: { type: 'period', period: 'PT1M', timeZone: 'UTC', originMs: null },
    timestampSpec: { column: 't', format: 'auto', missingValue: null },
    indexSpec: {
      bitmap: 'roaring',
      dimensionCompression: 'uncompressed',
      metricCompression: 'none',
      longEncoding: 'longs',
    },
    outDir: dir,
  });
}

/** Replaces bytes of the chunk file, given as hex; they must occur exactly `times`. */
function patch(from: string, to: string, times = 1): void {
  const path = join(dir, '00000.smoosh');
  const parts = readFileSync(path)
    .toString('latin1')
    .split(Buffer.from(from, 'hex').toString('latin1'));
  expect(parts.length - 1, from).toBe(times);
  writeFileSync(path, parts.join(Buffer.from(to, 'hex').toString('latin1')), 'latin1');
}

const hexOf = (text: string): string => Buffer.from(text).toString('hex');
const long = (value: number): string =>
  Buffer.from(BigInt64Array.of(BigInt(value)).buffer).toString('hex');

test('a sound segment is valid, and the first defect of others is named', async () => {
  expect(await validateSegment(dir)).toEqual({ ok: true, rows: 3 });
});

const DEFECTS: readonly (readonly [string, () => void, RegExp])[] = [
  [
    'another bitmap row',
    () =>
      patch(
        '3a30000001000000000000001000000002000000' + '0000',
        '3a30000001000000000000001000000001000000' + '0000',
      ),
    /bitmap/,
  ],
  [
    'unsorted dictionary',
    () => patch('0000000061' + '0000000062', '0000000062' + '0000000061'),
    /column 'd': dictionary entry 2/,
  ],
  [
    'repeated value',
    () => patch('0000000061' + '0000000062', '0000000061' + '0000000061'),
    /column 'd': dictionary entry 2/,
  ],
  [
    'other ids',
    () =>
      patch('0001' + '00000006' + '000102' + '000000', '0001' + '00000006' + '000201' + '000000'),
    /column 'd': the bitmap of entry 1 lacks row 2/,
  ],
  [
    'an id beyond the dictionary',
    () =>
      patch('0001' + '00000006' + '000102' + '000000', '0001' + '00000006' + '000103' + '000000'),
    /file 'd'.*is 3, expected 0 to 2/,
  ],
  [
    'time that goes back',
    () => patch(long(T) + long(T), long(T + 1) + long(T)),
    /__time goes back at row 1/,
  ],
  ['time outside', () => patch(long(T + 60_000), long(T - 1)), /outside the interval/],
  [
    'a null row with a value',
    () => patch(long(0) + long(5), long(9) + long(5)),
    /column 'n': row 0 is null but holds 9/,
  ],
  [
    'a lost aggregator',
    () => patch(hexOf('"name":"m","fieldName":"m"'), hexOf('"name":"q","fieldName":"m"')),
    /aggregator 'q'/,
  ],
];

test.each(DEFECTS)('%s', async (_name, damage, message) => {
  damage();
  const verdict = await validateSegment(dir);
  expect(verdict.ok ? '' : verdict.defect).toMatch(message);
});

test('rows against the declared order', async () => {
  const order = hexOf(
    '{"columnName":"__time","order":"ascending"},{"columnName":"d","order":"ascending"}',
  );
  const swapped = hexOf(
    '{"columnName":"__time","order":"ascending"},{"columnName":"m","order":"ascending"}',
  );
  patch(order, swapped);
  expect(await validateSegment(dir)).toEqual({ ok: true, rows: 3 });
  patch(long(1) + long(2) + long(3), long(4) + long(2) + long(3));
  expect(await validateSegment(dir)).toEqual({
    ok: false,
    defect: 'row 1 is below row 0 in the declared order',
  });
});

test('rows of equal keys where rollup is declared', async () => {
  await build([...ROWS, ...ROWS], false);
  expect(await validateSegment(dir)).toEqual({ ok: true, rows: 6 });
  patch(hexOf('"rollup":false'), hexOf('"rollup":true '));
  expect(await validateSegment(dir)).toMatchObject({
    defect: expect.stringMatching(/rows 0 and 1 have the same key/),
  });
});

test('the dump says what a segment is, then its rows', async () => {
  const lines: string[] = [];
  for await (const line of dumpSegment(dir, { rows: true })) lines.push(line);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    interval: '2024-01-01T00:00:00.000Z/2024-01-02T00:00:00.000Z',
    rows: 3,
    maxTime: '2024-01-01T00:01:00.000Z',
    dimensions: ['d', 'mv'],
    metrics: ['m', 'n'],
    metadata: { rollup: true, queryGranularity: 'MINUTE', timestampSpec: { column: 't' } },
    columns: [
      { name: '__time', type: 'LONG' },
      { name: 'd', type: 'STRING', cardinality: 3, hasNulls: true, multi: false },
      { name: 'mv', type: 'STRING', cardinality: 3, multi: true },
      { name: 'm', type: 'LONG', hasNulls: false },
      { name: 'n', type: 'LONG', hasNulls: true },
    ],
  });
  expect(lines.slice(1)).toEqual([
    `{"__time":${T},"d":null,"mv":["x","y"],"m":1,"n":null}`,
    `{"__time":${T},"d":"a","mv":"x","m":2,"n":5}`,
    `{"__time":${T + 60_000},"d":"b","mv":null,"m":3,"n":6}`,
  ]);
  for await (const line of dumpSegment(dir, { rows: false })) lines.push(line);
  expect(lines.length).toBe(5);
});
