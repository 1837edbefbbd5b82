import { describe, expect, test } from 'vitest';
import { isFailure } from '../../core/runtime/failure.ts';
import { rowView } from '../view/row-view.ts';
import {
  answerQuery,
  exactJson,
  parseQuery,
  piecesAtHand,
  planQuery,
  type Query,
  UNLIMITED,
} from './query.ts';
import { runToEnd } from './run/run-query.ts';

// What is asked before a query can run, what it is asked as, and when it is too much. Answers themselves are compared
// with Druid's in test/druid/cluster-recorded.test.ts.

const view = rowView(
  Array.from({ length: 10 }, (_, i) => ({ __time: i, s: `s${i}`, n: 2n ** 60n + BigInt(i) })),
  { dimensions: [{ name: 's' }], metrics: [{ name: 'n', type: 'longSum' }] },
);

const common = { dataSource: 'd', intervals: '1970/1971' };
const scan = { ...common, queryType: 'scan', columns: ['s', 'n'] };
const count = {
  queryType: 'timeseries',
  intervals: '1970/1971',
  granularity: 'all',
  aggregations: [{ type: 'count', name: 'c' }],
};
const over = (query: object, change: object = {}): object => ({
  ...count,
  dataSource: { type: 'query', query },
  ...change,
});

/** Runs a plan; gives the queries asked, as another node reads them, and what is left. */
function plan(body: object): { readonly asked: Query[]; readonly planned: Query } {
  const asked: Query[] = [];
  const steps = planQuery(parseQuery(body), body);
  let step = steps.next();
  while (step.done !== true) {
    const { query } = step.value;
    asked.push(parseQuery(JSON.parse(exactJson(step.value.body))));
    const pieces = piecesAtHand(query) ?? [{ view, intervals: query.intervals }];
    step = steps.next(runToEnd(query, pieces, UNLIMITED));
  }
  return { asked, planned: step.value.query };
}

function failureOf(body: object): { readonly code: string; readonly message: string } {
  try {
    plan(body);
  } catch (error) {
    if (isFailure(error)) return error;
    throw error;
  }
  throw new Error('was planned');
}

test('the innermost query is asked first; a query on tables is left as it is', () => {
  const { asked, planned } = plan(over(over({ ...scan, limit: 3 })));
  expect(asked.map(({ queryType, dataSource }) => [queryType, dataSource.type])).toEqual([
    ['scan', 'table'],
    ['timeseries', 'query'],
  ]);
  expect(planned.dataSource).toMatchObject({
    type: 'inline',
    columns: [{ name: '__time' }, { name: 'c' }],
  });
  const plain = { ...count, dataSource: 'd' };
  expect(plan(plain)).toEqual({ asked: [], planned: parseQuery(plain) });
});

test('rows reach the body of a join with all their bits', () => {
  const body = {
    ...count,
    dataSource: {
      type: 'join',
      left: 'd',
      right: { type: 'query', query: { ...scan, limit: 2 } },
      rightPrefix: 'r.',
      condition: 'n == "r.n"',
      joinType: 'INNER',
    },
  };
  const steps = planQuery(parseQuery(body), body);
  const first = steps.next();
  if (first.done === true) throw new Error('nothing was asked');
  const pieces = [{ view, intervals: first.value.query.intervals }];
  const last = steps.next(runToEnd(first.value.query, pieces, UNLIMITED));
  if (last.done !== true) throw new Error('more was asked');
  const text = exactJson(last.value.body);
  expect(text).toContain('[["s0",1152921504606846976],["s1",1152921504606846977]]');
  expect(last.value.query.dataSource).toEqual(
    parseQuery(JSON.parse(text.replaceAll(/\d{16,}/g, '"$&"'))).dataSource,
  );
});

test('sketches of a nested query are merged where the outer one asks for them, else finished', () => {
  const unique = { type: 'cardinality', name: 'u', fields: ['s'] };
  const theta = { type: 'thetaSketch', name: 't', fieldName: 's' };
  const inner = {
    ...common,
    queryType: 'groupBy',
    granularity: 'all',
    dimensions: [],
    aggregations: [unique, theta],
  };
  const finished = over(
    { ...inner, intervals: '1970-01-01/1970-01-01T00:00:00.006Z' },
    {
      aggregations: [{ type: 'doubleSum', name: 'u', fieldName: 'u' }],
    },
  );
  expect(answer(finished)).toEqual([expect.closeTo(6, 1)]);
  const merging = {
    ...inner,
    granularity: { type: 'duration', duration: 6 },
  };
  const merged = over(merging, {
    aggregations: [
      { type: 'hyperUnique', name: 'u', fieldName: 'u' },
      { type: 'filtered', filter: { type: 'true' }, aggregator: { ...theta, fieldName: 't' } },
    ],
  });
  expect(answer(merged)).toEqual([expect.closeTo(10, 0), 10]);
});

/** Values of the only bucket, in the order of the aggregators. */
function answer(body: object): unknown[] {
  const query = parseQuery(body);
  const find = ({ intervals }: Query): { view: typeof view; intervals: Query['intervals'] }[] => [
    { view, intervals },
  ];
  const text = [...answerQuery(query, find, UNLIMITED)].join('');
  const [first] = JSON.parse(text) as { result: Record<string, unknown> }[];
  return Object.values(first?.result ?? {});
}

describe('limits', () => {
  test('a nested scan is asked for one row more than allowed, never for all', () => {
    const context = { maxSubqueryRows: 4 };
    const failure = failureOf(over(scan, { context }));
    expect(failure.code).toBe('ResourceLimitExceeded');
    expect(failure.message).toMatch(/beyond maximum\[4\] rows.*context\.maxSubqueryRows/);
    expect(plan(over({ ...scan, limit: 4 }, { context })).asked).toMatchObject([{ limit: 4 }]);
    expect(plan(over(scan)).asked).toMatchObject([{ limit: 100_001 }]);
  });

  test('rows of several nested queries count together', () => {
    const right = { type: 'query', query: { ...scan, limit: 3 } };
    const join = { type: 'join', rightPrefix: 'r.', condition: 's == "r.s"', joinType: 'INNER' };
    const body = (maxSubqueryRows: number): object => ({
      ...count,
      dataSource: { ...join, left: { type: 'query', query: { ...scan, limit: 3 } }, right },
      context: { maxSubqueryRows },
    });
    expect(plan(body(6)).asked).toHaveLength(2);
    expect(failureOf(body(5)).message).toMatch(/beyond maximum\[5\] rows/);
  });

  test('bytes', () => {
    const body = (maxSubqueryBytes: unknown): object =>
      over(scan, { context: { maxSubqueryBytes } });
    expect(failureOf(body(100)).message).toMatch(/maximum\[100\] bytes.*context\.maxSubqueryBytes/);
    for (const most of [10_000, 'auto', 'disabled']) expect(plan(body(most)).asked).toHaveLength(1);
    expect(failureOf(body('many')).code).toBe('QueryContextInvalid');
  });
});
