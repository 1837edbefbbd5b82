import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Failure } from '../../core/runtime/failure.ts';
import { conciseReader } from './concise-reader.ts';
import { conciseBytes } from './concise-writer.ts';
import type { Place } from './place.ts';
import { roaringReader } from './roaring-reader.ts';
import { roaringBytes } from './roaring-writer.ts';

const place: Place = {
  corrupt: (offset, what) => new Failure('corrupt', 'SegmentCorrupt', `${offset}: ${what}`),
};

function rowsOf(words: Int32Array): number[] {
  const rows: number[] = [];
  for (let row = 0; row < 32 * words.length; row++)
    if (((words[row >> 5] ?? 0) >>> (row & 31)) & 1) rows.push(row);
  return rows;
}

function hexOf(rows: number[]): string {
  return Buffer.from(roaringBytes(Int32Array.from(rows), 0, rows.length)).toString('hex');
}

/** Rows in clusters over several containers: singles, runs, dense stretches. */
const rowSet = fc
  .array(
    fc.tuple(fc.nat(300_000), fc.integer({ min: 1, max: 9000 }), fc.integer({ min: 1, max: 3 })),
    {
      minLength: 1,
      maxLength: 8,
    },
  )
  .map((runs) => {
    const rows = new Set<number>();
    for (const [start, n, step] of runs) for (let i = 0; i < n; i++) rows.add(start + i * step);
    return [...rows].sort((a, b) => a - b);
  });

test('roaring bitmaps read back as written', () => {
  let checked = 0;
  fc.assert(
    fc.property(rowSet, (rows) => {
      const bytes = roaringBytes(Int32Array.from(rows), 0, rows.length).slice();
      const size = (rows.at(-1) ?? 0) + 1;
      const words = new Int32Array(Math.ceil(size / 32));
      roaringReader.or(bytes, words, size, place, 0);
      expect(rowsOf(words)).toEqual(rows);
      expect(roaringReader.count(bytes, place, 0)).toBe(rows.length);
      expect(() => roaringReader.or(bytes, words, size - 1, place, 0)).toThrow(Failure);
      checked++;
    }),
    { numRuns: 40 },
  );
  expect(checked).toBe(40);
});

test('concise bitmaps read back as written, and repeat no word that a fill could hold', () => {
  let checked = 0;
  fc.assert(
    fc.property(rowSet, (rows) => {
      const bytes = conciseBytes(Int32Array.from(rows), 0, rows.length).slice();
      const size = (rows.at(-1) ?? 0) + 1;
      const words = new Int32Array(Math.ceil(size / 32));
      conciseReader.or(bytes, words, size, place, 0);
      expect(rowsOf(words)).toEqual(rows);
      expect(conciseReader.count(bytes, place, 0)).toBe(rows.length);
      const hex = Buffer.from(bytes).toString('hex').match(/.{8}/g) ?? [];
      for (const [i, word] of hex.entries())
        if (word === 'ffffffff' || word === '80000000') expect(hex[i + 1]).not.toBe(word);
      checked++;
    }),
    { numRuns: 40 },
  );
  expect(checked).toBe(40);
  const hexOf = (rows: number[]): string =>
    Buffer.from(conciseBytes(Int32Array.from(rows), 0, rows.length)).toString('hex');
  expect(hexOf([0, 6])).toBe('80000041');
  expect(hexOf([62, 63])).toBe('0000000180000003');
  expect(hexOf([4, ...Array.from({ length: 30 }, (_, i) => 32 + i)])).toBe('80000010fffffffe');
  // A single row, then 99 groups of zeros, in one word; then row 3100.
  expect(hexOf([4, 3100])).toBe('0a00006380000001');
});

test('bytes are those that Druid writes', () => {
  expect(hexOf([0])).toBe('3a30000001000000000000001000' + '00000000');
  expect(hexOf([0, 2])).toBe('3a300000010000000000010010000000' + '00000200');
  // Three consecutive rows stay an array, five become a run; the rule is strict.
  expect(hexOf([0, 1, 2])).toBe('3a300000010000000000020010000000' + '000001000200');
  expect(hexOf([0, 1, 2, 3, 4, 5, 6, 7, 8])).toBe(
    '3b300000' + '01' + '00000800' + '0100' + '00000800',
  );
});

test('concise words are literals and fills', () => {
  const read = (hex: string, size: number): number[] => {
    const words = new Int32Array(Math.ceil(size / 32));
    conciseReader.or(Buffer.from(hex, 'hex'), words, size, place, 0);
    return rowsOf(words);
  };
  expect(read('80000041', 7)).toEqual([0, 6]);
  // Two groups of zeros, then row 62 and 63.
  expect(read('0000000180000003', 64)).toEqual([62, 63]);
  // One group of zeros with row 4 set, then a fill of ones of 31 rows without its first.
  expect(read('0a00000042000000', 62)).toEqual([
    4,
    ...Array.from({ length: 30 }, (_, i) => 32 + i),
  ]);
  expect(conciseReader.count(Buffer.from('0a00000042000000', 'hex'), place, 0)).toBe(31);
  expect(() => read('80000041', 6)).toThrow(Failure);
  expect(() => read('800000', 6)).toThrow(Failure);
});
