import fc from 'fast-check';
import { uncompressSync } from 'lz4-napi';
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import {
  compressLz4,
  compressLz4Small,
  decompressLz4,
  peekLz4,
  peekLz4Pair,
  secondOfPair,
} from './lz4-wasm.ts';
import { kernel, memory } from './kernel.ts';
import { lz4Bound, lz4Compress, lz4Decompress } from './lz4.ts';
import { narrowLongs } from './peeked-numbers.ts';
import { buildKernel } from './wasm/build.ts';

const take = (bytes: number): ArrayBuffer => new ArrayBuffer(bytes);

/** Bytes with repetitions near and far, and some without. */
const block = fc
  .array(
    fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 60 })),
    { maxLength: 40 },
  )
  .map((parts) =>
    Uint8Array.from(
      parts.flatMap(([bytes, n]) =>
        Array(n)
          .fill([...bytes])
          .flat(),
      ),
    ),
  );

test('both codecs write the same bytes and read them back', () => {
  let checked = 0;
  fc.assert(
    fc.property(block, (bytes) => {
      const plain = new Uint8Array(lz4Bound(bytes.length));
      const length = lz4Compress(bytes, plain);
      const packed = plain.slice(0, length);
      expect(Buffer.compare(compressLz4(bytes), packed)).toBe(0);
      for (const read of [
        decompressLz4,
        (src: Uint8Array, dst: Uint8Array) => lz4Decompress(src, 0, src.length, dst),
      ]) {
        const out = new Uint8Array(bytes.length);
        expect(read(packed, out)).toBe(bytes.length);
        expect(Buffer.compare(out, bytes)).toBe(0);
      }
      checked++;
    }),
    { numRuns: 200 },
  );
  expect(checked).toBe(200);
});

/** Blocks like those of columns: skewed numbers of one width, with stretches of one value. */
const column = fc.record({
  width: fc.constantFrom(1, 2, 3, 4, 8),
  values: fc.integer({ min: 1, max: 3000 }),
  rows: fc.integer({ min: 1, max: 8192 }),
  stretch: fc.integer({ min: 1, max: 2000 }),
  seed: fc.integer(),
});

function columnBlock({
  width,
  values,
  rows,
  stretch,
  seed,
}: typeof column extends fc.Arbitrary<infer T> ? T : never): Uint8Array {
  const out = new Uint8Array(width * rows);
  let state = seed | 1;
  const random = (): number => ((state = Math.imul(state, 69_069) + 1) >>> 0) / 2 ** 32;
  for (let row = 0; row < rows;) {
    const value = Math.floor(random() ** 3 * values);
    const n = random() < 0.01 ? stretch : 1;
    for (let k = 0; k < n && row < rows; k++, row++)
      for (let b = 0; b < Math.min(width, 4); b++) out[row * width + b] = value >> (8 * b);
  }
  return out;
}

test('the small form reads back as written and is smaller than the fast one', () => {
  let [checked, small, fast] = [0, 0, 0];
  const check = (bytes: Uint8Array, width: number): void => {
    const packed = compressLz4Small(bytes, width, checked % 2 === 0).slice();
    expect(packed.length).toBeLessThanOrEqual(lz4Bound(bytes.length));
    const out = new Uint8Array(bytes.length);
    expect(lz4Decompress(packed, 0, packed.length, out)).toBe(bytes.length);
    expect(Buffer.compare(out, bytes)).toBe(0);
    const [plain] = [new Uint8Array(bytes.length)];
    expect(decompressLz4(packed, plain)).toBe(bytes.length);
    small += packed.length;
    fast += compressLz4(bytes).length;
    checked++;
  };
  fc.assert(
    fc.property(column, (shape) => check(columnBlock(shape), shape.width)),
    { numRuns: 300 },
  );
  fc.assert(
    fc.property(block, fc.constantFrom(1, 8), (bytes, width) => check(bytes, width)),
    { numRuns: 200 },
  );
  check(new Uint8Array(65_536), 8);
  check(new Uint8Array(65_536).fill(7, 300, 60_000), 1);
  expect(checked).toBe(502);
  expect(small).toBeLessThan(0.95 * fast);
});

test('a third codec reads what is written', () => {
  const text = Buffer.from('Talk:Oceanborn Pelican, '.repeat(2000));
  const prefix = Buffer.alloc(4);
  prefix.writeUInt32LE(text.length);
  expect(uncompressSync(Buffer.concat([prefix, compressLz4(text)])).equals(text)).toBe(true);
});

test('incompressible and large blocks survive', () => {
  let seed = 1;
  const noise = Uint8Array.from({ length: 65_536 }, () => (seed = (seed * 69069 + 1) >>> 0) >>> 24);
  for (const bytes of [noise, Buffer.concat([noise, noise, noise])]) {
    const packed = compressLz4(bytes).slice();
    expect(packed.length).toBeLessThanOrEqual(lz4Bound(bytes.length));
    const out = new Uint8Array(bytes.length);
    expect(decompressLz4(packed, out)).toBe(bytes.length);
    expect(Buffer.compare(out, bytes)).toBe(0);
  }
});

