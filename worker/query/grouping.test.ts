import { expect, test } from 'vitest';
import { rowView } from '../view/row-view.ts';
import { answerQuery, parseQuery, UNLIMITED } from './query.ts';

// Which dimensions a subtotal leaves out. Expected is what Druid 37 answers over the same rows.

const view = rowView(
  [
    ['x', 'p'],
    ['y', 'p'],
    [null, 'q'],
  ].map(([a, b], i) => ({ __time: i, a, b })),
  { dimensions: [{ name: 'a' }, { name: 'b' }] },
);
const grouping = { type: 'grouping', name: 'g', groupings: ['a', 'b', 'other'] };

function answer(query: object): Record<string, unknown>[] {
  const parsed = parseQuery({
    dataSource: 'd',
    intervals: '1970/1971',
    granularity: 'all',
    aggregations: [{ type: 'count', name: 'n' }, grouping],
    ...query,
  });
  const pieces = [{ view, intervals: parsed.intervals }];
  return JSON.parse([...answerQuery(parsed, pieces, UNLIMITED)].join('')) as never;
}

const groupBy = { queryType: 'groupBy', dimensions: ['a', 'b'] };

test('a bit a dimension that is left out, the last one lowest', () => {
  const rows = answer({ ...groupBy, subtotalsSpec: [['a', 'b'], ['b'], ['a'], []] });
  expect(rows.map(({ event }) => event)).toEqual([
    { a: null, b: 'q', n: 1, g: 1 },
    { a: 'x', b: 'p', n: 1, g: 1 },
    { a: 'y', b: 'p', n: 1, g: 1 },
    { a: null, b: 'p', n: 2, g: 5 },
    { a: null, b: 'q', n: 1, g: 5 },
    { a: null, b: null, n: 1, g: 3 },
    { a: 'x', b: null, n: 1, g: 3 },
    { a: 'y', b: null, n: 1, g: 3 },
    { a: null, b: null, n: 3, g: 7 },
  ]);
});

test('having, order and post-aggregators see it, through a filtered aggregator too', () => {
  const inner = { ...grouping, groupings: ['a', 'b'] };
  const filter = { type: 'selector', dimension: 'a', value: 'nothing' };
  const rows = answer({
    ...groupBy,
    subtotalsSpec: [['b'], []],
    aggregations: [{ type: 'filtered', filter, aggregator: inner }],
    having: { type: 'greaterThan', aggregation: 'g', value: 1 },
    limitSpec: { type: 'default', columns: [{ dimension: 'g', direction: 'descending' }] },
    postAggregations: [{ type: 'expression', name: 'e', expression: 'g * 2' }],
  });
  expect(rows.map(({ event }) => event)).toEqual([
    { a: null, b: null, g: 3, e: 6 },
    { a: null, b: 'p', g: 2, e: 4 },
    { a: null, b: 'q', g: 2, e: 4 },
  ]);
});

test('the names are those of the columns, not of the output', () => {
  const rows = answer({
    ...groupBy,
    dimensions: [
      { type: 'default', dimension: 'a', outputName: 'b' },
      { type: 'extraction', dimension: 'b', outputName: 'a', extractionFn: { type: 'upper' } },
    ],
    subtotalsSpec: [['b'], ['a']],
  });
  expect(rows.map(({ event }) => (event as { g: number }).g)).toEqual([3, 3, 3, 5, 5]);
});

test('nothing is left out without subtotals', () => {
  expect(answer(groupBy).map(({ event }) => event)).toMatchObject([{ g: 0 }, { g: 0 }, { g: 0 }]);
  expect(answer({ queryType: 'timeseries' })).toMatchObject([{ result: { g: 0 } }]);
});

test('one to 63 names', () => {
  for (const groupings of [[], Array.from({ length: 64 }, () => 'a')])
    expect(() => answer({ ...groupBy, aggregations: [{ ...grouping, groupings }] })).toThrow(
      /groupings: .*give 1 to 63/,
    );
});
