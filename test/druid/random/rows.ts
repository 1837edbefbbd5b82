// Random schemas and rows, as fast-check arbitraries: few distinct values, so that filters hit and groups collide, with
// the troublesome ones among them. Doubles are quarters, so that sums are exact in any order. Feeds the agreement test.

import fc from 'fast-check';

/** Start of all rows. A day of 23 hours in Los Angeles begins later in it. */
export const START: number = Date.UTC(2024, 2, 9);
/** Rows are in `[START, START + SPAN)`. */
export const SPAN: number = 3 * 86_400_000;

/** A spec for the oracle, and the rows. */
export interface RandomData {
  readonly spec: {
    readonly dimensionsSpec: { readonly dimensions: readonly unknown[] };
    readonly [key: string]: unknown;
  };
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

/** Words with an order that differs between lexicographic, alphanumeric, numeric and by length. */
export const WORDS: readonly string[] = [
  'a',
  'A',
  'b',
  'ab',
  'b10',
  'b9',
  '10',
  '9',
  '-1',
  'é',
  '😀',
  'a b',
  'x%y',
  '',
];

const word = fc.option(fc.constantFrom(...WORDS), { freq: 6 });
const small = fc.integer({ min: 0, max: 40 }).map((n) => `v${n}`);
const quarter = fc.integer({ min: -400, max: 400 }).map((n) => n / 4);
const list = fc.oneof(
  { weight: 2, arbitrary: fc.constant(null) },
  { weight: 3, arbitrary: fc.constantFrom('x', 'y', 'z') },
  {
    weight: 4,
    arbitrary: fc.array(fc.constantFrom('x', 'y', 'z', 'w'), { minLength: 2, maxLength: 4 }),
  },
);

const row = fc.record({
  time: fc.oneof(
    fc.integer({ min: START, max: START + SPAN - 1 }),
    fc.integer({ min: 0, max: 71 }).map((hour) => START + hour * 3_600_000),
  ),
  s: word,
  v: small,
  mv: list,
  l: fc.option(fc.oneof(fc.integer({ min: -5, max: 20 }), fc.constant(2_000_000_000_000)), {
    freq: 6,
  }),
  d: fc.option(quarter, { freq: 6 }),
  f: fc.option(quarter, { freq: 6 }),
  m: fc.option(fc.integer({ min: -1000, max: 1000 }), { freq: 8 }),
  r: fc.option(quarter, { freq: 8 }),
});

const DIMENSIONS = ['s', 'v', 'mv', 'l', 'd', 'f'] as const;
const TYPES = { s: 'string', v: 'string', mv: 'string', l: 'long', d: 'double', f: 'float' };
/** Metrics that both releases of the judge know. */
const METRICS: readonly object[] = [
  { type: 'count', name: 'count' },
  { type: 'longSum', name: 'ls', fieldName: 'm' },
  { type: 'doubleSum', name: 'ds', fieldName: 'r' },
  { type: 'floatSum', name: 'fs', fieldName: 'r' },
  { type: 'longMin', name: 'lmin', fieldName: 'm' },
  { type: 'doubleMax', name: 'dmax', fieldName: 'r' },
  { type: 'longFirst', name: 'lf', fieldName: 'm' },
  { type: 'doubleLast', name: 'dl', fieldName: 'r' },
  { type: 'floatFirst', name: 'ff', fieldName: 'r' },
  { type: 'stringFirst', name: 'sf', fieldName: 's' },
  { type: 'stringLast', name: 'sl', fieldName: 'v', maxStringBytes: 2 },
  { type: 'hyperUnique', name: 'hu', fieldName: 'v' },
];

/** Metrics of the sketch extension. */
export const SKETCHES: readonly object[] = [
  { type: 'thetaSketch', name: 'th', fieldName: 'v', size: 32 },
  { type: 'thetaSketch', name: 'thl', fieldName: 'm', size: 1024 },
  { type: 'HLLSketchBuild', name: 'hll', fieldName: 'v', lgK: 11 },
  { type: 'HLLSketchBuild', name: 'hllmv', fieldName: 'mv', lgK: 4, tgtHllType: 'HLL_8' },
  { type: 'quantilesDoublesSketch', name: 'qt', fieldName: 'r', k: 256 },
];

/** Data of one segment. */
export const randomData: fc.Arbitrary<RandomData> = dataWith([]);

/** Data of one segment with more metrics. */
export function dataWith(metrics: readonly object[]): fc.Arbitrary<RandomData> {
  return fc
    .record({
      dimensions: fc.shuffledSubarray([...DIMENSIONS], { minLength: 4 }),
      rollup: fc.boolean(),
      queryGranularity: fc.constantFrom('none', 'minute', 'hour'),
      rows: fc.array(row, { minLength: 150, maxLength: 400, size: 'max' }),
    })
    .map(({ dimensions, rollup, queryGranularity, rows }) => ({
      spec: {
        dataSource: 'random',
        timestampSpec: { column: 'time', format: 'millis' },
        dimensionsSpec: { dimensions: dimensions.map((name) => ({ type: TYPES[name], name })) },
        metricsSpec: [...METRICS, ...metrics],
        queryGranularity,
        rollup,
        interval: `${new Date(START).toISOString()}/${new Date(START + SPAN).toISOString()}`,
      },
      // First and last need times that differ; those at full hours stay within the second.
      rows: rows.map((fields, i) => ({ ...fields, time: fields.time - (fields.time % 1000) + i })),
    }));
}
