import { describe, expect, test } from 'vitest';
import { type Row, rowView } from '../view/row-view.ts';
import {
  answerQuery,
  cacheKey,
  decodePartial,
  encodePartial,
  errorAnswer,
  parseQuery,
  prettify,
  type QueryControl,
  type QueryPiece,
  runQuery,
  UNLIMITED,
} from './query.ts';
import { runToEnd } from './run/run-query.ts';

const DAY = Date.UTC(2013, 7, 31);
const SCHEMA = {
  dimensions: [{ name: 'page' }],
  metrics: [{ name: 'n', type: 'longSum' }],
} as const;

function piece(rows: readonly Row[], intervals = parseQuery(SCAN).intervals): QueryPiece {
  return { view: rowView(rows, { ...SCHEMA, segmentId: 's' }), intervals };
}

const SCAN = {
  queryType: 'scan',
  dataSource: 'd',
  intervals: '2013-08-31/P3D',
  columns: ['__time', 'page', 'n'],
};

const rowsOf = (count: number): Row[] =>
  Array.from({ length: count }, (_, i) => ({ __time: DAY + i, page: `p${i % 50}`, n: BigInt(i) }));

function answer(body: unknown, rows: readonly Row[]): unknown {
  const query = parseQuery(body);
  return JSON.parse([...answerQuery(query, [piece(rows, query.intervals)], UNLIMITED)].join(''));
}

describe('granularities', () => {
  // druid-query-api.md 4.2, test vectors.
  const rows = [
    '2013-08-31T01:02:33Z',
    '2013-09-01T01:02:33Z',
    '2013-09-02T23:32:45Z',
    '2013-09-03T03:32:45Z',
  ].map((t) => ({ __time: Date.parse(t), page: 'x', n: 1n }));
  const run = (granularity: unknown): unknown => {
    const query = {
      queryType: 'groupBy',
      dataSource: 'd',
      intervals: '2013-08-01/2013-10-01',
      granularity,
      dimensions: ['page'],
      aggregations: [{ type: 'count', name: 'rows' }],
    };
    return (answer(query, rows) as { timestamp: string; event: { rows: number } }[]).map((row) => [
      row.timestamp,
      row.event.rows,
    ]);
  };

  test('days of Los Angeles', () => {
    expect(run({ type: 'period', period: 'P1D', timeZone: 'America/Los_Angeles' })).toEqual([
      ['2013-08-30T00:00:00.000-07:00', 1],
      ['2013-08-31T00:00:00.000-07:00', 1],
      ['2013-09-02T00:00:00.000-07:00', 2],
    ]);
  });

  test('days of Los Angeles from an origin', () => {
    expect(
      run({
        type: 'period',
        period: 'P1D',
        timeZone: 'America/Los_Angeles',
        origin: '1970-01-01T20:30:00-08:00',
      }),
    ).toEqual([
      ['2013-08-29T20:30:00.000-07:00', 1],
      ['2013-08-30T20:30:00.000-07:00', 1],
      ['2013-09-01T20:30:00.000-07:00', 1],
      ['2013-09-02T20:30:00.000-07:00', 1],
    ]);
  });

  test('a year of filled seconds is walked only as far as the limit', () => {
    const query = {
      queryType: 'timeseries',
      dataSource: 'd',
      intervals: '2000/2030',
      granularity: 'second',
      limit: 2,
      aggregations: [{ type: 'count', name: 'c' }],
    };
    const ends = [rows[0], { __time: Date.UTC(2029, 0, 1), page: 'x', n: 1n }].filter(
      (row) => row !== undefined,
    );
    expect(answer(query, ends)).toEqual([
      { timestamp: '2013-08-31T01:02:33.000Z', result: { c: 1 } },
      { timestamp: '2013-08-31T01:02:34.000Z', result: { c: 0 } },
    ]);
  });
});

