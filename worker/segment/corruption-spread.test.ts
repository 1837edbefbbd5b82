import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test, vi } from 'vitest';
import { complexKind } from '../../core/complex/complex-kind.ts';
import { QuantilesSketch } from '../../core/complex/quantiles-sketch.ts';
import type { ThetaSketch } from '../../core/complex/theta-sketch.ts';
import { TimePair } from '../../core/complex/time-pair.ts';
import { isFailure } from '../../core/runtime/failure.ts';
import type { CompiledIndexSpec, CompiledMetric } from '../../core/spec/compiled.ts';
import { rowView } from '../view/row-view.ts';
import { seededNumbers } from '../../test/builders/seeded-numbers.ts';
import { BlockCache } from './block-cache.ts';
import { buildSegment } from './build.ts';
import { openSegment } from './reader.ts';
import { validateSegment } from './validate.ts';
import { unzipSegment } from './zip.ts';

// Damage spread evenly over every internal file of Druid's segments and ours in all their encodings, sketches and zips
// included, most of it in the first bytes of a file, where its lengths, counts and versions are. `SLUICE_CORRUPTIONS`
// sets how many and `SLUICE_CORRUPTIONS_FROM` where to begin; the normal run does a few thousand, a release a hundred
// thousand.

const RUNS = Number(process.env['SLUICE_CORRUPTIONS'] ?? 4000);
const FIRST = Number(process.env['SLUICE_CORRUPTIONS_FROM'] ?? 0);
/** Longest that a damaged segment may keep a reader, ms of processor time: readers never wait. */
const SLOWEST_MS = 1000;
/** Most bytes that a false length may make a reader take at once, or in all. */
const BYTES_MAX = 64 * 1024 * 1024;
/** Header of an internal file and of the parts in it. */
const HEAD_BYTES = 512;

