import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isFailure, messageOf } from '../../../core/runtime/failure.ts';
import { errorAnswer } from '../error-body.ts';
import { parseQuery, parseQueryText } from './query.ts';

const TIMESERIES = {
  queryType: 'timeseries',
  dataSource: 'd',
  intervals: '2024-01-01/P1D',
  granularity: 'all',
};
const GROUP_BY = { ...TIMESERIES, queryType: 'groupBy', dimensions: ['a'] };

function failureOf(body: unknown): { code: string; message: string; status: number } {
  try {
    parseQuery(body);
  } catch (error) {
    if (!isFailure(error)) throw error;
    return { code: error.code, message: error.message, status: errorAnswer(error).status };
  }
  throw new Error('parsed');
}

describe('tolerant reading', () => {
  test('scalars are coerced and unknown keys ignored', () => {
    const query = parseQuery({
      ...TIMESERIES,
      alphaNumeric: true,
      limit: '5',
      descending: 'true',
      filter: { type: 'in', dimension: 'x', values: [1, 2n, null, true] },
      aggregations: [{ type: 'count', name: 'n', fieldName: 'ignored' }],
      context: { skipEmptyBuckets: 'true', timeout: '10000', other: { kept: 1 } },
    });
    if (query.queryType !== 'timeseries') throw new Error('a timeseries');
    expect(query).toMatchObject({ limit: 5, descending: true });
    expect(query.filter).toMatchObject({ values: ['1', '2', null, 'true'] });
    expect(query.context).toMatchObject({
      skipEmptyBuckets: true,
      timeoutMs: 10_000,
      raw: { other: { kept: 1 } },
    });
  });

  test('integers beyond 2^53 keep their digits', () => {
    const query = parseQueryText(
      '{"queryType":"scan","dataSource":"d","intervals":"1000/3000","filter":{"type":"selector","dimension":"x","value":9007199254740993}}',
    );
    expect(query.filter).toMatchObject({ value: '9007199254740993' });
  });

  test('a parsed query survives JSON and cloning', () => {
    const query = parseQuery({
      ...GROUP_BY,
      filter: { type: 'interval', dimension: '__time', intervals: ['2024/P1M'] },
    });
    expect(JSON.parse(JSON.stringify(query))).toEqual(query);
    expect(structuredClone(query)).toEqual(query);
  });
});