test('malformed blocks are refused alike, and never written past the end', () => {
  let refused = 0;
  fc.assert(
    fc.property(
      fc.oneof(block, column.map(columnBlock)),
      fc.nat(),
      fc.integer({ min: 0, max: 255 }),
      fc.nat(8),
      (bytes, at, value, cut) => {
        const packed = compressLz4(bytes).slice();
        packed[at % packed.length] = value;
        const src = packed.subarray(0, Math.max(1, packed.length - cut));
        const out = new Uint8Array(bytes.length + 8).fill(0xee);
        const other = new Uint8Array(bytes.length);
        const length = decompressLz4(src, out.subarray(0, bytes.length));
        expect(lz4Decompress(src, 0, src.length, other)).toBe(length);
        expect([...out.subarray(bytes.length)]).toEqual(Array(8).fill(0xee));
        if (length < 0) refused++;
        else expect(Buffer.compare(out.subarray(0, length), other.subarray(0, length))).toBe(0);
      },
    ),
    { numRuns: 500 },
  );
  expect(refused).toBeGreaterThan(50);
  for (const src of [[], [0x10], [0x00, 0, 0], [0x10, 65, 2, 0], [0xf0, 255], [0x1f, 65, 1, 0]]) {
    expect(decompressLz4(Uint8Array.from(src), new Uint8Array(100)), String(src)).toBe(-1);
  }
});

test('two blocks unpacked at once are those unpacked one by one, or neither is given', () => {
  const at = kernel.AHEAD.value;
  const counts = { pairs: 0, refused: 0 };
  const blocks = fc.oneof(
    block.filter(({ length }) => length > 0),
    column.map(columnBlock),
  );
  fc.assert(
    fc.property(blocks, blocks, fc.nat(7), fc.nat(), fc.nat(255), (a, b, broken, where, value) => {
      const packed = [a, b].map((bytes) => compressLz4Small(bytes, 8, false).slice());
      // One in four has a byte changed, in either.
      const victim = broken < 2 ? packed[broken] : undefined;
      if (victim !== undefined) victim[where % victim.length] = value;
      const [first = a, second = b] = packed;
      memory.set(first, at);
      memory.set(second, at + first.length + 4);
      const bytes = peekLz4Pair(
        { at, packed: first.length, length: a.length },
        { at: at + first.length + 4, packed: second.length, length: b.length },
      )?.slice();
      const other = secondOfPair(b.length).slice();
      const alone = [first, second].map((src, i) => {
        const out = new Uint8Array(i === 0 ? a.length : b.length);
        return lz4Decompress(src, 0, src.length, out) === out.length ? out : undefined;
      });
      if (bytes === undefined) {
        expect(alone).toContain(undefined);
        counts.refused++;
        return;
      }
      expect([Buffer.compare(bytes, alone[0]!), Buffer.compare(other, alone[1]!)]).toEqual([0, 0]);
      counts.pairs++;
    }),
    { numRuns: 500 },
  );
  expect(counts.pairs).toBeGreaterThan(300);
  expect(counts.refused).toBeGreaterThan(10);
});

test('the committed module is what its source compiles to', async () => {
  const committed = await readFile(new URL('generated/kernel.ts', import.meta.url), 'utf8');
  expect(committed).toBe(await buildKernel());
});

test('longs are cut to 32 bits only when all of them fit, peeked or not', () => {
  const [least, greatest] = [-(2n ** 31n), 2n ** 31n - 1n];
  const long = fc.oneof(
    { weight: 100, arbitrary: fc.bigInt({ min: least, max: greatest }) },
    { weight: 20, arbitrary: fc.constantFrom(least, greatest, 0n, -1n) },
    { weight: 4, arbitrary: fc.constantFrom(least - 1n, greatest + 1n, 2n ** 63n - 1n) },
  );
  const counts = { cut: 0, kept: 0 };
  fc.assert(
    fc.property(fc.array(long, { maxLength: 150 }), fc.constantFrom(1, 200), (part, times) => {
      const longs = BigInt64Array.from(Array(times).fill(part).flat() as bigint[]);
      const fits = longs.every((value) => value >= least && value <= greatest);
      const expected = fits ? Array.from(longs, Number) : undefined;
      expect(narrowLongs(longs, take)?.length).toBe(expected?.length);
      expect([...(narrowLongs(longs, take) ?? [])]).toEqual(expected ?? []);
      counts[fits ? 'cut' : 'kept']++;
      if (longs.length > 8192) return;
      const bytes = peekLz4(compressLz4(new Uint8Array(longs.buffer)).slice(), 8 * longs.length);
      expect(bytes?.length).toBe(8 * longs.length);
      if (bytes === undefined) return;
      const peeked = new BigInt64Array(bytes.buffer, bytes.byteOffset, longs.length);
      expect([...(narrowLongs(peeked, take) ?? [])]).toEqual(expected ?? []);
      // What does not fit must still be there to be copied.
      expect(peeked).toEqual(longs);
    }),
    { numRuns: 120 },
  );
  expect(Math.min(counts.cut, counts.kept)).toBeGreaterThan(5);
});

test('a peek at more than was asked for, or at garbage, gives nothing', () => {
  const packed = compressLz4(new Uint8Array(100)).slice();
  expect(peekLz4(packed, 99)).toBe(undefined);
  expect(peekLz4(packed, 100)?.length).toBe(100);
  expect(peekLz4(Uint8Array.of(0x10, 1, 9, 0), 100)).toBe(undefined);
});
