// Random native queries over the columns of rows.ts. Nothing is left to chance that Druid leaves open: limits come with
// an order, topN thresholds are above the number of values. Feeds the agreement test.

import fc from 'fast-check';
import { dimension, filter, NUMBER_COLUMNS, searchSpec, TEXT_COLUMNS } from './filters.ts';
import { SPAN, START } from './rows.ts';

const number = fc.constantFrom(...NUMBER_COLUMNS);
const text = fc.constantFrom(...TEXT_COLUMNS);

const VIRTUAL = [
  ["concat(s, '-', v)", 'STRING'],
  ['strlen(v) * 2', 'LONG'],
  ['l + ls', 'LONG'],
  ['d / 2', 'DOUBLE'],
  ['if(ls > 0, ls, -ls)', 'LONG'],
  ["case_searched(l > 5, 'high', isnull(l), 'none', 'low')", 'STRING'],
  ["nvl(s, 'nothing')", 'STRING'],
  ['upper(s)', 'STRING'],
  ["timestamp_floor(__time, 'PT6H')", 'LONG'],
  ["timestamp_extract(__time, 'HOUR')", 'LONG'],
  ["timestamp_format(__time, 'yyyy-MM')", 'STRING'],
  ['abs(ds) + floor(d)', 'DOUBLE'],
  ['substring(v, 1, 1)', 'STRING'],
  ["regexp_extract(v, 'v(.)', 1)", 'STRING'],
  ["cast(l, 'STRING')", 'STRING'],
  ['max(ls, l)', 'LONG'],
  ['safe_divide(ls, l)', 'LONG'],
  ["replace(v, 'v', 'w')", 'STRING'],
  ['bitwiseAnd(ls, 7)', 'LONG'],
  ["lpad(v, 4, '0')", 'STRING'],
  ['round(d, 1)', 'DOUBLE'],
  ['greatest(l, ls)', 'LONG'],
  ['coalesce(l, ls, 0)', 'LONG'],
  ["timestamp_shift(__time, 'P1D', 1)", 'LONG'],
  ["strpos(v, '1')", 'LONG'],
] as const;

const virtual = fc.constantFrom(...VIRTUAL).map(([expression, outputType]) => ({
  type: 'expression',
  name: 'virtual',
  expression,
  outputType,
}));

const simple = fc.oneof(
  fc.constant({ type: 'count' }),
  fc.record({
    type: fc.constantFrom(
      'longSum',
      'longMin',
      'longMax',
      'doubleSum',
      'doubleMin',
      'doubleMax',
      'floatSum',
      'floatMin',
      'floatMax',
    ),
    fieldName: fc.oneof(number, fc.constant('virtual')),
  }),
  fc.record({
    type: fc.constantFrom('doubleSum', 'longSum'),
    expression: fc.constantFrom('l * 2', 'ls + ds', 'strlen(v)'),
  }),
  fc.record({
    type: fc.constant('cardinality'),
    // Not of columns with the empty text: what Druid estimates then depends on the way of the sketch.
    fields: fc.constantFrom(['v'], ['v', 'mv'], ['l'], ['d', 'v']),
    byRow: fc.boolean(),
    round: fc.constant(true),
  }),
  fc.constantFrom(
    { type: 'longFirst', fieldName: 'lf' },
    { type: 'longLast', fieldName: 'lf' },
    { type: 'doubleFirst', fieldName: 'dl' },
    { type: 'doubleLast', fieldName: 'dl' },
    { type: 'floatFirst', fieldName: 'ff' },
    { type: 'floatLast', fieldName: 'ff' },
    { type: 'stringFirst', fieldName: 'sf' },
    { type: 'stringLast', fieldName: 'sl', maxStringBytes: 3 },
    { type: 'hyperUnique', fieldName: 'hu', round: true },
    { type: 'grouping', groupings: ['v', 's'] },
    { type: 'doubleMean', fieldName: 'l' },
    { type: 'doubleMean', fieldName: 'd' },
    { type: 'doubleMean', fieldName: 'v' },
    { type: 'doubleMean', fieldName: 'mv' },
    { type: 'doubleMean', fieldName: 'missing' },
    { type: 'grouping', groupings: ['mv', 'none', 'virtual', 'l', 'v'] },
  ),
);