describe('scan', () => {
  test('streams: the first rows leave before later ones are read', () => {
    const rows = rowsOf(40_000);
    let reads = 0;
    const view = rowView(rows, { ...SCHEMA, segmentId: 's' });
    const counted = {
      ...view,
      readTimes: (from: number, count: number, out: Float64Array) => {
        reads++;
        view.readTimes(from, count, out);
      },
    };
    const query = parseQuery({ ...SCAN, batchSize: 1000 });
    const chunks = answerQuery(query, [{ view: counted, intervals: query.intervals }], UNLIMITED)[
      Symbol.iterator
    ]();
    const first = chunks.next();
    expect(first.done).toBe(false);
    expect(reads).toBeLessThan(5);
    let text = typeof first.value === 'string' ? first.value : '';
    for (let next = chunks.next(); next.done !== true; next = chunks.next()) text += next.value;
    const elements = JSON.parse(text) as { events: { n: number }[] }[];
    expect(elements.length).toBe(40);
    expect(elements.flatMap((element) => element.events.map((event) => event.n))).toEqual(
      rows.map((_, i) => i),
    );
  });

  test('limit n is a prefix of limit n + 1, offset skips, order holds over pieces', () => {
    const rows = rowsOf(300);
    const query = (more: object): unknown => ({
      ...SCAN,
      order: 'descending',
      resultFormat: 'compactedList',
      ...more,
    });
    const events = (more: object): unknown[] =>
      (answer(query(more), rows) as { events: unknown[] }[]).flatMap((e) => e.events);
    const whole = events({});
    expect(whole.length).toBe(300);
    for (const limit of [1, 7, 299]) expect(events({ limit })).toEqual(whole.slice(0, limit));
    expect(events({ limit: 5, offset: 20 })).toEqual(whole.slice(20, 25));
    const parsed = parseQuery(query({ limit: 10 }));
    const pieces = [0, 1, 2].map((p) =>
      piece(
        rows.filter((_, i) => i % 3 === p),
        parsed.intervals,
      ),
    );
    const text = [...answerQuery(parsed, pieces, UNLIMITED)].join('');
    expect((JSON.parse(text) as { events: unknown[] }[]).flatMap((e) => e.events)).toEqual(
      whole.slice(0, 10),
    );
  });

  test('an ordered scan over too many pieces and rows is refused', () => {
    const query = parseQuery({
      ...SCAN,
      order: 'ascending',
      context: { maxRowsQueuedForOrdering: 10, maxSegmentPartitionsOrderedInMemory: 2 },
    });
    const pieces = [0, 1, 2].map(() => piece(rowsOf(8), query.intervals));
    expect(() => runToEnd(query, pieces, UNLIMITED)).toThrow(
      expect.objectContaining({ code: 'ResourceLimitExceeded' }),
    );
  });
});

describe('control', () => {
  const query = parseQuery({
    queryType: 'groupBy',
    dataSource: 'd',
    intervals: '2013-08-31/P3D',
    granularity: 'all',
    dimensions: ['page'],
    aggregations: [{ type: 'count', name: 'c' }],
  });
  const control = (more: Partial<QueryControl>): QueryControl => ({ ...UNLIMITED, ...more });

  test('a cancelled query stops at its next step', () => {
    let isCancelled = false;
    const steps = runQuery(
      query,
      Array.from({ length: 60 }, () => piece(rowsOf(10), query.intervals)),
      control({ isCancelled: () => isCancelled }),
    );
    expect(steps.next().done).toBe(false);
    isCancelled = true;
    try {
      steps.next();
      throw new Error('ran on');
    } catch (error) {
      expect(errorAnswer(error)).toMatchObject({
        status: 500,
        body: { error: 'Query cancelled', errorMessage: 'Task was cancelled.' },
      });
    }
  });

  test('the deadline gives 504, the limits 400', () => {
    const failing = (more: Partial<QueryControl>): unknown => {
      try {
        return runToEnd(query, [piece(rowsOf(200), query.intervals)], control(more));
      } catch (error) {
        const { status, body } = errorAnswer(error, 'broker:8082');
        return [status, body.error, body.host];
      }
    };
    expect(failing({ nowMs: () => 11, deadlineMs: 10 })).toEqual([
      504,
      'Query timeout',
      'broker:8082',
    ]);
    expect(failing({ groupsMax: 49 })).toEqual([400, 'Resource limit exceeded', 'broker:8082']);
    expect(failing({ resultBytesMax: 100 })).toEqual([
      400,
      'Resource limit exceeded',
      'broker:8082',
    ]);
    expect(failing({ groupsMax: 50 })).toMatchObject({ kind: 'groups', size: 50 });
  });

  test('what is no failure of ours is an unknown exception', () => {
    expect(errorAnswer(new Error('odd'))).toMatchObject({
      status: 500,
      body: { error: 'Unknown exception', category: 'RUNTIME_FAILURE' },
    });
  });
});

test('bytes that are cut, of another version or of another query are corrupt', () => {
  const query = parseQuery({
    queryType: 'topN',
    dataSource: 'd',
    intervals: '2013-08-31/P3D',
    granularity: 'hour',
    dimension: 'page',
    metric: 'n',
    threshold: 3,
    aggregations: [{ type: 'longSum', name: 'n', fieldName: 'n' }],
  });
  const bytes = encodePartial(
    query,
    runToEnd(query, [piece(rowsOf(100), query.intervals)], UNLIMITED),
  );
  const corrupt = expect.objectContaining({ code: 'PartialCorrupt', kind: 'corrupt' });
  let checked = 0;
  for (let length = 0; length < bytes.length; length += 13) {
    expect(() => decodePartial(query, bytes.subarray(0, length))).toThrow(corrupt);
    checked++;
  }
  expect(checked).toBeGreaterThan(50);
  expect(() => decodePartial(query, Buffer.concat([bytes, Buffer.alloc(1)]))).toThrow(corrupt);
  expect(() => decodePartial(query, bytes.with(4, 9))).toThrow(/version 9/);
  expect(() => decodePartial(parseQuery(SCAN), bytes)).toThrow(/groups for a scan/);
});

