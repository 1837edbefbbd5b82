import { expect, test } from 'vitest';
import { rowView } from '../view/row-view.ts';
import {
  answerQuery,
  decodePartial,
  encodePartial,
  finishQuery,
  mergePartials,
  parseQuery,
  UNLIMITED,
} from './query.ts';
import { runToEnd } from './run/run-query.ts';

// Means of doubles. Expected is what Druid 37 answers over the same rows.

const rows = [
  { __time: 0, k: 'a', v: 57, mv: ['1', '2', '7'] },
  { __time: 1, k: 'a', v: 459, mv: '2' },
  { __time: 2, k: 'b', v: null, mv: null },
  { __time: 3, k: 'b', v: 905, mv: ['1', 'x', '7'] },
];
const viewOf = (some: typeof rows) =>
  rowView(some, {
    dimensions: [{ name: 'k' }, { name: 'mv' }],
    metrics: [{ name: 'v', type: 'longSum' }],
  });
const common = {
  queryType: 'groupBy',
  dataSource: 'd',
  intervals: '1970/1971',
  granularity: 'all',
  dimensions: ['k'],
};
const mean = (name: string, fieldName = name) => ({ type: 'doubleMean', name, fieldName });

function answer(query: object): unknown[] {
  const parsed = parseQuery({ ...common, ...query });
  const pieces = [{ view: viewOf(rows), intervals: parsed.intervals }];
  const found = JSON.parse([...answerQuery(parsed, pieces, UNLIMITED)].join('')) as {
    event: unknown;
  }[];
  return found.map(({ event }) => event);
}

test('nulls do not count, texts that are no numbers count as 0, of several values each counts', () => {
  expect(
    answer({ aggregations: [mean('v'), mean('mv'), mean('text', 'k'), mean('missing')] }),
  ).toEqual([
    { k: 'a', v: 258, mv: 3, text: 0, missing: 0 },
    { k: 'b', v: 905, mv: 8 / 3, text: 0, missing: 0 },
  ]);
});

test('over no rows it is 0', () => {
  const aggregations = [
    {
      type: 'filtered',
      filter: { type: 'selector', dimension: 'k', value: 'c' },
      aggregator: mean('v'),
    },
  ];
  expect(answer({ aggregations })).toEqual([
    { k: 'a', v: 0 },
    { k: 'b', v: 0 },
  ]);
});

test('unfinalised it is a sum and a count', () => {
  const posts = [
    { type: 'fieldAccess', name: 'raw', fieldName: 'v' },
    { type: 'expression', name: 'twice', expression: 'v * 2' },
  ];
  expect(answer({ aggregations: [mean('v')], postAggregations: posts })[0]).toEqual({
    k: 'a',
    v: 258,
    raw: 'QIAgAAAAAAAAAAAAAAAAAg==',
    twice: 516,
  });
});

test('the mean of means of an inner query is that of all values', () => {
  const inner = { ...common, aggregations: [mean('v')] };
  const outer = { dataSource: { type: 'query', query: inner }, dimensions: [] };
  expect(answer({ ...outer, aggregations: [mean('m', 'v')] })).toEqual([
    { m: (57 + 459 + 905) / 3 },
  ]);
});

test('parts that travelled add up', () => {
  const query = parseQuery({ ...common, dimensions: [], aggregations: [mean('v')] });
  const partials = [rows.slice(0, 1), rows.slice(1)].map((some) => {
    const part = runToEnd(query, [{ view: viewOf(some), intervals: query.intervals }], UNLIMITED);
    return decodePartial(query, encodePartial(query, part));
  });
  expect([...finishQuery(query, mergePartials(query, partials))].join('')).toContain(
    `"v":${(57 + 459 + 905) / 3}`,
  );
});
