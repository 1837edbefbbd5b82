import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Row, rowView } from '../view/row-view.ts';
import {
  answerQuery,
  decodePartial,
  encodePartial,
  finishQuery,
  mergePartials,
  parseQuery,
  type QueryPiece,
  UNLIMITED,
} from './query.ts';
import { runToEnd } from './run/run-query.ts';

// A query over the same rows cut into 1, 2 or 7 pieces gives the same answer, whatever the pieces look like
// inside, and groups equal those of a plain model. Source: druid-query-api.md 16.

const START = Date.UTC(2024, 2, 9);
const DAY = 86_400_000;

const rowArbitrary: fc.Arbitrary<Row> = fc.record({
  __time: fc.integer({ min: START, max: START + 3 * DAY - 1 }),
  page: fc.constantFrom('a', 'b', 'B', '', 'é', '😀', null),
  tags: fc.oneof(
    fc.constant(null),
    fc.constantFrom('x', 'y', ''),
    fc.array(fc.constantFrom('x', 'y', 'z', null), { maxLength: 3 }),
  ),
  size: fc.oneof(
    fc.constant(null),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.constantFrom(0n, 1n, 5n),
  ),
  // Quarters, so that sums are exact in any order.
  ratio: fc.oneof(
    fc.constant(null),
    fc.integer({ min: -4000, max: 4000 }).map((n) => n / 4),
  ),
});

const SCHEMA = {
  dimensions: [{ name: 'page' }, { name: 'tags' }],
  metrics: [
    { name: 'size', type: 'longSum' },
    { name: 'ratio', type: 'doubleSum' },
  ],
} as const;

const AGGREGATIONS = [
  { type: 'count', name: 'rows' },
  { type: 'longSum', name: 'size', fieldName: 'size' },
  { type: 'longMin', name: 'least', fieldName: 'size' },
  { type: 'doubleSum', name: 'ratio', fieldName: 'ratio' },
  { type: 'doubleMax', name: 'most', fieldName: 'ratio' },
  { type: 'cardinality', name: 'pages', fields: ['page', 'tags'] },
  { type: 'thetaSketch', name: 'theta', fieldName: 'size', size: 16 },
  { type: 'HLLSketchBuild', name: 'hll', fieldName: 'tags', lgK: 12 },
  { type: 'quantilesDoublesSketch', name: 'quantiles', fieldName: 'ratio' },
  // Of equal times the order of arrival decides: the value is the time itself.
  { type: 'longFirst', name: 'first', fieldName: '__time' },
  { type: 'longLast', name: 'last', fieldName: '__time' },
  {
    type: 'filtered',
    filter: { type: 'selector', dimension: 'page', value: 'a' },
    aggregator: { type: 'count', name: 'as' },
  },
];

const field = (fieldName: string): object => ({ type: 'fieldAccess', fieldName });
const POST_AGGREGATIONS = [
  {
    type: 'thetaSketchEstimate',
    name: 'common',
    field: {
      type: 'thetaSketchSetOp',
      name: 'x',
      func: 'INTERSECT',
      size: 16,
      fields: [field('theta'), field('theta')],
    },
  },
  { type: 'HLLSketchEstimateWithBounds', name: 'bounds', field: field('hll'), numStdDev: 2 },
  {
    type: 'quantilesDoublesSketchToQuantiles',
    name: 'spread',
    field: field('quantiles'),
    fractions: [0, 0.5, 1],
  },
];

const COMMON = {
  dataSource: 'd',
  intervals: ['2024-03-09T05/2024-03-10T07', '2024-03-10T09/2024-03-12'],
};

const FILTERS: readonly unknown[] = [
  null,
  { type: 'not', field: { type: 'selector', dimension: 'page', value: 'a' } },
  { type: 'in', dimension: 'tags', values: ['x', null] },
  { type: 'not', field: { type: 'like', dimension: 'tags', pattern: 'x%' } },
  {
    type: 'or',
    fields: [
      { type: 'bound', dimension: 'page', upper: 'b' },
      { type: 'range', column: 'size', matchValueType: 'LONG', lower: 1 },
    ],
  },
  {
    type: 'and',
    fields: [
      { type: 'not', field: { type: 'null', column: 'ratio' } },
      { type: 'expression', expression: 'strlen(page) > 0 && ratio * 2 < 100' },
    ],
  },
];

const LA = { type: 'period', period: 'P1D', timeZone: 'America/Los_Angeles' };
const QUERIES: readonly Record<string, unknown>[] = [
  { queryType: 'timeseries', granularity: 'all' },
  { queryType: 'timeseries', granularity: 'six_hour' },
  {
    queryType: 'timeseries',
    granularity: LA,
    descending: true,
    limit: 2,
    context: { skipEmptyBuckets: true, grandTotal: true },
  },
  { queryType: 'topN', granularity: 'day', dimension: 'tags', metric: 'ratio', threshold: 100 },
  {
    queryType: 'topN',
    granularity: 'all',
    dimension: 'page',
    metric: { type: 'dimension' },
    threshold: 3,
  },
  { queryType: 'groupBy', granularity: 'all', dimensions: ['page', 'tags'] },
  {
    queryType: 'groupBy',
    granularity: LA,
    dimensions: [
      { type: 'extraction', dimension: 'tags', outputName: 't', extractionFn: { type: 'upper' } },
    ],
    having: { type: 'greaterThan', aggregation: 'rows', value: 1 },
  },
  {
    queryType: 'groupBy',
    granularity: 'all',
    dimensions: ['v', { type: 'default', dimension: 'size', outputName: 'n', outputType: 'LONG' }],
    virtualColumns: [
      { type: 'expression', name: 'v', expression: "concat(page, '-', strlen(page))" },
    ],
    limitSpec: {
      type: 'default',
      limit: 5,
      columns: [{ dimension: 'rows', direction: 'descending' }],
    },
  },
];

