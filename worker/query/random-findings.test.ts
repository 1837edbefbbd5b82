import { expect, test } from 'vitest';
import { rowView } from '../view/row-view.ts';
import { answerQuery, parseQuery, UNLIMITED } from './query.ts';

// What the comparison of random queries with Druid (test/druid/random-agreement.test.ts) has found, each as one small
// case with Druid's answer.

const DAY = { startMs: Date.UTC(2024, 2, 9), endMs: Date.UTC(2024, 2, 10) };
const TEXTS = ['b', null, 'a', '', 'b'];
const view = rowView(
  TEXTS.map((s, i) => ({
    __time: DAY.startMs + i * 3_600_000 + 1,
    s,
    mv: i === 0 ? ['z', 'z'] : i === 1 ? null : 'y',
    n: i === 4 ? 10 : i === 3 ? 9 : null,
    l: i,
  })),
  {
    dimensions: [{ name: 's' }, { name: 'mv' }, { name: 'n', type: 'long' }],
    metrics: [{ name: 'l', type: 'longSum' }],
    interval: DAY,
  },
);

function ask(query: object, intervals = [DAY]): unknown {
  const body = { dataSource: 'd', intervals: '2024-03-09/2024-03-10', granularity: 'all' };
  const parsed = parseQuery({ ...body, ...query });
  return JSON.parse([...answerQuery(parsed, [{ view, intervals }], UNLIMITED)].join(''));
}

const COUNT = [{ type: 'count', name: 'c' }];

function keysOf(answer: unknown, name: string): unknown[] {
  const [bucket] = answer as { result: Record<string, unknown>[] }[];
  return (bucket?.result ?? []).map((entry) => entry[name]);
}

function counted(filter: object): unknown {
  const [bucket] = ask({ queryType: 'timeseries', aggregations: COUNT, filter }) as {
    result: { c: number };
  }[];
  return bucket?.result.c;
}

test('null comes first in topN orders of the dimension, inverted ones too', () => {
  const topN = { queryType: 'topN', dimension: 's', threshold: 10, aggregations: COUNT };
  const metric = { type: 'dimension', ordering: 'lexicographic' };
  expect(keysOf(ask({ ...topN, metric }), 's')).toEqual([null, '', 'a', 'b']);
  const inverted = { type: 'inverted', metric };
  expect(keysOf(ask({ ...topN, metric: inverted }), 's')).toEqual([null, 'b', 'a', '']);
});

test('numbers are ordered as text by every order but numeric', () => {
  const dimensions = [{ dimension: 'n', outputName: 'n', outputType: 'LONG' }];
  const ordered = (dimensionOrder: string): unknown[] => {
    const columns = [{ dimension: 'n', direction: 'ascending', dimensionOrder }];
    const limitSpec = { type: 'default', columns };
    const rows = ask({ queryType: 'groupBy', dimensions, aggregations: COUNT, limitSpec });
    return (rows as { event: { n: unknown } }[]).map(({ event }) => event.n);
  };
  expect(ordered('lexicographic')).toEqual([null, 10, 9]);
  expect(ordered('numeric')).toEqual([null, 9, 10]);
});

test('topN writes its buckets in UTC whatever the zone', () => {
  const [bucket] = ask({
    queryType: 'topN',
    dimension: 's',
    threshold: 10,
    metric: 'c',
    aggregations: COUNT,
    granularity: { type: 'period', period: 'P1D', timeZone: 'Asia/Kolkata' },
  }) as { timestamp: string }[];
  expect(bucket?.timestamp).toBe('2024-03-08T18:30:00.000Z');
});

test('the grand total of no bucket is null, estimates are 0', () => {
  const aggregations = [...COUNT, { type: 'cardinality', name: 'e', fields: ['s'] }];
  const answer = ask({
    queryType: 'timeseries',
    aggregations,
    filter: { type: 'false' },
    context: { skipEmptyBuckets: true, grandTotal: true },
  });
  expect(answer).toEqual([{ timestamp: null, result: { c: null, e: 0 } }]);
});

test('a descending timeseries over all time is stamped with its last interval', () => {
  const hour = 3_600_000;
  const asked = [0, 2].map((from) => ({
    startMs: DAY.startMs + from * hour,
    endMs: DAY.startMs + (from + 1) * hour,
  }));
  const intervals = ['2024-03-09T00/2024-03-09T01', '2024-03-09T02/2024-03-09T03'];
  const query = { queryType: 'timeseries', aggregations: COUNT, descending: true, intervals };
  const [bucket] = ask(query, asked) as { timestamp: string }[];
  expect(bucket?.timestamp).toBe('2024-03-09T02:00:00.000Z');
});

test('text that is no number is below all numbers, as a numeric bound', () => {
  const bound = { type: 'bound', dimension: 'n', ordering: 'numeric' };
  expect(counted({ ...bound, lower: 'x' })).toBe(2);
  expect(counted({ ...bound, upper: 'x' })).toBe(0);
});

test('null and the order of a bound: false but for lexicographic, where it is unknown', () => {
  const not = (ordering: string): object => ({
    type: 'not',
    field: { type: 'bound', dimension: 's', lower: 'zz', ordering },
  });
  expect(counted(not('lexicographic'))).toBe(4);
  expect(counted(not('strlen'))).toBe(5);
  expect(counted({ type: 'not', field: { type: 'in', dimension: 's', values: [] } })).toBe(5);
});

test('a numeric column compared as text never holds null', () => {
  const bound = { type: 'bound', dimension: 'n', ordering: 'alphanumeric', upper: '99' };
  expect(counted(bound)).toBe(2);
});

test('the length of null is null', () => {
  const dimension = {
    type: 'extraction',
    dimension: 's',
    outputName: 'k',
    extractionFn: { type: 'strlen' },
  };
  const metric = { type: 'dimension' };
  const topN = { queryType: 'topN', dimension, threshold: 9, metric, aggregations: COUNT };
  expect(keysOf(ask(topN), 'k')).toEqual([null, '0', '1']);
});

test('search counts a row once and is stamped with the start of the segment', () => {
  const answer = ask({
    queryType: 'search',
    searchDimensions: ['mv'],
    query: { type: 'contains', value: 'z' },
    intervals: '2020/2030',
  });
  expect(answer).toEqual([
    {
      timestamp: '2024-03-09T00:00:00.000Z',
      result: [{ dimension: 'mv', value: 'z', count: 1 }],
    },
  ]);
});

test('timeseries and topN may call an output __time', () => {
  const topN = { queryType: 'topN', dimension: '__time', threshold: 9, metric: 'c' };
  expect(keysOf(ask({ ...topN, aggregations: COUNT }), '__time').length).toBe(5);
});

test('lists of a row are hashed with a mark between their values', () => {
  const [bucket] = ask({
    queryType: 'timeseries',
    aggregations: [{ type: 'cardinality', name: 'e', fields: ['mv'], byRow: true, round: true }],
  }) as { result: { e: number } }[];
  expect(bucket?.result.e).toBe(2);
});
