import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CompiledSchema } from '../../core/spec/compiled.ts';
import { FIELD_LIST, FIELD_NULL, FIELD_VALUE, hashBytes, type RowFields } from '../view/fields.ts';
import type { StringColumn, View } from '../view/view.ts';
import { IncrementalIndex } from './incremental-index.ts';
import { indexView } from './index-view.ts';

const METADATA = { aggregators: null, queryGranularity: null, rollup: true, timestampSpec: null };
const INTERVAL = { startMs: 0, endMs: 86_400_000 };

interface Row {
  time: number;
  s: string | null;
  l: bigint | null;
  sum: bigint | null;
  max: number | null;
}

function schema(rollup: boolean): CompiledSchema {
  return {
    timestamp: { column: 't', format: 'auto', missingValueMs: null },
    dimensions: [
      { name: 's', type: 'string', createBitmapIndex: true, multiValueHandling: 'array' },
      { name: 'l', type: 'long', createBitmapIndex: true, multiValueHandling: 'array' },
    ],
    discovery: false,
    dimensionExclusions: [],
    metrics: [
      { type: 'count', name: 'n', fieldName: '' },
      { type: 'longSum', name: 'sum', fieldName: 'x' },
      { type: 'doubleMax', name: 'max', fieldName: 'y' },
    ],
    rollup,
    queryGranularity: { type: 'none' },
    segmentGranularity: { type: 'period', period: 'P1D', timeZone: 'UTC', originMs: null },
    lateness: { policy: 'none', lateMs: Infinity, earlyMs: Infinity },
    indexSpec: {
      bitmap: 'roaring',
      dimensionCompression: 'lz4',
      metricCompression: 'lz4',
      longEncoding: 'longs',
    },
  };
}

function fieldsOf(row: Row): RowFields {
  const record = new Uint8Array(Buffer.from(row.s ?? ''));
  const hash = hashBytes(record, new DataView(record.buffer), 0, record.length);
  const one = (n: number): Int32Array => Int32Array.of(n, n);
  const low = (v: bigint | null): number => Number(BigInt.asIntN(32, v ?? 0n));
  const high = (v: bigint | null): number => Number((v ?? 0n) >> 32n);
  const state = (v: unknown): number => (v === null ? FIELD_NULL : FIELD_VALUE);
  const slices = {
    source: new Uint8Array(2),
    start: one(0),
    end: one(record.length),
    hash: one(hash),
  };
  return {
    record,
    scratch: new Uint8Array(0),
    dimensionCount: 2,
    dimensionState: Uint8Array.of(state(row.s), state(row.l)),
    text: slices,
    listStart: one(0),
    listEnd: one(0),
    listText: slices,
    dimensionLow: one(low(row.l)),
    dimensionHigh: one(high(row.l)),
    dimensionDouble: new Float64Array(2),
    metricState: Uint8Array.of(FIELD_VALUE, state(row.sum), state(row.max)),
    metricLow: Int32Array.of(1, low(row.sum), 0),
    metricHigh: Int32Array.of(0, high(row.sum), 0),
    metricDouble: Float64Array.of(0, 0, row.max ?? 0),
    metricText: slices,
    metricListStart: new Int32Array(0),
    metricListEnd: new Int32Array(0),
    eventMs: row.time,
    timeMs: row.time,
  };
}

/** A row whose field `s` is a list of letters by number (-1 = null), or null. */
function listFields(time: number, list: readonly number[] | null): RowFields {
  const fields = fieldsOf({ time, s: null, l: null, sum: 1n, max: 1 });
  if (list === null) return fields;
  const scratch = new Uint8Array(Buffer.from('ab'));
  const view = new DataView(scratch.buffer);
  return {
    ...fields,
    scratch,
    dimensionState: Uint8Array.of(FIELD_LIST, FIELD_NULL),
    listStart: Int32Array.of(0, 0),
    listEnd: Int32Array.of(list.length, 0),
    listText: {
      source: Uint8Array.from(list, () => 1),
      start: Int32Array.from(list),
      end: Int32Array.from(list, (at) => at + 1),
      hash: Int32Array.from(list, (at) => (at < 0 ? 0 : hashBytes(scratch, view, at, at + 1))),
    },
  };
}

/** Rows of a view as text, through the vector interface. */
function dump(view: View): string[] {
  const rows: string[] = [];
  const times = new Float64Array(view.rows);
  view.readTimes(0, view.rows, times);
  const s = view.column('s');
  const ids = new Int32Array(view.rows);
  if (s?.kind !== 'string') throw new Error('s is a string');
  s.readIds(0, view.rows, ids);
  const numeric = ['l', 'n', 'sum', 'max'].map((name) => {
    const column = view.column(name);
    if (column?.kind !== 'numeric') throw new Error('numeric');
    const [longs, doubles] = [new BigInt64Array(view.rows), new Float64Array(view.rows)];
    if (column.type === 'LONG') column.readLongs(0, view.rows, longs);
    column.readDoubles(0, view.rows, doubles);
    const nulls = new Uint8Array(view.rows);
    column.readNulls(0, view.rows, nulls);
    return (i: number): string =>
      nulls[i] === 1 ? 'null' : column.type === 'LONG' ? String(longs[i]) : String(doubles[i]);
  });
  for (let i = 0; i < view.rows; i++) {
    rows.push([times[i], s.dictionary.value(ids[i] ?? 0), ...numeric.map((f) => f(i))].join('|'));
  }
  return rows;
}

