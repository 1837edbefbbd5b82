import { expect, test } from 'vitest';
import { complexKind } from '../../core/complex/complex-kind.ts';
import { HllSketch } from '../../core/complex/hll-sketch.ts';
import { readPair } from '../../core/complex/time-pair.ts';
import {
  FIELD_DOUBLE,
  FIELD_LIST,
  FIELD_LONG,
  FIELD_NULL,
  FIELD_VALUE,
  type RowFields,
} from '../view/fields.ts';
import { ObjectColumn, objectBytes } from './object-column.ts';

function columnOf(type: string): ObjectColumn {
  const kind = complexKind({ type });
  if (kind === undefined) throw new Error(type);
  return new ObjectColumn(kind);
}

/** A row with one metric. */
function fields(
  value: string | number | bigint | null | readonly string[],
  eventMs = 0,
): RowFields {
  const texts = typeof value === 'string' ? [value] : Array.isArray(value) ? value : [];
  const joined = Buffer.from(texts.join(''));
  const ends = texts.map((_, i) => Buffer.byteLength(texts.slice(0, i + 1).join('')));
  const slices = {
    source: new Uint8Array(texts.length),
    start: Int32Array.from([0, ...ends.slice(0, -1)]),
    end: Int32Array.from(ends),
    hash: new Int32Array(texts.length),
  };
  const none = new Int32Array(0);
  const state =
    value === null
      ? FIELD_NULL
      : typeof value === 'string'
        ? FIELD_VALUE
        : typeof value === 'number'
          ? FIELD_DOUBLE
          : typeof value === 'bigint'
            ? FIELD_LONG
            : FIELD_LIST;
  const long = typeof value === 'bigint' ? value : 0n;
  return {
    record: joined,
    scratch: joined,
    dimensionCount: 0,
    dimensionState: new Uint8Array(0),
    text: slices,
    listStart: none,
    listEnd: none,
    listText: slices,
    dimensionLow: none,
    dimensionHigh: none,
    dimensionDouble: new Float64Array(0),
    metricState: Uint8Array.of(state),
    metricLow: Int32Array.of(Number(BigInt.asIntN(32, long))),
    metricHigh: Int32Array.of(Number(long >> 32n)),
    metricDouble: Float64Array.of(typeof value === 'number' ? value : 0),
    metricText: slices,
    metricListStart: Int32Array.of(0),
    metricListEnd: Int32Array.of(texts.length),
    eventMs,
    timeMs: 0,
  };
}

test('values of every form are counted once each', () => {
  const column = columnOf('HLLSketchBuild');
  for (const value of ['a', 'b', ['a', 'c'], 5n, 5n, 2.5, -0, 0, null, ''])
    column.add(0, fields(value), 0);
  const sketch = HllSketch.ofBytes(objectBytes(column.data(), 0) ?? new Uint8Array(0));
  expect(Math.round(sketch.estimate())).toBe(6);
});

test('a row of nulls has no HLL object, and an empty one of the others', () => {
  const stored = (type: string): string | undefined => {
    const column = columnOf(type);
    column.add(0, fields(null, 7), 0);
    const bytes = objectBytes(column.data(), 0);
    return bytes === undefined ? undefined : Buffer.from(bytes).toString('hex');
  };
  expect(stored('HLLSketchBuild')).toBe(undefined);
  expect(stored('thetaSketch')).toBe('');
  expect(stored('quantilesDoublesSketch')).toBe('');
  expect(stored('hyperUnique')).toBe('01000000000000');
  expect(stored('longFirst')).toBe('0000000000000007');
  expect(stored('stringFirst')).toBe('3fffffffffffffff00000000');
  expect(stored('stringLast')).toBe('c00000000000000000000000');
});

test('a snapshot can be posted to another thread', () => {
  const column = columnOf('thetaSketch');
  for (const value of ['a', 'b', 'c']) column.add(0, fields(value), 0);
  const posted = structuredClone(column.data());
  expect(posted.arena.buffer).toBeInstanceOf(SharedArrayBuffer);
  expect(objectBytes(posted, 0)?.length).toBe(16 + 3 * 8);
});

test('a snapshot keeps its rows while the column grows, and garbage goes', () => {
  const column = columnOf('stringLast');
  const long = 'x'.repeat(1000);
  for (let row = 0; row < 500; row++) column.add(row, fields(`${row}`, 1), 0);
  const before = column.data();
  for (let round = 2; round < 12; round++) {
    for (let row = 0; row < 500; row++) column.add(row, fields(`${row} ${long}`, round), 0);
    column.data();
  }
  column.add(500, fields('new', 1), 0);
  const after = column.data();
  let checked = 0;
  for (let row = 0; row < 500; row++) {
    const text = readPair('STRING', objectBytes(after, row) ?? new Uint8Array(0)).value;
    expect(text).toBe(`${row} ${long}`);
    checked++;
  }
  expect(checked).toBe(500);
  expect(objectBytes(before, 499)?.length).toBeGreaterThan(0);
  // Ten rounds wrote 5 MB; what is not needed any more was left behind.
  expect(after.arena.length).toBeLessThan(3_000_000);
  expect(column.bytes).toBeGreaterThan(500_000);
});
