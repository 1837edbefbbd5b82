// Row lists against a look at every bit.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { countBits, cutBits, listRows } from './row-list.ts';

const ROWS = 256;
/** Words of few bits, of many, and of all. */
const word = fc.oneof(
  fc.constantFrom(0, -1, 1, -(2 ** 31)),
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  fc.nat(31).map((bit) => 1 << bit),
  fc.nat(31).map((bit) => ~(1 << bit)),
);

test('the rows of the set bits of a run, in order', () => {
  let listed = 0;
  fc.assert(
    fc.property(
      fc.array(word, { minLength: ROWS / 32, maxLength: ROWS / 32 }),
      fc.tuple(fc.nat(ROWS), fc.nat(ROWS)),
      (bits, ends) => {
        const [low, high] = [Math.min(...ends), Math.max(...ends)];
        const words = Int32Array.from(bits);
        const expected = Array.from({ length: high - low }, (_, i) => low + i).filter(
          (row) => ((words[row >> 5] ?? 0) >>> (row & 31)) & 1,
        );
        const rows = new Int32Array(ROWS + 1);
        const count = listRows(words, low, high, rows);
        expect([...rows.subarray(0, count)]).toEqual(expected);
        listed += count;
        const cut = words.slice();
        expect(cutBits(cut, low, high)).toBe(expected.length > 0);
        expect(countBits(cut, high)).toBe(expected.length);
        const again = new Int32Array(ROWS + 1);
        expect(listRows(cut, 0, high, again)).toBe(expected.length);
        expect(again.subarray(0, expected.length)).toEqual(rows.subarray(0, expected.length));
      },
    ),
    { numRuns: 500 },
  );
  expect(listed).toBeGreaterThan(5000);
});