const aggregator = fc.oneof(
  { weight: 5, arbitrary: simple },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('filtered'),
      filter,
      aggregator: simple.map((inner) => ({ ...inner, name: 'inner' })),
    }),
  },
);

interface Aggregations {
  readonly aggregations: readonly object[];
  readonly postAggregations: readonly object[];
}

const access = (name: string): object => ({ type: 'fieldAccess', name: '', fieldName: name });

const aggregations: fc.Arbitrary<Aggregations> = fc
  .tuple(
    fc.array(aggregator, { minLength: 1, maxLength: 3 }),
    fc.option(
      fc.constantFrom(
        { type: 'arithmetic', fn: '/', fields: [access('n'), { type: 'constant', value: 4 }] },
        { type: 'arithmetic', fn: '+', fields: [access('n'), access('sum')] },
        { type: 'arithmetic', fn: '*', fields: [access('sum'), { type: 'constant', value: 0.5 }] },
        { type: 'arithmetic', fn: 'quotient', fields: [access('sum'), access('n')] },
        { type: 'doubleGreatest', fields: [access('n'), access('sum')] },
        { type: 'longLeast', fields: [access('n'), access('sum')] },
        { type: 'expression', expression: 'n * 2 + nvl(sum, 0)' },
        { type: 'expression', expression: "concat('n', n)" },
        { type: 'finalizingFieldAccess', fieldName: 'n' },
      ),
    ),
  )
  .map(([list, post]) => ({
    aggregations: [
      { type: 'count', name: 'n' },
      { type: 'doubleSum', name: 'sum', fieldName: 'ds' },
      ...list.map((inner, i) =>
        'aggregator' in inner
          ? { ...inner, aggregator: { ...inner.aggregator, name: `a${i}` } }
          : { ...inner, name: `a${i}` },
      ),
    ],
    postAggregations: post === null ? [] : [{ ...post, name: 'post' }],
  }));

/** Rows of nulls hash like the empty text: Druid's estimates that never crossed a wire are then off by one. */
function hasRowEstimate(outputs: Aggregations): boolean {
  return JSON.stringify(outputs).includes('"byRow":true');
}

const granularity = fc.constantFrom<unknown>(
  'all',
  'all',
  'all',
  'day',
  'hour',
  'six_hour',
  { type: 'period', period: 'P1D', timeZone: 'America/Los_Angeles' },
  { type: 'period', period: 'PT8H', timeZone: 'Asia/Kolkata' },
  { type: 'duration', duration: 43_200_000, origin: '2024-03-01T05:00:00Z' },
);

/** Druid steps through every millisecond of `none`: asked of groupBy, and of short intervals only. */
const groupByGranularity = fc.oneof(
  { weight: 6, arbitrary: granularity },
  { weight: 1, arbitrary: fc.constant<unknown>('none') },
);

const at = (share: number): string => new Date(START + Math.round(SPAN * share)).toISOString();
/** A second at the start of hours, where many rows are. */
const SECONDS = Array.from({ length: 24 }, (_, i) => `${at(i / 24)}/PT1S`);
const intervals = fc.constantFrom(
  [`${at(0)}/${at(1)}`],
  [`${at(0)}/${at(1)}`],
  [`${at(0.1)}/${at(0.7)}`],
  [`${at(0.05)}/${at(0.3)}`, `${at(0.5)}/${at(0.9)}`],
  ['2020-01-01/2030-01-01'],
);

const common = fc
  .record({
    intervals,
    filter: fc.option(filter, { freq: 2 }),
    virtual,
  })
  .map(({ intervals: list, filter: condition, virtual: column }) => ({
    dataSource: 'random',
    intervals: list,
    ...(condition === null ? {} : { filter: condition }),
    virtualColumns: [column],
  }));

