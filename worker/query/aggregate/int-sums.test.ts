// Sums of 32-bit longs: the same cells as BigInt additions give, wherever the partial sums are moved.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { countBits, cutBits } from '../engine/row-list.ts';
import { IDENTITY } from '../engine/selection.ts';
import { IntSums } from './int-sums.ts';
import { LongState } from './state.ts';

const int = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom(0, 2 ** 31 - 1, -(2 ** 31)),
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
);

it('cells are the exact sums, and only cells with rows have a value', () => {
  let flushedTwice = 0;
  fc.assert(
    fc.property(
      fc.array(fc.tuple(int, fc.nat(9)), { minLength: 1, maxLength: 60 }),
      fc.array(fc.boolean(), { minLength: 60, maxLength: 60 }),
      (rows, flushes) => {
        const state = new LongState('sum');
        state.reserve(10);
        const sums = new IntSums(state);
        const expected = new Map<number, bigint>();
        rows.forEach(([value, slot], i) => {
          sums.group(Int32Array.of(7, value), Int32Array.of(1), 1, Int32Array.of(slot));
          expected.set(slot, (expected.get(slot) ?? 0n) + BigInt(value));
          if (flushes[i] === true) sums.flush();
        });
        flushedTwice += flushes.filter(Boolean).length > 1 ? 1 : 0;
        sums.flush();
        for (let slot = 0; slot < 10; slot++)
          expect(state.value(slot)).toBe(expected.get(slot) ?? null);
        const used = Int32Array.from(expected.keys());
        const doubles = state.doubles(used, Number.NaN);
        expect(doubles && [...doubles].map(BigInt)).toEqual([...expected.values()]);
      },
    ),
  );
  expect(flushedTwice).toBeGreaterThan(50);
});

it('many rows of the greatest value lose no digit', () => {
  const state = new LongState('sum');
  state.reserve(1);
  const sums = new IntSums(state);
  const count = 8192;
  const values = new Int32Array(count).fill(2 ** 31 - 1);
  const rows = Int32Array.from({ length: count }, (_, i) => i);
  const slots = new Int32Array(count);
  const times = 1100;
  for (let i = 0; i < times; i++) sums.group(values, rows, count, slots);
  sums.run(values, rows, 0, 5, 0);
  sums.run(values, Int32Array.of(0, 2, 5), 0, 3, 0);
  sums.flush();
  expect(state.value(0)).toBe(BigInt(times * count + 8) * (2n ** 31n - 1n));
  // That is beyond 2^53, which doubles do not hold exactly.
  expect(state.doubles(Int32Array.of(0), Number.NaN)).toBe(null);
});

it('vectors of all rows add up whatever number of cells there is, also when it grows', () => {
  const state = new LongState('sum');
  const sums = new IntSums(state);
  const expected = new Map<number, bigint>();
  let rows = 0;
  // Before, at and beyond the number of cells from which each has one sum only.
  for (const cells of [3, 12, 2048, 2049, 9000]) {
    state.reserve(cells);
    for (const count of [8192, 7, 1]) {
      const slots = Int32Array.from({ length: count }, (_, i) => (i * i + count) % cells);
      const values = Int32Array.from({ length: count }, (_, i) =>
        i % 5 === 0 ? -i : 2 ** 31 - i - 1,
      );
      const lists = [IDENTITY, IDENTITY.toReversed().slice(-count)];
      for (const list of lists) {
        sums.group(values, list, count, slots);
        for (let i = 0; i < count; i++) {
          const slot = slots[i] ?? -1;
          expected.set(slot, (expected.get(slot) ?? 0n) + BigInt(values[list[i] ?? -1] ?? 0));
          rows++;
        }
      }
    }
  }
  sums.flush();
  expect(rows).toBe(5 * 2 * 8200);
  for (let slot = 0; slot < 9000; slot++)
    expect(state.value(slot), `${slot}`).toBe(expected.get(slot) ?? null);
});

it('a mask adds up to what the list of its rows does', () => {
  let rows = 0;
  const bits = fc.oneof(fc.constantFrom(0, -1), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }));
  fc.assert(
    fc.property(
      fc.array(bits, { minLength: 4, maxLength: 4 }),
      fc.array(int, { minLength: 97, maxLength: 128 }),
      (mask, numbers) => {
        const state = new LongState('sum');
        state.reserve(1);
        const words = Int32Array.from(mask);
        const end = numbers.length;
        cutBits(words, 0, end);
        const count = countBits(words, end);
        if (count === 0) return;
        new IntSums(state).runMasked(Int32Array.from(numbers), { words, end, count }, 0);
        const chosen = numbers.filter((_, i) => ((mask[i >> 5] ?? 0) >>> (i & 31)) & 1);
        expect(state.value(0)).toBe(chosen.reduce((sum, value) => sum + BigInt(value), 0n));
        rows += chosen.length;
      },
    ),
    { numRuns: 200 },
  );
  expect(rows).toBeGreaterThan(2000);
});
