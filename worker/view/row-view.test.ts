import { expect, test } from 'vitest';
import { rowView } from './row-view.ts';

const ROWS = [
  { __time: 5, d: 'b', mv: ['y', 'x'], n: 9007199254740993n, f: 0.1 },
  { __time: 7, d: null, mv: [], n: null, f: 1.5 },
  { __time: 9, d: '', mv: 'x', n: -1, f: null },
];
const SCHEMA = {
  dimensions: [{ name: 'd' }, { name: 'mv' }, { name: 'n', type: 'long' as const }],
  metrics: [{ name: 'f', type: 'floatSum' as const }],
};

test('strings are encoded with null first, and bitmaps agree with ids', () => {
  const view = rowView(ROWS, SCHEMA);
  const d = view.column('d');
  if (d?.kind !== 'string') throw new Error('d is not a string column');
  const ids = new Int32Array(3);
  d.readIds(0, 3, ids);
  expect([...ids].map((id) => d.dictionary.value(id))).toEqual(['b', null, '']);
  expect([null, '', 'b', 'z'].map((value) => d.dictionary.idOf(value))).toEqual([0, 1, 2, -1]);
  const mv = view.column('mv');
  if (mv?.kind !== 'string') throw new Error('mv is not a string column');
  const lists = { offsets: new Int32Array(0), ids: new Int32Array(0) };
  mv.readIdLists(1, 2, lists);
  expect([...lists.offsets]).toEqual([0, 0, 1]);
  const words = new Int32Array(1);
  mv.orBitmap(mv.dictionary.idOf('x'), words);
  expect(words[0]).toBe(0b101);
  expect(mv.bitmapRows(0)).toBe(1);
});

test('numbers keep 64 bits, floats are rounded, nulls are marked', () => {
  const view = rowView(ROWS, SCHEMA);
  const n = view.column('n');
  const f = view.column('f');
  if (n?.kind !== 'numeric' || f?.kind !== 'numeric') throw new Error('not numeric');
  const longs = new BigInt64Array(3);
  n.readLongs(0, 3, longs);
  expect([...longs]).toEqual([9007199254740993n, 0n, -1n]);
  const nulls = new Uint8Array(3);
  expect(n.readNulls(0, 3, nulls)).toBe(true);
  expect([...nulls]).toEqual([0, 1, 0]);
  expect(f.readNulls(0, 2, nulls)).toBe(false);
  const doubles = new Float64Array(3);
  f.readDoubles(0, 3, doubles);
  expect([...doubles]).toEqual([Math.fround(0.1), 1.5, 0]);
  expect([view.rows, view.minTimeMs, view.maxTimeMs, view.timeSorted]).toEqual([3, 5, 9, true]);
});

test('order of first appearance stands in for the in-memory index', () => {
  const d = rowView(ROWS, { ...SCHEMA, sortedDictionaries: false, bitmaps: false }).column('d');
  if (d?.kind !== 'string') throw new Error('d is not a string column');
  expect([d.dictionary.sorted, d.hasBitmaps, d.dictionary.value(0)]).toEqual([false, false, 'b']);
});

test('a value that does not fit its type is refused by column', () => {
  expect(() => rowView([{ __time: 0, n: 'x' }], SCHEMA)).toThrow(/column n/);
  expect(() => rowView([{ __time: 0, d: 4 }], SCHEMA)).toThrow(/column d/);
});
