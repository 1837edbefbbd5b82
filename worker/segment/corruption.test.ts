import { seededNumbers } from '../../test/builders/seeded-numbers.ts';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { isFailure } from '../../core/runtime/failure.ts';
import { rowView } from '../view/row-view.ts';
import { buildSegment } from './build.ts';
import { dumpSegment } from './dump.ts';
import { validateSegment } from './validate.ts';
import { unzipSegment } from './zip.ts';

// Damaged segments: whatever byte is wrong, a reader says so or reads something, and does so quickly, within its
// memory and without any other error.

const root = mkdtempSync(join(tmpdir(), 'corruption-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Values that lengths and counts should never be trusted with. */
const NASTY = [0x7fffffff, -1, -2_147_483_648, 0, 1, 65_537, 0x00ffffff];

function damage(bytes: Buffer, random: (below: number) => number): Buffer {
  const out = Buffer.from(bytes);
  const at = random(out.length);
  switch (random(5)) {
    case 0:
      return out.subarray(0, at);
    case 1:
      for (let n = random(4); n >= 0; n--) out[random(out.length)] = random(256);
      return out;
    case 2:
      out[at]! ^= 1 << random(8);
      return out;
    case 3:
      if (out.length >= 4)
        out.writeInt32BE(NASTY[random(NASTY.length)] ?? 0, random(out.length - 3));
      return out;
    default:
      return Buffer.concat([
        out.subarray(0, at),
        out.subarray(Math.min(out.length, at + 1 + random(8))),
      ]);
  }
}

interface Tally {
  defects: number;
  intact: number;
  slowestMs: number;
}

async function attack(dir: string, runs: number, seed: number): Promise<Tally> {
  const names = readdirSync(dir);
  const files = new Map(names.map((name) => [name, readFileSync(join(dir, name))]));
  const tally: Tally = { defects: 0, intact: 0, slowestMs: 0 };
  const target = join(root, 'attacked');
  for (let run = 0; run < runs; run++) {
    const random = seededNumbers(seed + run);
    rmSync(target, { recursive: true, force: true });
    mkdirSync(target);
    // Most of the bytes, and of the trouble, are in the chunk file.
    const victim = random(4) > 0 ? '00000.smoosh' : (names[random(names.length)] ?? '');
    for (const [name, bytes] of files) {
      writeFileSync(join(target, name), name === victim ? damage(bytes, random) : bytes);
    }
    const start = performance.now();
    await readAll(target, tally, `seed ${seed + run}, file ${victim}`);
    tally.slowestMs = Math.max(tally.slowestMs, performance.now() - start);
  }
  return tally;
}

async function readAll(dir: string, tally: Tally, what: string): Promise<void> {
  try {
    const verdict = await validateSegment(dir);
    if (verdict.ok) tally.intact++;
    else tally.defects++;
    for await (const line of dumpSegment(dir, { rows: true }))
      if (line === '') throw new Error('an empty line');
  } catch (error) {
    if (!isFailure(error, 'corrupt'))
      throw new Error(`${what}: ${String(error)}`, { cause: error });
    expect(error.message).toContain(dir);
  }
}

const DAY = { startMs: Date.UTC(2024, 0, 1), endMs: Date.UTC(2024, 0, 2) };

async function smallSegment(compression: 'lz4' | 'uncompressed' | 'zstd'): Promise<string> {
  const rows = Array.from({ length: 60 }, (_, i) => ({
    __time: DAY.startMs + i,
    s: i % 7 === 0 ? null : `value-${i % 11}`,
    mv: i % 3 === 0 ? ['a', `b${i % 5}`] : [],
    l: i % 5 === 0 ? null : i * 1000,
    f: i / 4,
    m: i,
  }));
  const dimensions = [
    { name: 's', type: 'string' },
    { name: 'mv', type: 'string' },
    { name: 'l', type: 'long' },
    { name: 'f', type: 'float' },
    { name: 'gone', type: 'string' },
  ] as const;
  const metrics = [{ name: 'm', type: 'longSum', fieldName: 'm' }] as const;
  const outDir = join(root, `small-${compression}`);
  await buildSegment({
    views: [rowView(rows, { dimensions, metrics })],
    interval: DAY,
    dimensions: dimensions.map((d) => ({
      ...d,
      createBitmapIndex: true,
      multiValueHandling: 'sorted_array',
    })),
    metrics,
    rollup: false,
    queryGranularity: { type: 'none' },
    timestampSpec: null,
    indexSpec: {
      bitmap: 'roaring',
      dimensionCompression: compression,
      metricCompression: compression,
      longEncoding: 'longs',
    },
    outDir,
  });
  return outDir;
}

test('thousands of damaged segments of ours: corrupt or readable, nothing else', async () => {
  const rssBefore = process.memoryUsage.rss();
  let runs = 0;
  for (const [i, compression] of (['lz4', 'uncompressed', 'zstd'] as const).entries()) {
    const tally = await attack(await smallSegment(compression), 1000, 10_000 * i);
    expect(tally.defects).toBeGreaterThan(400);
    expect(tally.slowestMs).toBeLessThan(2000);
    runs += tally.defects + tally.intact;
  }
  expect(runs).toBe(3000);
  expect(process.memoryUsage.rss() - rssBefore).toBeLessThan(400 << 20);
});

test("hundreds of damaged segments of Druid's, in every encoding", async () => {
  const golden = new URL('../../test/druid/golden/', import.meta.url);
  const zips = [
    ...readdirSync(new URL('encodings/', golden))
      .filter((name) => name.endsWith('.zip'))
      .map((name) => `encodings/${name}`),
    'tiny/segment-0.zip',
  ];
  expect(zips.length).toBe(13);
  let defects = 0;
  for (const [i, zip] of zips.entries()) {
    const dir = join(root, `druid-${i}`);
    await unzipSegment(fileURLToPath(new URL(zip, golden)), dir, { bytesMax: 1 << 24 });
    defects += (await attack(dir, 40, 500_000 + 1000 * i)).defects;
  }
  expect(defects).toBeGreaterThan(200);
});
