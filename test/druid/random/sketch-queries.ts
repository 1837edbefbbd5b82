// Random queries over the sketch columns and raw columns of rows.ts: aggregators and post-aggregators of the sketch
// extension. Few values, so that every estimate is exact or independent of order. Feeds the sketch agreement test.

import fc from 'fast-check';
import { SPAN, START } from './rows.ts';

const theta = fc.constantFrom(
  { type: 'thetaSketch', fieldName: 'th', size: 32 },
  { type: 'thetaSketch', fieldName: 'th' },
  { type: 'thetaSketch', fieldName: 'thl', size: 64 },
  { type: 'thetaSketch', fieldName: 'v', size: 16 },
  { type: 'thetaSketch', fieldName: 'v', size: 16, errorBoundsStdDev: 2 },
  { type: 'thetaSketch', fieldName: 's', size: 16, errorBoundsStdDev: 1 },
  { type: 'thetaSketch', fieldName: 's' },
  { type: 'thetaSketch', fieldName: 'mv' },
  { type: 'thetaSketch', fieldName: 'l', size: 16 },
  { type: 'thetaSketch', fieldName: 'd' },
  { type: 'thetaSketch', fieldName: 'missing' },
);
const hll = fc.constantFrom(
  { type: 'HLLSketchMerge', fieldName: 'hll', lgK: 11 },
  { type: 'HLLSketchMerge', fieldName: 'hll', lgK: 9, tgtHllType: 'HLL_8' },
  { type: 'HLLSketchMerge', fieldName: 'hllmv', lgK: 12, round: true },
  { type: 'HLLSketchBuild', fieldName: 'v' },
  { type: 'HLLSketchBuild', fieldName: 's', tgtHllType: 'HLL_6', round: true },
  { type: 'HLLSketchBuild', fieldName: 'mv', lgK: 10 },
  { type: 'HLLSketchBuild', fieldName: 'l' },
  { type: 'HLLSketchBuild', fieldName: 'd' },
);
const quantiles = fc.constantFrom(
  { type: 'quantilesDoublesSketch', fieldName: 'qt', k: 256 },
  { type: 'quantilesDoublesSketch', fieldName: 'l', k: 256 },
  { type: 'quantilesDoublesSketch', fieldName: 'd', k: 256 },
);

/** Unfinalised they show their time too. */
const pair = fc.constantFrom(
  { type: 'longFirst', fieldName: 'lf' },
  { type: 'longLast', fieldName: 'lf' },
  { type: 'doubleLast', fieldName: 'dl' },
  { type: 'floatFirst', fieldName: 'ff' },
  { type: 'stringFirst', fieldName: 'sf' },
  { type: 'stringLast', fieldName: 'sl' },
);

const field = (fieldName: string): object => ({ type: 'fieldAccess', fieldName });
const both = [field('a'), field('b')];

const POSTS: readonly object[] = [
  field('f'),
  { type: 'finalizingFieldAccess', fieldName: 'f' },
  { type: 'thetaSketchEstimate', field: field('a') },
  { type: 'thetaSketchEstimate', field: field('a'), errorBoundsStdDev: 1 },
  { type: 'thetaSketchEstimate', field: field('b'), errorBoundsStdDev: 3 },
  { type: 'finalizingFieldAccess', fieldName: 'b' },
  ...['UNION', 'INTERSECT', 'NOT'].map((func) => ({
    type: 'thetaSketchEstimate',
    field: { type: 'thetaSketchSetOp', name: 'x', func, size: 128, fields: both },
  })),
  ...['UNION', 'INTERSECT', 'NOT'].map((func) => ({
    type: 'thetaSketchEstimate',
    field: { type: 'thetaSketchSetOp', name: 'x', func, size: 16, fields: both },
    errorBoundsStdDev: 2,
  })),
  { type: 'HLLSketchEstimate', field: field('h') },
  { type: 'HLLSketchEstimate', field: field('h'), round: true },
  { type: 'HLLSketchEstimateWithBounds', field: field('h'), numStdDev: 2 },
  {
    type: 'HLLSketchEstimate',
    field: { type: 'HLLSketchUnion', name: 'x', fields: [field('h'), field('g')], lgK: 12 },
  },
  { type: 'quantilesDoublesSketchToQuantile', field: field('q'), fraction: 0.37 },
  { type: 'quantilesDoublesSketchToQuantiles', field: field('q'), fractions: [0, 0.25, 0.5, 1] },
  { type: 'quantilesDoublesSketchToHistogram', field: field('q'), splitPoints: [-10, 0, 5.5] },
  { type: 'quantilesDoublesSketchToHistogram', field: field('q'), numBins: 4 },
  { type: 'quantilesDoublesSketchToRank', field: field('q'), value: 1.25 },
  { type: 'quantilesDoublesSketchToCDF', field: field('q'), splitPoints: [-10, 0, 5.5] },
];

const filter = fc.constantFrom(
  null,
  { type: 'selector', dimension: 'v', value: 'v1' },
  { type: 'in', dimension: 'v', values: ['v2', 'v3', 'v4', 'v5', 'v6', 'v30'] },
  { type: 'bound', dimension: 'v', lower: 'v2' },
  { type: 'selector', dimension: 'v', value: 'nothing' },
);

const at = (share: number): string => new Date(START + Math.round(SPAN * share)).toISOString();

/** A query with sketches. */
export const randomSketchQuery: fc.Arbitrary<object> = fc
  .record({
    aggregators: fc.tuple(theta, theta, hll, hll, quantiles, pair),
    posts: fc.subarray([...POSTS], { minLength: 3, maxLength: 8 }),
    filter,
    shape: fc.constantFrom(
      { queryType: 'timeseries', granularity: 'all' },
      { queryType: 'timeseries', granularity: 'day' },
      { queryType: 'topN', granularity: 'all', dimension: 'v', metric: 'n', threshold: 1000 },
      { queryType: 'topN', granularity: 'all', dimension: 'v', metric: 'a', threshold: 1000 },
      { queryType: 'groupBy', granularity: 'all', dimensions: ['v'] },
      { queryType: 'groupBy', granularity: 'day', dimensions: ['mv'] },
      { queryType: 'groupBy', granularity: 'six_hour', dimensions: [] },
    ),
    finalize: fc.boolean(),
    filtered: fc.boolean(),
  })
  .map(({ aggregators, posts, filter: condition, shape, finalize, filtered }) => {
    const named = aggregators.map((aggregator, i) => ({ ...aggregator, name: 'abhgqf'[i] }));
    const only = { type: 'bound', dimension: 'v', upper: 'v30' };
    const [first, ...others] = named;
    return {
      ...shape,
      dataSource: 'random',
      intervals: [`${at(0)}/${at(1)}`],
      ...(condition === null ? {} : { filter: condition }),
      aggregations: [
        { type: 'count', name: 'n' },
        ...(filtered ? [{ type: 'filtered', filter: only, aggregator: first }] : [first]),
        ...others,
      ],
      postAggregations: posts.map((post, i) => ({ ...post, name: `p${i}` })),
      context: { skipEmptyBuckets: true, finalize: finalize || shape.queryType === 'topN' },
    };
  });
