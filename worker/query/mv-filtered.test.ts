import { expect, test } from 'vitest';
import { isFailure } from '../../core/runtime/failure.ts';
import { rowView } from '../view/row-view.ts';
import { answerQuery, parseQuery, UNLIMITED } from './query.ts';

// Columns of several values of which only some stay. Expected is what Druid 37 answers over the same rows.

const view = rowView(
  [null, ['x', 'y'], 'y', null, ['y', 'x', 'x']].map((mv, i) => ({ __time: i, mv })),
  { dimensions: [{ name: 'mv' }] },
);
const common = {
  dataSource: 'd',
  intervals: '1970/1971',
  granularity: 'all',
  aggregations: [{ type: 'count', name: 'n' }],
};

function answer(column: object, query: object): Record<string, unknown>[] {
  const virtualColumns = [{ type: 'mv-filtered', name: 'v', delegate: 'mv', ...column }];
  const parsed = parseQuery({ ...common, virtualColumns, ...query });
  const pieces = [{ view, intervals: parsed.intervals }];
  return JSON.parse([...answerQuery(parsed, pieces, UNLIMITED)].join('')) as never;
}

const N = null;

test.each<[string, object, unknown[], object[], object[], number]>([
  [
    'allowed',
    { values: ['x'] },
    [N, 'x', N, N, ['x', 'x']],
    [
      { v: N, n: 3 },
      { v: 'x', n: 3 },
    ],
    [{ v: 'x', n: 3 }],
    3,
  ],
  [
    'denied',
    { values: ['x'], isAllowList: false },
    [N, 'y', 'y', N, 'y'],
    [
      { v: N, n: 2 },
      { v: 'y', n: 3 },
    ],
    [{ v: 'y', n: 3 }],
    2,
  ],
  ['none', { values: ["it's", '"\\'] }, [N, N, N, N, N], [{ v: N, n: 5 }], [], 5],
])('%s', (_name, column, scanned, grouped, top, nulls) => {
  const scan = { queryType: 'scan', columns: ['v'], resultFormat: 'compactedList' };
  const [element] = answer(column, scan);
  expect(element?.['events']).toEqual(scanned.map((value) => [value]));
  const groups = answer(column, { queryType: 'groupBy', dimensions: ['v'] });
  expect(groups.map(({ event }) => event)).toEqual(grouped);
  const topN = { queryType: 'topN', dimension: 'v', metric: { type: 'dimension' }, threshold: 9 };
  const [bucket] = answer(column, topN);
  expect(
    ((bucket?.['result'] ?? []) as object[]).filter((entry) => Reflect.get(entry, 'v') !== N),
  ).toEqual(top);
  const filter = { type: 'null', column: 'v' };
  expect(answer(column, { queryType: 'timeseries', filter })[0]?.['result']).toEqual({ n: nulls });
});

test('refuses a delegate that changes values', () => {
  const delegate = {
    type: 'extraction',
    dimension: 'mv',
    outputName: 'mv',
    extractionFn: { type: 'upper' },
  };
  try {
    answer({ delegate, values: [] }, { queryType: 'timeseries' });
  } catch (error) {
    if (!isFailure(error, 'input')) throw error;
    expect(error.message).toMatch(/^virtualColumns\[0\]\.delegate: .* is not supported/);
    return;
  }
  throw new Error('was answered');
});
