import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { isFailure } from '../../core/runtime/failure.ts';
import { BlockCache } from './block-cache.ts';
import { openSegment } from './reader.ts';
import { validateSegment } from './validate.ts';
import { unzipSegment } from './zip.ts';

// Damage spread evenly over every internal file of Druid's segments in all their encodings, most of it in the first
// bytes of a file, where its lengths, counts and versions are. `SLUICE_CORRUPTIONS` sets how many; the normal run does
// a few thousand, a release a hundred thousand.

const RUNS = Number(process.env['SLUICE_CORRUPTIONS'] ?? 1500);
/** Longest that a damaged segment may keep a reader, ms; other processes of the machine take some of it. */
const SLOWEST_MS = 2000;
/** Most bytes that a false length may make a reader take. */
const BYTES_MAX = 64 * 1024 * 1024;
/** Header of an internal file and of the parts in it. */
const HEAD_BYTES = 512;

const GOLDEN = fileURLToPath(new URL('../../test/druid/golden/', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'corruption-spread-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Numbers from a seed, so that a failure can be repeated. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

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

test(`${RUNS} damages over every internal file: corrupt or readable, quick and within memory`, async () => {
  const zips = readdirSync(join(GOLDEN, 'encodings')).filter((name) => name.endsWith('.zip'));
  const paths = [
    ...zips.map((name) => `encodings/${name}`),
    'tiny/segment-0.zip',
    'edge_nulls/segment-0.zip',
  ];
  const targets: Target[] = [];
  for (const [i, path] of paths.entries()) {
    const dir = join(root, `segment-${i}`);
    mkdirSync(dir);
    await unzipSegment(join(GOLDEN, path), dir, { bytesMax: 1 << 26 });
    targets.push(...targetsOf(dir));
  }
  const counts = { intact: 0, corrupt: 0 };
  const reached = new Set<string>();
  let slowestMs = 0;
  let mostBytes = 0;
  for (let run = 0; run < RUNS; run++) {
    const target = targets[run % targets.length];
    if (target === undefined) throw new Error('no target');
    const path = join(target.dir, target.file);
    const sound = readFileSync(path);
    const what = `run ${run}, ${target.internal} of ${target.dir}`;
    writeFileSync(path, damage(sound, target, generator(run * 7919 + 1)));
    const before = process.memoryUsage().arrayBuffers;
    const begunMs = performance.now();
    try {
      counts[await outcome(target.dir, what)]++;
    } finally {
      writeFileSync(path, sound);
    }
    slowestMs = Math.max(slowestMs, performance.now() - begunMs);
    mostBytes = Math.max(mostBytes, process.memoryUsage().arrayBuffers - before);
    reached.add(target.internal);
  }
  console.log(
    `corruptions: ${RUNS} over ${targets.length} internal files of ${paths.length} segments (${reached.size} names), ` +
      `${counts.corrupt} found, ${counts.intact} harmless, slowest ${Math.round(slowestMs)} ms, most ${Math.round(mostBytes / 1024)} KiB`,
  );
  expect(counts.intact + counts.corrupt).toBe(RUNS);
  expect(counts.corrupt).toBeGreaterThan(RUNS / 4);
  expect(reached.size).toBeGreaterThan(15);
  expect(slowestMs).toBeLessThan(SLOWEST_MS);
  expect(mostBytes).toBeLessThan(BYTES_MAX);
}, 1_800_000);