const timeseries = fc
  .record({
    common,
    aggregations,
    granularity,
    descending: fc.boolean(),
    limit: fc.option(fc.integer({ min: 1, max: 5 }), { freq: 3 }),
    grandTotal: fc.boolean(),
  })
  .map(({ common: base, aggregations: outputs, grandTotal, limit, ...rest }) => ({
    queryType: 'timeseries',
    ...base,
    ...outputs,
    granularity: rest.granularity,
    descending: rest.descending,
    ...(limit === null ? {} : { limit }),
    context: {
      // Of `all` over several intervals Druid then names the first interval that has rows.
      skipEmptyBuckets: rest.granularity !== 'all',
      grandTotal: grandTotal && !hasRowEstimate(outputs),
    },
  }));

const orderings = fc.constantFrom('lexicographic', 'numeric', 'strlen', 'alphanumeric');

const topN = fc
  .record({
    common,
    aggregations,
    granularity,
    dimension: fc.oneof({ weight: 4, arbitrary: dimension }, fc.constant('virtual')),
    metric: fc.oneof(
      fc.constantFrom<unknown>('n', 'sum', { type: 'numeric', metric: 'n' }),
      fc.constantFrom<unknown>({ type: 'inverted', metric: 'sum' }),
      fc.constant<unknown>({ type: 'dimension', ordering: 'lexicographic' }),
      fc.constant<unknown>({
        type: 'inverted',
        metric: { type: 'dimension', ordering: 'lexicographic' },
      }),
    ),
  })
  .map(({ common: base, aggregations: outputs, ...rest }) => ({
    queryType: 'topN',
    ...base,
    ...outputs,
    ...rest,
    threshold: 1000,
  }));

const having = fc.constantFrom(
  { type: 'greaterThan', aggregation: 'n', value: 2 },
  { type: 'lessThan', aggregation: 'sum', value: 20 },
  { type: 'equalTo', aggregation: 'n', value: 1 },
  { type: 'not', havingSpec: { type: 'equalTo', aggregation: 'n', value: 1 } },
  {
    type: 'or',
    havingSpecs: [
      { type: 'greaterThan', aggregation: 'sum', value: 10 },
      { type: 'lessThan', aggregation: 'n', value: 3 },
    ],
  },
  { type: 'filter', filter: { type: 'range', column: 'n', matchValueType: 'LONG', lower: 2 } },
);

/** Output names of dimensions, made different from each other. */
function distinct(dimensions: readonly (object | string)[]): (object | string)[] {
  return dimensions.map((spec, i) => {
    if (typeof spec === 'string')
      return { type: 'default', dimension: spec, outputName: `dim${i}` };
    if ('delegate' in spec && typeof spec.delegate === 'object')
      return { ...spec, delegate: { ...spec.delegate, outputName: `dim${i}` } };
    return { ...spec, outputName: `dim${i}` };
  });
}

const groupBy = fc
  .record({
    common,
    aggregations,
    granularity: groupByGranularity,
    dimensions: fc.array(
      fc.oneof(
        { weight: 5, arbitrary: dimension },
        { weight: 1, arbitrary: fc.constant('virtual') },
      ),
      { maxLength: 3 },
    ),
    having: fc.option(having, { freq: 2 }),
    order: fc.option(
      fc.record({ direction: fc.constantFrom('ascending', 'descending'), ordering: orderings }),
    ),
    limit: fc.option(fc.integer({ min: 1, max: 50 })),
    subtotals: fc.boolean(),
    context: fc.record({ sortByDimsFirst: fc.boolean(), resultAsArray: fc.boolean() }),
  })
  .map(({ common: base, aggregations: outputs, dimensions, having: condition, ...rest }) => {
    const specs = distinct(dimensions);
    const names = specs.map((_, i) => `dim${i}`);
    // A limit needs an order that leaves nothing open: every dimension, plainly.
    const columns = [
      ...(rest.order === null || rest.limit !== null
        ? []
        : [{ dimension: 'n', direction: rest.order.direction, dimensionOrder: 'numeric' }]),
      ...names.map((name) => ({
        dimension: name,
        direction: rest.order?.direction ?? 'ascending',
        dimensionOrder: 'lexicographic',
      })),
    ];
    // With time buckets Druid's subtotals depend on how its rows arrive.
    const isSubtotalled =
      rest.subtotals &&
      names.length > 1 &&
      rest.limit === null &&
      rest.granularity === 'all' &&
      !hasRowEstimate(outputs);
    return {
      queryType: 'groupBy',
      ...base,
      ...outputs,
      granularity: rest.granularity,
      ...(rest.granularity === 'none' ? { intervals: SECONDS } : {}),
      dimensions: specs,
      ...(condition === null ? {} : { having: condition }),
      ...(isSubtotalled ? { subtotalsSpec: [names, names.slice(0, 1), []] } : {}),
      ...(rest.order === null || isSubtotalled
        ? {}
        : {
            limitSpec: {
              type: 'default',
              columns,
              ...(rest.limit === null ? {} : { limit: rest.limit }),
            },
          }),
      context: { ...rest.context, sortByDimsFirst: rest.context.sortByDimsFirst && !isSubtotalled },
    };
  });

