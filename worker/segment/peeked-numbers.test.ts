import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compressLz4, peekLz4 } from './lz4-wasm.ts';
import { narrowLongs, sumMaskedPeeked, sumPeeked } from './peeked-numbers.ts';
import { SlotSums } from './slot-sums.ts';

// Blocks of any length, whatever the block before has left behind them.

/** Where a block was unpacked, behind it what a longer one of `left` held. */
function peeked(longs: BigInt64Array, left: bigint): BigInt64Array {
  const before = new BigInt64Array(longs.length + 64).fill(left);
  peekLz4(compressLz4(new Uint8Array(before.buffer)).slice(), 8 * before.length);
  const packed = compressLz4(new Uint8Array(longs.buffer)).slice();
  // Packing leaves its output there as well.
  peekLz4(compressLz4(new Uint8Array(before.buffer)).slice(), 8 * before.length);
  const bytes = peekLz4(packed, 8 * longs.length);
  if (bytes === undefined) throw new Error('the block is malformed');
  return new BigInt64Array(bytes.buffer, bytes.byteOffset, longs.length);
}

const small = fc.bigInt({ min: -1000n, max: 1000n });
const wide = fc.oneof(small, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }));
const lengths = fc.integer({ min: 1, max: 140 });
const listOf = (value: fc.Arbitrary<bigint>): fc.Arbitrary<BigInt64Array> =>
  lengths
    .chain((length) => fc.array(value, { minLength: length, maxLength: length }))
    .map((values) => BigInt64Array.from(values));

function wrapped(values: Iterable<bigint>): bigint {
  let sum = 0n;
  for (const value of values) sum += value;
  return BigInt.asIntN(64, sum);
}

test('sums, of all and of the rows of a mask, do not see what lies behind a block', () => {
  let checked = 0;
  fc.assert(
    fc.property(listOf(wide), fc.nat(2 ** 31 - 1), (longs, seed) => {
      expect(sumPeeked(peeked(longs, 1n))).toBe(wrapped(longs));
      const words = Int32Array.from({ length: 5 }, (_, w) => Math.imul(seed + w, 0x9e3779b1));
      const isSet = (_: bigint, row: number): boolean =>
        ((words[row >> 5]! >>> (row & 31)) & 1) === 1;
      const last = (longs.length - 1) >> 5;
      words[last]! &= -1 >>> (31 - ((longs.length - 1) & 31));
      const sum = sumMaskedPeeked(peeked(longs, 1n), words, last + 1);
      expect(sum).toBe(wrapped([...longs].filter(isSet)));
      checked++;
    }),
    { numRuns: 500 },
  );
  expect(checked).toBe(500);
});

test('longs are cut to 32 bits, and added by slot, without what lies behind them', () => {
  let checked = 0;
  fc.assert(
    fc.property(listOf(small), fc.constantFrom(1n, 2n ** 60n), (longs, left) => {
      const ints = narrowLongs(peeked(longs, left), (bytes) => new ArrayBuffer(bytes));
      expect(Array.from(ints ?? [])).toEqual(Array.from(longs, Number));
      const got = new Map<number, number>();
      const sums = new SlotSums(7, (slot, sum) => got.set(slot, (got.get(slot) ?? 0) + sum));
      const slots = Int32Array.from(longs, (_, i) => (i * i) % 7);
      expect(sums.addPeeked(peeked(longs, left), slots)).toBe(true);
      expect(sums.addInts(Int32Array.from(longs, Number), slots)).toBe(true);
      sums.flush();
      const expected = new Map<number, number>();
      longs.forEach((value, i) => {
        const slot = slots[i]!;
        expected.set(slot, (expected.get(slot) ?? 0) + 2 * Number(value));
      });
      expect(got).toEqual(expected);
      checked++;
    }),
    { numRuns: 300 },
  );
  expect(checked).toBe(300);
});