const queryArbitrary = fc
  .tuple(fc.constantFrom(...QUERIES), fc.constantFrom(...FILTERS))
  .map(([query, filter]) =>
    parseQuery({
      ...COMMON,
      aggregations: AGGREGATIONS,
      postAggregations: POST_AGGREGATIONS,
      filter,
      ...query,
    }),
  );

/** Cuts rows into pieces of uneven size; odd pieces look like the in-memory index. */
function cut(
  rows: readonly Row[],
  pieces: number,
  intervals: QueryPiece['intervals'],
): QueryPiece[] {
  return Array.from({ length: pieces }, (_, p) => {
    const part = rows.filter((_row, i) => (i * 7) % pieces === p);
    const isFresh = p % 2 === 1;
    const ordered = isFresh ? part : part.toSorted((a, b) => a.__time - b.__time);
    return {
      view: rowView(ordered, { ...SCHEMA, sortedDictionaries: !isFresh, bitmaps: !isFresh }),
      intervals,
    };
  });
}

test('an answer does not depend on how rows are cut, nor on the way over bytes', () => {
  let checked = 0;
  fc.assert(
    fc.property(fc.array(rowArbitrary, { maxLength: 40 }), queryArbitrary, (rows, query) => {
      const answers = [1, 2, 7].map((n) =>
        [...answerQuery(query, cut(rows, n, query.intervals), UNLIMITED)].join(''),
      );
      const parts = cut(rows, 4, query.intervals).map((piece) =>
        encodePartial(query, runToEnd(query, [piece], UNLIMITED)),
      );
      const [a, b, c, d] = parts.map((bytes) => decodePartial(query, bytes));
      if (a === undefined || b === undefined || c === undefined || d === undefined)
        throw new Error('four parts');
      const nested = mergePartials(query, [
        mergePartials(query, [a, b]),
        mergePartials(query, [c, d]),
      ]);
      answers.push([...finishQuery(query, nested)].join(''));
      expect(new Set(answers).size, answers.join('\n')).toBe(1);
      checked++;
    }),
    { numRuns: 400, seed: 20240309 },
  );
  expect(checked).toBeGreaterThanOrEqual(400);
});

test('sums per page equal a plain model, unfiltered and filtered add up', () => {
  fc.assert(
    fc.property(
      fc.array(rowArbitrary, { maxLength: 60 }),
      fc.constantFrom(...FILTERS.filter((f) => f !== null)),
      (rows, filter) => {
        const base = {
          dataSource: 'd',
          intervals: '2024-03-09/P3D',
          queryType: 'groupBy',
          granularity: 'all',
          aggregations: AGGREGATIONS.slice(0, 4),
        };
        const run = (query: unknown): { event: Record<string, unknown> }[] => {
          const parsed = parseQuery(query);
          const text = [...answerQuery(parsed, cut(rows, 3, parsed.intervals), UNLIMITED)].join('');
          return JSON.parse(text, (_k, v: unknown, c?: { source?: string }) =>
            typeof v === 'number' && c?.source !== undefined && /^-?\d+$/.test(c.source)
              ? BigInt(c.source)
              : v,
          ) as { event: Record<string, unknown> }[];
        };
        const model = new Map<unknown, { rows: bigint; size: bigint | null }>();
        for (const row of rows) {
          const known = model.get(row['page']) ?? { rows: 0n, size: null };
          const size =
            typeof row['size'] === 'bigint'
              ? BigInt.asIntN(64, (known.size ?? 0n) + row['size'])
              : known.size;
          model.set(row['page'], { rows: known.rows + 1n, size });
        }
        const groups = run({ ...base, dimensions: ['page'] });
        expect(
          new Map(
            groups.map(({ event }) => [
              event['page'],
              { rows: event['rows'], size: event['size'] },
            ]),
          ),
        ).toEqual(model);
        const count = (f: unknown): bigint =>
          run({ ...base, dimensions: [], filter: f }).map(({ event }) =>
            BigInt(String(event['rows'])),
          )[0] ?? 0n;
        const not = { type: 'not', field: filter };
        const unknown = {
          type: 'and',
          fields: [{ type: 'not', field: { type: 'or', fields: [filter, not] } }],
        };
        // True and false never overlap, and "neither" is unknown, which no filter passes.
        expect(count(filter) + count(not)).toBeLessThanOrEqual(BigInt(rows.length));
        expect(count({ type: 'and', fields: [filter, not] })).toBe(0n);
        expect(count(unknown)).toBe(0n);
      },
    ),
    { numRuns: 150, seed: 20240310 },
  );
});
