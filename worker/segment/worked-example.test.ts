import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { type Row, rowView, type RowViewSchema } from '../view/row-view.ts';
import { buildSegment } from './build.ts';
import { unzipSegment } from './zip.ts';

// The examples of druid-segment-format.md 7: bytes that Druid loads.

const root = mkdtempSync(join(tmpdir(), 'worked-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const DAY = { startMs: Date.UTC(2024, 0, 1), endMs: Date.UTC(2024, 0, 2) };
const T = DAY.startMs;
const LZ4 = {
  bitmap: 'roaring',
  dimensionCompression: 'lz4',
  metricCompression: 'lz4',
  longEncoding: 'longs',
} as const;

async function build(
  name: string,
  rows: readonly Row[],
  schema: RowViewSchema,
  isHydrant = false,
): Promise<Map<string, string>> {
  const outDir = join(root, name);
  await buildSegment({
    views: [rowView(rows, schema)],
    interval: DAY,
    dimensions: schema.dimensions.map((d) => ({
      name: d.name,
      type: d.type ?? 'string',
      createBitmapIndex: true,
      multiValueHandling: 'sorted_array',
    })),
    metrics: (schema.metrics ?? []).map((m) => ({ ...m, fieldName: m.name })),
    rollup: false,
    queryGranularity: { type: 'none' },
    timestampSpec: null,
    indexSpec: LZ4,
    isHydrant,
    outDir,
  });
  return internalFiles(outDir);
}

/** Internal files as hex. */
function internalFiles(dir: string): Map<string, string> {
  const chunk = readFileSync(join(dir, '00000.smoosh'));
  const files = new Map<string, string>();
  for (const line of readFileSync(join(dir, 'meta.smoosh'), 'utf8').split('\n').slice(1)) {
    const [file = '', , start, end] = line.split(',');
    if (file !== '') files.set(file, chunk.subarray(Number(start), Number(end)).toString('hex'));
  }
  return files;
}

const SCHEMA = {
  dimensions: [{ name: 'd' }],
  metrics: [{ name: 'm', type: 'longSum' as const }],
};

test('the worked example is written byte for byte', async () => {
  const rows = [
    { __time: T + 60_000, d: 'b', m: 3 },
    { __time: T, d: 'a', m: 2 },
    { __time: T, d: null, m: 1 },
  ];
  // Packed fast, short blocks are literals, as in the example.
  await build('example', rows, SCHEMA, true);
  const file = (name: string): Buffer => readFileSync(join(root, 'example', name));
  expect(file('version.bin').toString('hex')).toBe('00000009');
  expect(file('factory.json').toString()).toBe('{"type":"mMapSegmentFactory"}');
  expect(file('meta.smoosh').toString()).toBe(
    'v1,2147483647,1\n__time,0,0,204\nd,0,408,728\nindex.drd,0,728,857\nm,0,204,408\nmetadata.drd,0,857,1102\n',
  );
  const chunk = file('00000.smoosh');
  expect(chunk.length).toBe(1102);
  expect(createHash('sha256').update(chunk).digest('hex')).toBe(
    'ad65bccdb9dbc156cc6ca60d99199edab1905288e9beb5554203d8a79fb0667e',
  );
});

test('a null metric is a bitmap behind the values', async () => {
  const rows = [
    { __time: T, d: 'a', m: 7 },
    { __time: T, d: 'b', m: null },
    { __time: T, d: 'c', m: 9 },
  ];
  const m = (await build('null-metric', rows, SCHEMA, true)).get('m') ?? '';
  expect(
    m.endsWith(
      '000000000900000000000000' + '00000012' + '3a30000001000000000000001000000001' + '00',
    ),
  ).toBe(true);
});

test('multi-value rows are written byte for byte', async () => {
  const rows = [
    { __time: T, d: ['b', 'a'] },
    { __time: T + 1, d: [] },
    { __time: T + 2, d: 'b' },
  ];
  const d = (await build('multi', rows, { dimensions: [{ name: 'd' }] })).get('d') ?? '';
  expect(d.slice(2 * (4 + 153))).toBe(
    '0200000002' +
      '01010000001e000000030000000400000009' +
      '0000000e' +
      'ffffffff' +
      '0000000061' +
      '0000000062' +
      '03' +
      '0200000004' +
      '0000400001' +
      '01000000001e0000000100000016' +
      '00000000' +
      'f00100000000020000000200000003000000' +
      '020100000003' +
      '0001000001' +
      '01000000001000000001' +
      '00000008' +
      '00000000' +
      '30010202' +
      '010000000054000000030000' +
      '00160000002c00000044' +
      '00000000' +
      '3a30000001000000000000001000000001' +
      '00' +
      '00000000' +
      '3a30000001000000000000001000000000' +
      '00' +
      '00000000' +
      '3a30000001000000000001001000000000' +
      '000200',
  );
});

test("Druid's own bytes of string, float and all-null columns come out the same", async () => {
  // druid-segment-format.md 7.1, without its complex metric.
  const rows = [
    { __time: T, d: 'b', mv: ['x', 'y'], m: 100, f: 1.5 },
    { __time: T, d: null, mv: [], m: null, f: 2.25 },
    { __time: T + 60_000, d: '', mv: 'y', m: -7, f: null },
    { __time: T + 120_000, d: 'é', mv: null, m: 250, f: -0.5 },
    { __time: T + 180_000, d: 'b', mv: ['y', 'x', 'x'], m: 250, f: 8 },
  ];
  const files = await build('druid', rows, {
    dimensions: [{ name: 'd' }, { name: 'mv' }, { name: 'f', type: 'float' }, { name: 'gone' }],
    metrics: [{ name: 'm', type: 'longSum' }],
  });
  const druid = join(root, 'druid-own');
  const zip = new URL('../../test/druid/golden/tiny/segment-0.zip', import.meta.url);
  await unzipSegment(fileURLToPath(zip), druid, { bytesMax: 1 << 20 });
  const theirs = internalFiles(druid);
  for (const name of ['__time', 'm', 'd', 'mv', 'f', 'gone'])
    expect(files.get(name), name).toBe(theirs.get(name));
  expect(theirs.size).toBe(9);
});