const GOLDEN = fileURLToPath(new URL('../../test/druid/golden/', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'corruption-spread-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const NASTY = [0x7fffffff, -1, -2_147_483_648, 0, 1, 65_537, 0x00ffffff, 0x7ffffff0];

interface Target {
  readonly dir: string;
  readonly file: string;
  readonly internal: string;
  readonly start: number;
  readonly end: number;
}

/** Internal files by meta.smoosh, and the outer files beside it. */
function targetsOf(dir: string): Target[] {
  const [, ...lines] = readFileSync(join(dir, 'meta.smoosh'), 'utf8').trim().split('\n');
  const inner = lines.map((line): Target => {
    const [internal = '', chunk = '0', start = '0', end = '0'] = line.split(',');
    const file = `${chunk.padStart(5, '0')}.smoosh`;
    return { dir, file, internal, start: Number(start), end: Number(end) };
  });
  const outer = readdirSync(dir)
    .filter((file) => !file.endsWith('.smoosh') || file === 'meta.smoosh')
    .map((file): Target => {
      const end = readFileSync(join(dir, file)).length;
      return { dir, file, internal: file, start: 0, end };
    });
  return [...inner, ...outer].filter(({ start, end }) => end > start);
}

function damage(bytes: Buffer, target: Target, random: (below: number) => number): Buffer {
  const out = Buffer.from(bytes);
  const length = target.end - target.start;
  const reach = random(4) > 0 ? Math.min(length, HEAD_BYTES) : length;
  const at = target.start + random(reach);
  if (target.file === 'index.zip' && random(8) === 0) return out.subarray(0, at);
  switch (random(4)) {
    case 0:
      out[at] = random(256);
      return out;
    case 1:
      out[at]! ^= 1 << random(8);
      return out;
    case 2:
      out.writeInt32BE(NASTY[random(NASTY.length)] ?? 0, Math.min(at, out.length - 4));
      return out;
    default:
      out.writeInt32LE(NASTY[random(NASTY.length)] ?? 0, Math.min(at, out.length - 4));
      return out;
  }
}

/** `intact`, or `corrupt` with the path in its message; anything else fails the test. */
async function outcome(dir: string, what: string): Promise<'intact' | 'corrupt'> {
  try {
    const verdict = await validateSegment(dir);
    if (!verdict.ok) return 'corrupt';
    // Validation reads everything; opening is what a historical does.
    (await openSegment(dir, 'damaged', { cache: new BlockCache(1 << 20) })).close();
    return 'intact';
  } catch (error) {
    if (!isFailure(error, 'corrupt'))
      throw new Error(`${what}: ${String(error)}`, { cause: error });
    expect(error.message, what).toContain(dir);
    return 'corrupt';
  }
}

const DAY = { startMs: Date.UTC(2024, 0, 1), endMs: Date.UTC(2024, 0, 2) };
const DIMENSIONS = [
  { name: 's', type: 'string' },
  { name: 'mv', type: 'string' },
  { name: 'l', type: 'long' },
] as const;
const METRICS: readonly CompiledMetric[] = [
  { type: 'doubleSum', name: 'd', fieldName: 'x' },
  { type: 'thetaSketch', name: 'theta', fieldName: 'x', size: 64 },
  { type: 'HLLSketchBuild', name: 'hll4', fieldName: 'x', lgK: 8, tgtHllType: 'HLL_4' },
  { type: 'HLLSketchBuild', name: 'hll6', fieldName: 'x', lgK: 8, tgtHllType: 'HLL_6' },
  { type: 'HLLSketchBuild', name: 'hll8', fieldName: 'x', lgK: 8, tgtHllType: 'HLL_8' },
  { type: 'quantilesDoublesSketch', name: 'quantiles', fieldName: 'x', k: 16 },
  { type: 'hyperUnique', name: 'unique', fieldName: 'x' },
  { type: 'longFirst', name: 'firstLong', fieldName: 'x' },
  { type: 'doubleLast', name: 'lastDouble', fieldName: 'x' },
  { type: 'floatLast', name: 'lastFloat', fieldName: 'x' },
  { type: 'stringLast', name: 'text', fieldName: 'x', maxStringBytes: 8 },
];
/** Ours in every compression and encoding that `indexSpec` offers. */
const INDEX_SPECS: readonly CompiledIndexSpec[] = [
  ['roaring', 'lz4', 'longs'],
  ['concise', 'lzf', 'auto'],
  ['concise', 'zstd', 'longs'],
  ['roaring', 'uncompressed', 'auto'],
  ['roaring', 'none', 'auto'],
].map(
  ([bitmap, compression, longEncoding]) =>
    // The columns of the table above.
    ({
      bitmap,
      dimensionCompression: compression === 'none' ? 'uncompressed' : compression,
      metricCompression: compression,
      longEncoding,
    }) as CompiledIndexSpec,
);

/** What a complex metric stores of `count` values from `x`: few stay lists and sets, many become tables. */
function objectOf(metric: CompiledMetric, x: number, count: number): Uint8Array | number | null {
  if (metric.type === 'doubleSum') return x / 4;
  const kind = complexKind(metric);
  const value = kind?.make();
  if (kind === undefined || value === undefined) throw new Error(metric.type);
  const hash = { low: 0, high: 0 };
  for (let v = x; v < x + count; v++) {
    const text = Buffer.from(`v${v}`);
    if (value instanceof QuantilesSketch) value.add(v);
    else if (value instanceof TimePair) {
      if (!value.offer(DAY.startMs + v)) continue;
      if (value.type === 'LONG') value.setLong(v, 0);
      else if (value.type === 'STRING') value.setText(text, 0, text.length);
      else value.setDouble(v);
    } else if (kind.input.kind === 'hashes' && kind.input.hasher.text(text, 0, text.length, hash))
      // Every value that takes hashes has this method.
      (value as ThetaSketch).addHash(hash.low, hash.high);
  }
  return kind.stored(value) ?? null;
}

async function buildOurs(indexSpec: CompiledIndexSpec, outDir: string): Promise<void> {
  const rows = Array.from({ length: 40 }, (_, i) => ({
    __time: DAY.startMs + i,
    s: i % 7 === 0 ? null : `value-${i % 11}`,
    mv: i % 3 === 0 ? ['a', `b${i % 5}`] : [],
    l: i % 5 === 0 ? null : (i % 4) * 1000,
    ...Object.fromEntries(METRICS.map((m) => [m.name, objectOf(m, i, [1, 12, 300][i % 3] ?? 1)])),
  }));
  await buildSegment({
    views: [rowView(rows, { dimensions: DIMENSIONS, metrics: METRICS, interval: DAY })],
    interval: DAY,
    dimensions: DIMENSIONS.map((d) => ({
      ...d,
      createBitmapIndex: true,
      multiValueHandling: 'sorted_array',
    })),
    metrics: METRICS,
    rollup: false,
    queryGranularity: { type: 'none' },
    timestampSpec: null,
    indexSpec,
    outDir,
  });
}

/** A damaged zip is refused, or what it unpacks to is judged like any other segment. */
async function zipOutcome(zip: string, bytes: number, what: string): Promise<'intact' | 'corrupt'> {
  const dir = join(root, 'unpacked');
  rmSync(dir, { recursive: true, force: true });
  try {
    await unzipSegment(zip, dir, { bytesMax: bytes });
  } catch (error) {
    if (!isFailure(error, 'corrupt'))
      throw new Error(`${what}: ${String(error)}`, { cause: error });
    expect(error.message, what).toContain(zip);
    return 'corrupt';
  }
  expect(readdirSync(root).toSorted()).toEqual(sound);
  return outcome(dir, what);
}

/** What lies beside the unpacked folder: nothing may be written there. */
let sound: string[] = [];

/** Counts the largest array anybody asks for while it is in place. */
function watchAllocations(): { largestBytes: number } {
  const seen = { largestBytes: 0 };
  const watched = { ArrayBuffer, Uint8Array, Int32Array, Uint32Array, Float32Array, Float64Array };
  for (const [name, type] of Object.entries({ ...watched, Uint16Array, BigInt64Array })) {
    const watching: typeof type = new Proxy(type, {
      construct(target, args, made) {
        const out = Reflect.construct(target, args, made === watching ? target : made) as object;
        if ('byteLength' in out)
          seen.largestBytes = Math.max(seen.largestBytes, Number(out.byteLength));
        return out;
      },
    });
    vi.stubGlobal(name, watching);
  }
  return seen;
}

/** Druid's segments in all their encodings, its sketches, and ours in ours. */
async function segments(): Promise<{ targets: Target[]; zips: number; dirs: number }> {
  const encodings = readdirSync(join(GOLDEN, 'encodings')).filter((name) => name.endsWith('.zip'));
  const zips = [
    ...encodings.map((name) => `encodings/${name}`),
    'tiny/segment-0.zip',
    'edge_nulls/segment-0.zip',
    'sketches/segment-0.zip',
  ];
  const targets: Target[] = [];
  let dirs = 0;
  for (const path of zips) {
    const dir = join(root, `segment-${dirs++}`);
    mkdirSync(dir);
    await unzipSegment(join(GOLDEN, path), dir, { bytesMax: 1 << 26 });
    targets.push(...targetsOf(dir));
  }
  for (const indexSpec of INDEX_SPECS) {
    const dir = join(root, `segment-${dirs++}`);
    await buildOurs(indexSpec, dir);
    expect(await validateSegment(dir)).toEqual({ ok: true, rows: 40 });
    targets.push(...targetsOf(dir));
  }
  const zipped = ['tiny/segment-0.zip', 'edge_nulls/segment-0.zip'];
  for (const [i, path] of zipped.entries()) {
    const dir = join(root, `zip-${i}`);
    mkdirSync(dir);
    const bytes = readFileSync(join(GOLDEN, path));
    writeFileSync(join(dir, 'index.zip'), bytes);
    const [file, internal] = ['index.zip', 'index.zip'];
    // Local headers are at the front, the directory that counts is at the back; ten of each for the many files above.
    const cuts = [0, Math.max(0, bytes.length - HEAD_BYTES)];
    for (let n = 0; n < 5; n++)
      for (const start of cuts) targets.push({ dir, file, internal, start, end: bytes.length });
  }
  mkdirSync(join(root, 'unpacked'));
  sound = readdirSync(root).toSorted();
  return { targets, zips: zipped.length, dirs };
}

test(`${RUNS} damages over every internal file: corrupt or readable, quick and within memory`, async () => {
  const { targets, dirs } = await segments();
  const counts = { intact: 0, corrupt: 0 };
  const reached = new Set<string>();
  let slowestMs = 0;
  let mostBytes = 0;
  const allocations = watchAllocations();
  for (let run = FIRST; run < FIRST + RUNS; run++) {
    const target = targets[run % targets.length];
    if (target === undefined) throw new Error('no target');
    const path = join(target.dir, target.file);
    const bytes = readFileSync(path);
    const what = `run ${run}, ${target.internal} of ${target.dir}`;
    writeFileSync(path, damage(bytes, target, seededNumbers(run * 7919 + 1)));
    const before = process.memoryUsage().arrayBuffers;
    const begun = process.cpuUsage();
    try {
      const isZip = target.file === 'index.zip';
      counts[await (isZip ? zipOutcome(path, 1 << 20, what) : outcome(target.dir, what))]++;
    } finally {
      writeFileSync(path, bytes);
    }
    const used = process.cpuUsage(begun);
    const usedMs = (used.user + used.system) / 1000;
    if (usedMs > SLOWEST_MS) throw new Error(`${what}: took ${usedMs} ms`);
    slowestMs = Math.max(slowestMs, usedMs);
    if (allocations.largestBytes > BYTES_MAX)
      throw new Error(`${what}: asked for ${allocations.largestBytes} bytes at once`);
    mostBytes = Math.max(mostBytes, process.memoryUsage().arrayBuffers - before);
    reached.add(target.internal);
  }
  vi.unstubAllGlobals();
  console.log(
    `corruptions: ${RUNS} over ${targets.length} internal files of ${dirs} segments (${reached.size} names) and their zips, ` +
      `${counts.corrupt} found, ${counts.intact} harmless, slowest ${Math.round(slowestMs)} ms, ` +
      `largest array ${Math.round(allocations.largestBytes / 1024)} KiB, most ${Math.round(mostBytes / 1024)} KiB`,
  );
  expect(counts.intact + counts.corrupt).toBe(RUNS);
  expect(counts.corrupt).toBeGreaterThan(RUNS / 4);
  expect(reached.size).toBeGreaterThan(15);
  expect(allocations.largestBytes).toBeGreaterThan(0);
  expect(mostBytes).toBeLessThan(BYTES_MAX);
}, 7_200_000);