test('the cache key changes with the question and its part of time, not with the page asked for', () => {
  const body = {
    queryType: 'timeseries',
    dataSource: 'd',
    intervals: '2013-08-31/P3D',
    granularity: 'day',
    aggregations: [{ type: 'count', name: 'c' }],
  };
  const interval = [{ startMs: DAY, endMs: DAY + 86_400_000 }];
  const key = (more: object, part = interval): string | undefined =>
    cacheKey(parseQuery({ ...body, ...more }), 'seg', part);
  expect(key({})).toBe(key({ intervals: '2013-08-30/P9D', context: { queryId: 'x', timeout: 5 } }));
  const others = [
    key({ granularity: 'hour' }),
    key({ filter: { type: 'false' } }),
    key({}, [{ startMs: DAY, endMs: DAY + 1 }]),
  ];
  const join = (rows: readonly (readonly unknown[])[], condition = 'page == "r.k"'): object => ({
    dataSource: {
      type: 'join',
      left: 'd',
      right: { type: 'inline', columnNames: ['k', 'n'], columnTypes: ['STRING', 'LONG'], rows },
      rightPrefix: 'r.',
      condition,
      joinType: 'INNER',
    },
  });
  others.push(
    key(join([['a', 1]])),
    key(join([['a', 2]])),
    key(join([['a', 1]], 'user == "r.k"')),
    key({ sluiceLookups: { l: { a: 'b' } } }),
    key({ sluiceLookups: { l: { a: 'c' } } }),
  );
  expect(new Set([key({}), ...others]).size).toBe(9);
  expect(key(join([['a', 1]]))).toBe(key(join([['a', 1]])));
  expect(key({ context: { useCache: false } })).toBeUndefined();
  expect(cacheKey(parseQuery(SCAN), 'seg', interval)).toBeUndefined();
});

test('a nested groupBy reads the finished rows of the inner one', () => {
  const inner = {
    queryType: 'groupBy',
    dataSource: 'd',
    intervals: '2013-08-31/P3D',
    granularity: 'all',
    dimensions: ['page'],
    aggregations: [{ type: 'longSum', name: 'n', fieldName: 'n' }],
    limitSpec: {
      type: 'default',
      limit: 2,
      columns: [{ dimension: 'n', direction: 'descending' }],
    },
  };
  const outer = {
    queryType: 'groupBy',
    dataSource: { type: 'query', query: inner },
    intervals: '1000/3000',
    granularity: 'all',
    dimensions: [],
    aggregations: [
      { type: 'count', name: 'groups' },
      { type: 'longMax', name: 'most', fieldName: 'n' },
    ],
  };
  const query = parseQuery(outer);
  const text = [...answerQuery(query, [piece(rowsOf(100))], UNLIMITED)].join('');
  expect(JSON.parse(text)).toEqual([
    { version: 'v1', timestamp: '1000-01-01T00:00:00.000Z', event: { groups: 2, most: 148 } },
  ]);
});

test('pretty answers look as in the public tutorials, however the text is cut', () => {
  const text = '[{"timestamp":"a \\" b: {","result":[{"n":1.0,"l":[1,2],"e":[],"o":{}}]}]';
  const pretty = `[ {
  "timestamp" : "a \\" b: {",
  "result" : [ {
    "n" : 1.0,
    "l" : [ 1, 2 ],
    "e" : [ ],
    "o" : { }
  } ]
} ]`;
  expect([...prettify([text])].join('')).toBe(pretty);
  expect([...prettify(text)].join('')).toBe(pretty);
});

test('segmentMetadata merges types, bounds and aggregators', () => {
  const query = parseQuery({
    queryType: 'segmentMetadata',
    dataSource: 'd',
    merge: true,
    analysisTypes: ['cardinality', 'minmax', 'aggregators'],
  });
  const other = rowView([{ __time: DAY, page: 5n }], {
    dimensions: [{ name: 'page', type: 'long' }],
    segmentId: 't',
  });
  const text = [
    ...answerQuery(
      query,
      [piece(rowsOf(3)), piece(rowsOf(60)), { view: other, intervals: query.intervals }],
      UNLIMITED,
    ),
  ].join('');
  expect(JSON.parse(text)).toMatchObject([
    {
      id: 'merged',
      numRows: 64,
      aggregators: null,
      columns: {
        __time: { type: 'LONG' },
        page: {
          type: 'STRING',
          size: -1,
          errorMessage: 'error:cannot_merge_diff_types: [STRING] and [LONG]',
        },
        n: { type: 'LONG', hasNulls: false },
      },
    },
  ]);
});