function model(rows: readonly Row[], rollup: boolean): string[] {
  const groups = new Map<string, Row & { n: number }>();
  rows.forEach((row, i) => {
    const key = rollup ? `${row.time}|${row.s}|${row.l}|${row.s === null}` : String(i);
    const old = groups.get(key);
    if (old === undefined) {
      groups.set(key, { ...row, n: 1 });
      return;
    }
    old.n++;
    if (row.sum !== null) old.sum = BigInt.asIntN(64, (old.sum ?? 0n) + row.sum);
    if (row.max !== null) old.max = old.max === null ? row.max : Math.max(old.max, row.max);
  });
  return [...groups.values()].map((r) =>
    [r.time, r.s, r.l ?? 'null', r.n, r.sum ?? 'null', r.max ?? 'null'].join('|'),
  );
}

describe('IncrementalIndex', () => {
  it.each([true, false])('equals a naive model (rollup %s)', (rollup) => {
    const row = fc.record({
      time: fc.integer({ min: 0, max: 3 }),
      s: fc.option(fc.constantFrom('', 'a', 'é', 'a much longer value', 'b')),
      l: fc.option(
        fc
          .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
          .map((v) => (v % 3n === 0n ? v : v % 4n)),
      ),
      sum: fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
      max: fc.option(fc.integer().map((v) => v / 4)),
    });
    let groups = 0;
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 300 }), (rows) => {
        const index = new IncrementalIndex(schema(rollup), INTERVAL);
        for (const r of rows) index.add(fieldsOf(r), ['s', 'l']);
        const view = indexView(index.data('id'), METADATA);
        const expected = model(rows, rollup);
        expect(dump(view)).toEqual(expected);
        expect(view.minTimeMs).toBe(Math.min(...rows.map((r) => r.time)));
        groups += expected.length;
      }),
      { numRuns: 100 },
    );
    expect(groups).toBeGreaterThan(100);
  });

  it('keeps a snapshot as it was while rows are added', () => {
    const index = new IncrementalIndex(schema(true), INTERVAL);
    const add = (i: number): void =>
      index.add(fieldsOf({ time: i, s: `v${i}`, l: 1n, sum: 1n, max: 1 }), ['s', 'l']);
    for (let i = 0; i < 10; i++) add(i);
    const before = indexView(index.data('id'), METADATA);
    const text = dump(before);
    for (let i = 10; i < 5000; i++) add(i);
    expect(before.rows).toBe(10);
    expect(dump(before)).toEqual(text);
    const s = indexView(index.data('id'), METADATA).column('s');
    expect(s?.kind === 'string' && s.dictionary.idOf('v4999')).toBe(5000);
    expect(s?.kind === 'string' && s.dictionary.idOf('nope')).toBe(-1);
  });

  it('adds a discovered dimension to rows that lack it', () => {
    const index = new IncrementalIndex(
      { ...schema(true), dimensions: [], metrics: [], discovery: true },
      INTERVAL,
    );
    const fields = fieldsOf({ time: 1, s: 'x', l: null, sum: null, max: null });
    index.add(fields, []);
    index.add(fields, ['s']);
    index.add(fields, ['s']);
    const view = indexView(index.data('id'), METADATA);
    expect(view.rows).toBe(2);
    const s = view.column('s');
    const ids = new Int32Array(2);
    if (s?.kind === 'string') s.readIds(0, 2, ids);
    expect([...ids]).toEqual([0, 1]);
  });

  it('tells an empty list from null, and lists of one from values only by their count', () => {
    const rowsOf = (lists: readonly (readonly number[] | null)[]): StringColumn => {
      const index = new IncrementalIndex(schema(true), INTERVAL);
      lists.forEach((list, time) => index.add(listFields(time, list), ['s', 'l']));
      const column = indexView(index.data('id'), METADATA).column('s');
      if (column?.kind !== 'string') throw new Error('s is a string');
      return column;
    };
    const read = (column: StringColumn, rows: number): string[] => {
      const out = { offsets: new Int32Array(0), ids: new Int32Array(0) };
      column.readIdLists(0, rows, out);
      return Array.from({ length: rows }, (_, i) =>
        [...out.ids.subarray(out.offsets[i], out.offsets[i + 1])]
          .map((id) => column.dictionary.value(id) ?? 'null')
          .join('+'),
      );
    };
    const single = rowsOf([null, [0], [-1], [-1, -1]]);
    expect([single.multi, single.hasNulls]).toEqual([false, true]);
    expect(read(single, 4)).toEqual(['null', 'a', 'null', 'null']);
    const empty = rowsOf([[0], [], null]);
    expect([empty.multi, empty.hasNulls]).toEqual([true, true]);
    expect(read(empty, 3)).toEqual(['a', '', 'null']);
    const many = rowsOf([[0], [0, 1], [-1, 0]]);
    expect([many.multi, many.hasNulls]).toEqual([true, true]);
    expect(read(many, 3)).toEqual(['a', 'a+b', 'null+a']);
  });
});
