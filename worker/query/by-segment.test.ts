import { expect, test } from 'vitest';
import { parseInterval } from '../../core/model/interval.ts';
import { rowView } from '../view/row-view.ts';
import type { View } from '../view/view.ts';
import {
  answerQuery,
  cacheKey,
  decodePartial,
  encodePartial,
  finishQuery,
  mergePartials,
  parseQuery,
  UNLIMITED,
} from './query.ts';
import { runToEnd } from './run/run-query.ts';

// A result for each segment. test/druid/by-segment.test.ts compares with Druid; here are the ways results come together.

const DAY = 86_400_000;
const viewOf = (day: number, ...rows: [hour: number, key: string][]): View => {
  const interval = { startMs: day * DAY, endMs: (day + 1) * DAY };
  return rowView(
    rows.map(([hour, k]) => ({ __time: interval.startMs + hour * 3_600_000, k, v: hour })),
    {
      dimensions: [{ name: 'k' }],
      metrics: [{ name: 'v', type: 'longSum' }],
      segmentId: `d_${day}`,
      interval,
    },
  );
};
/** Two days; the second in two pieces, as an ingest worker holds it. */
const views = [viewOf(0, [1, 'a'], [20, 'b']), viewOf(1, [2, 'a'], [3, 'b']), viewOf(1, [4, 'a'])];
const groupBy = {
  queryType: 'groupBy',
  dataSource: 'd',
  intervals: ['1970-01-01T12/1970-02-01'],
  granularity: 'all',
  dimensions: ['k'],
  aggregations: [{ type: 'longSum', name: 'v', fieldName: 'v' }],
  context: { bySegment: true },
};

interface Element {
  readonly timestamp: string;
  readonly result: {
    readonly results: readonly { readonly event: object }[];
    readonly segment: string;
    readonly interval: string;
  };
}

const parsed = parseQuery(groupBy);
const piecesOf = (some: readonly View[]) =>
  some.map((view) => ({ view, intervals: parsed.intervals }));
const shown = (chunks: Iterable<string>): unknown[] =>
  (JSON.parse([...chunks].join('')) as Element[]).map(({ timestamp, result }) => {
    expect(result.interval.startsWith(timestamp)).toBe(true);
    return [parseInterval(result.interval), result.segment, result.results.map((r) => r.event)];
  });
const EXPECTED = [
  [{ startMs: DAY / 2, endMs: DAY }, 'd_0', [{ k: 'b', v: 20 }]],
  [
    { startMs: DAY, endMs: 2 * DAY },
    'd_1',
    [
      { k: 'a', v: 6 },
      { k: 'b', v: 3 },
    ],
  ],
];

test('an element for each segment, its pieces together, the interval cut to both', () => {
  expect(shown(answerQuery(parsed, piecesOf(views), UNLIMITED))).toEqual(EXPECTED);
});

test('pieces on several nodes are merged segment by segment', () => {
  const partials = [views.slice(1, 2), views.slice(2), views.slice(0, 1)].map((some) =>
    decodePartial(parsed, encodePartial(parsed, runToEnd(parsed, piecesOf(some), UNLIMITED))),
  );
  expect(shown(finishQuery(parsed, mergePartials(parsed, partials)))).toEqual(EXPECTED);
});

test('having, limit and subtotals are of the whole answer and left out, results are not cached', () => {
  const query = parseQuery({
    ...groupBy,
    having: { type: 'equalTo', aggregation: 'v', value: 1 },
    limitSpec: { type: 'default', limit: 1 },
    subtotalsSpec: [[]],
  });
  expect(shown(answerQuery(query, piecesOf(views), UNLIMITED))).toEqual(EXPECTED);
  expect(cacheKey(query, 'd_0', query.intervals)).toBeUndefined();
});

test.each([
  ['a scan', { ...groupBy, queryType: 'scan' }, /bySegment of a scan/],
  [
    'a grand total',
    { ...groupBy, queryType: 'timeseries', context: { bySegment: true, grandTotal: true } },
    /with context.grandTotal/,
  ],
  [
    'a nested query',
    { ...groupBy, dataSource: { type: 'query', query: { ...groupBy, context: {} } } },
    /over a data source of type query/,
  ],
  [
    'an inner query',
    { ...groupBy, context: {}, dataSource: { type: 'query', query: groupBy } },
    /bySegment of a nested query/,
  ],
])('%s is refused by name', (_name, query, message) => {
  expect(() => parseQuery(query)).toThrow(message);
});