describe('refusals', () => {
  test.each<[string, unknown, RegExp]>([
    [
      'queryType',
      { ...TIMESERIES, queryType: 'timeTravel' },
      /Could not resolve type id 'timeTravel' as a subtype of/,
    ],
    ['select', { ...TIMESERIES, queryType: 'select' }, /use scan/],
    [
      'filter type',
      { ...TIMESERIES, filter: { type: 'spatial', dimension: 'x' } },
      /filter spatial is not supported/,
    ],
    ['javascript', { ...TIMESERIES, filter: { type: 'javascript' } }, /JavaScript is disabled/],
    [
      'unknown filter',
      { ...TIMESERIES, filter: { type: 'nope' } },
      /Could not resolve type id 'nope'/,
    ],
    [
      'sketch',
      { ...TIMESERIES, aggregations: [{ type: 'approxHistogram', name: 'x', fieldName: 'y' }] },
      /^aggregations\[0\]\.type: aggregator approxHistogram is not supported/,
    ],
    ['period as word', { ...TIMESERIES, granularity: 'PT1H' }, /"type":"period"/],
    [
      'bad zone',
      { ...TIMESERIES, granularity: { type: 'period', period: 'P1D', timeZone: 'Mars' } },
      /timeZone 'Mars'/,
    ],
    ['no intervals', { ...TIMESERIES, intervals: null }, /intervals: missing/],
    ['reversed interval', { ...TIMESERIES, intervals: '2024/2023' }, /end lies before the start/],
    [
      'one post field',
      {
        ...TIMESERIES,
        postAggregations: [
          { type: 'arithmetic', name: 'p', fn: '+', fields: [{ type: 'constant', value: '2' }] },
        ],
      },
      /at least two/,
    ],
    [
      'unknown post input',
      { ...TIMESERIES, postAggregations: [{ type: 'fieldAccess', name: 'p', fieldName: 'gone' }] },
      /Missing fields \[\[gone\]\]/,
    ],
    [
      'duplicate output',
      { ...GROUP_BY, aggregations: [{ type: 'count', name: 'a' }] },
      /Duplicate output name\[a\]/,
    ],
    ['__time output', { ...GROUP_BY, aggregations: [{ type: 'count', name: '__time' }] }, /__time/],
    [
      'order column',
      { ...GROUP_BY, limitSpec: { type: 'default', columns: ['b'] } },
      /Unknown column in order clause/,
    ],
    ['limit 0', { ...GROUP_BY, limitSpec: { type: 'default', limit: 0 } }, /at least 1/],
    [
      'scan order',
      {
        queryType: 'scan',
        dataSource: 'd',
        intervals: '2024/P1D',
        order: 'ascending',
        columns: ['a'],
      },
      /__time column must be among/,
    ],
    [
      'valueVector',
      { queryType: 'scan', dataSource: 'd', intervals: '2024/P1D', resultFormat: 'valueVector' },
      /valueVector is not supported/,
    ],
    [
      'both strategies',
      {
        queryType: 'segmentMetadata',
        dataSource: 'd',
        lenientAggregatorMerge: true,
        aggregatorMergeStrategy: 'lenient',
      },
      /not both/,
    ],
    [
      'unnest',
      { ...TIMESERIES, dataSource: { type: 'unnest' } },
      /data source unnest is not supported/,
    ],
    [
      'bad expression',
      { ...TIMESERIES, virtualColumns: [{ type: 'expression', name: 'v', expression: '1 +' }] },
      /expression '1 \+'/,
    ],
    [
      'unknown function',
      {
        ...TIMESERIES,
        virtualColumns: [{ type: 'expression', name: 'v', expression: 'FLUME(1)' }],
      },
      /function 'FLUME' is not supported/,
    ],
    [
      'regex',
      { ...TIMESERIES, filter: { type: 'regex', dimension: 'x', pattern: '(' } },
      /regular expression '\('/,
    ],
    ['no body', 'text', /query: expected an object/],
  ])('%s', (_name, body, message) => {
    const failure = failureOf(body);
    expect(failure.message).toMatch(message);
    expect(failure).toMatchObject({ code: 'QueryInvalid', status: 400 });
  });

  test('depth, size, JSON and context have their own codes', () => {
    let deep: unknown = { type: 'true' };
    for (let i = 0; i < 200; i++) deep = { type: 'not', field: deep };
    expect(failureOf({ ...TIMESERIES, filter: deep }).code).toBe('ResourceLimitExceeded');
    expect(failureOf({ ...TIMESERIES, context: { timeout: 'soon' } }).code).toBe(
      'QueryContextInvalid',
    );
    expect(() => parseQueryText('{')).toThrow(expect.objectContaining({ code: 'JsonParseFailed' }));
    expect(() =>
      parseQuery({ ...TIMESERIES, x: [1, 2, 3, 4] }, { depthMax: 9, valuesMax: 8 }),
    ).toThrow(/more than 8 values/);
  });
});

test('whatever the body, the parser refuses or parses, and never fails otherwise', () => {
  const word = fc.constantFrom(
    'timeseries',
    'groupBy',
    'and',
    'selector',
    'default',
    'count',
    'x',
    'all',
    '2024/P1D',
  );
  const key = fc.constantFrom(
    'queryType',
    'type',
    'dataSource',
    'intervals',
    'granularity',
    'filter',
    'fields',
    'dimension',
    'dimensions',
    'aggregations',
    'name',
    'context',
    'having',
    'limitSpec',
    'virtualColumns',
    'expression',
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 5 },
      word,
      fc.constant(null),
      fc.integer(),
      fc.boolean(),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(key, tie('value'), { maxKeys: 6 }),
    ),
  }));
  let refused = 0;
  fc.assert(
    fc.property(fc.dictionary(key, value, { maxKeys: 8 }), (body) => {
      try {
        parseQuery({ ...TIMESERIES, ...body });
      } catch (error) {
        expect(isFailure(error, 'input'), messageOf(error)).toBe(true);
        refused++;
      }
    }),
    { numRuns: 1000, seed: 7 },
  );
  expect(refused).toBeGreaterThan(100);
});