const SCAN_COLUMNS = '__time s v mv l d f ls ds fs virtual missing lf dl ff sf sl hu'.split(' ');

const scan = fc
  .record({
    common,
    columns: fc.shuffledSubarray(SCAN_COLUMNS, { minLength: 1 }),
    resultFormat: fc.constantFrom('list', 'compactedList'),
    order: fc.constantFrom('none', 'ascending', 'descending'),
  })
  .map(({ common: base, columns, resultFormat, order }) => ({
    queryType: 'scan',
    ...base,
    columns: order === 'none' || columns.includes('__time') ? columns : ['__time', ...columns],
    resultFormat,
    order,
  }));

const search = fc
  .record({ common, query: searchSpec, columns: fc.subarray(['s', 'v', 'mv'], { minLength: 1 }) })
  .map(({ common: base, query, columns }) => ({
    queryType: 'search',
    ...base,
    granularity: 'all',
    searchDimensions: columns,
    query,
    sort: { type: 'lexicographic' },
    limit: 1000,
  }));

const timeBoundary = fc
  .record({ common, bound: fc.constantFrom('minTime', 'maxTime', null) })
  .map(({ common: base, bound }) => ({
    queryType: 'timeBoundary',
    ...base,
    ...(bound === null ? {} : { bound }),
  }));

const nested = fc
  .record({ common, aggregations, column: text })
  .map(({ common: base, aggregations: outputs, column }) => ({
    queryType: 'groupBy',
    dataSource: {
      type: 'query',
      query: {
        queryType: 'groupBy',
        ...base,
        ...outputs,
        granularity: 'all',
        dimensions: [column, { type: 'default', dimension: 'l', outputName: 'k' }],
      },
    },
    intervals: ['2000-01-01/2100-01-01'],
    granularity: 'all',
    dimensions: [column],
    aggregations: [
      { type: 'count', name: 'groups' },
      { type: 'longSum', name: 'n', fieldName: 'n' },
      { type: 'doubleMax', name: 'most', fieldName: 'sum' },
    ],
  }));

/** A text as a number is not what Druid documents: aggregators read virtual columns of numbers only. */
function readable(query: object): object {
  // Sums of floats depend on their order once they have more digits than a float.
  const text = JSON.stringify(query).replaceAll(
    /"type":"float(Sum|Min|Max)","fieldName":"(l|virtual)"/g,
    '"type":"float$1","fieldName":"f"',
  );
  return text.includes('"outputType":"STRING"}]')
    ? (JSON.parse(text.replaceAll('"fieldName":"virtual"', '"fieldName":"l"')) as object)
    : (JSON.parse(text) as object);
}

const anyQuery = fc.oneof(
  { weight: 5, arbitrary: timeseries },
  { weight: 5, arbitrary: topN },
  { weight: 8, arbitrary: groupBy },
  { weight: 4, arbitrary: scan },
  { weight: 1, arbitrary: search },
  { weight: 1, arbitrary: timeBoundary },
  { weight: 1, arbitrary: nested },
);

/** Any query. */
export const randomQuery: fc.Arbitrary<object> = anyQuery.map(readable);
