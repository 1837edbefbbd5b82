// Random filters, extraction functions and dimension specs over the columns of rows.ts. Feeds queries.ts.

import fc from 'fast-check';
import { START, WORDS } from './rows.ts';

/** Columns with a word or a list of words. */
export const TEXT_COLUMNS: readonly string[] = ['s', 'v', 'mv', 'missing'];
/** Columns with numbers. */
export const NUMBER_COLUMNS: readonly string[] = ['l', 'd', 'f', 'ls', 'ds', 'fs'];

const text = fc.constantFrom(...TEXT_COLUMNS);
const number = fc.constantFrom(...NUMBER_COLUMNS);
const any = fc.constantFrom(...TEXT_COLUMNS, ...NUMBER_COLUMNS);
const value = fc.oneof(
  fc.constantFrom(...WORDS),
  fc.constantFrom('x', 'y', 'z', 'v1', 'v7', 'v33', '3', '2.5', '-0.25'),
);
const nullable = fc.option(value, { freq: 6 });

const search = fc.oneof(
  fc.record({
    type: fc.constant('contains'),
    value,
    caseSensitive: fc.boolean(),
  }),
  fc.record({ type: fc.constant('insensitive_contains'), value }),
  fc.record({
    type: fc.constant('fragment'),
    values: fc.constantFrom(['v', '1'], ['b'], ['A', 'b']),
    caseSensitive: fc.boolean(),
  }),
);

/** Search conditions. */
export const searchSpec: fc.Arbitrary<object> = search;

const simpleExtraction = fc.oneof(
  fc.constantFrom({ type: 'upper' }, { type: 'lower' }),
  fc.constantFrom({ type: 'upper' }, { type: 'lower' }, { type: 'strlen' }),
  fc.record({
    type: fc.constant('substring'),
    // Never half of a pair of surrogates.
    index: fc.constantFrom(0, 2),
    length: fc.option(fc.constant(2)),
  }),
  fc.record({
    type: fc.constant('regex'),
    expr: fc.constantFrom('^(.)', '([0-9]+)', 'v(\\d)', '(b)?'),
    replaceMissingValue: fc.boolean(),
    replaceMissingValueWith: fc.constantFrom('none', null),
  }),
  fc.record({ type: fc.constant('partial'), expr: fc.constantFrom('^v', '\\d', 'b') }),
  fc.record({
    type: fc.constant('stringFormat'),
    format: fc.constantFrom('[%s]', '%s!'),
    nullHandling: fc.constantFrom('nullString', 'emptyString', 'returnNull'),
  }),
  fc.record({
    type: fc.constant('lookup'),
    lookup: fc.constant({ type: 'map', map: { a: 'one', b: 'two', v1: 'one', x: '' } }),
    retainMissingValue: fc.boolean(),
  }),
  fc.record({ type: fc.constant('searchQuery'), query: search }),
);

const extraction = fc.oneof(
  { weight: 5, arbitrary: simpleExtraction },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('cascade'),
      extractionFns: fc.array(simpleExtraction, { minLength: 1, maxLength: 2 }),
    }),
  },
);

const bucket = fc.record({
  type: fc.constant('bucket'),
  size: fc.constantFrom(5, 10),
  offset: fc.constantFrom(0, 2),
});

const timeFormat = fc.record({
  type: fc.constant('timeFormat'),
  format: fc.constantFrom('yyyy-MM-dd', 'HH', 'EEEE', 'w'),
  timeZone: fc.constantFrom('UTC', 'America/Los_Angeles', 'Asia/Kolkata'),
});

const bounds = fc
  .tuple(nullable, nullable)
  .filter(([lower, upper]) => lower !== null || upper !== null);

const interval = fc
  .tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 1, max: 40 }))
  .map(([from, hours]) => {
    const at = (hour: number): string => new Date(START + hour * 3_600_000).toISOString();
    return `${at(from)}/${at(from + hours)}`;
  });

const leaf: fc.Arbitrary<object> = fc.oneof(
  fc.record({ type: fc.constant('selector'), dimension: text, value: nullable }),
  // What a word selects among numbers depends in Druid on how it runs.
  fc.record({
    type: fc.constant('selector'),
    dimension: number,
    value: fc.constantFrom('3', '7', '-2', '0', null),
  }),
  fc.record({
    type: fc.constant('selector'),
    dimension: text,
    value: nullable,
    extractionFn: extraction,
  }),
  fc.record({
    type: fc.constant('in'),
    dimension: text,
    values: fc.array(nullable, { minLength: 1, maxLength: 5 }),
  }),
  fc.record({
    type: fc.constant('in'),
    dimension: number,
    values: fc.array(fc.constantFrom('3', '7', '-2', '0', '12', null), {
      minLength: 1,
      maxLength: 5,
    }),
  }),
  fc
    .record({
      type: fc.constant('bound'),
      dimension: any.filter((name) => name !== 'missing'),
      bounds,
      lowerStrict: fc.boolean(),
      upperStrict: fc.boolean(),
      ordering: fc.constantFrom(
        'lexicographic',
        'alphanumeric',
        'alphanumeric',
        'numeric',
        'strlen',
      ),
    })
    .map(({ bounds: [lower, upper], ...rest }) => ({ ...rest, lower, upper })),
  fc
    .tuple(number, fc.integer({ min: -50, max: 20 }), fc.integer({ min: 0, max: 60 }))
    .map(([column, lower, width]) => ({
      type: 'range',
      column,
      matchValueType: 'DOUBLE',
      lower,
      upper: lower + width,
      upperOpen: width % 2 === 0,
    })),
  fc.tuple(text, value, fc.boolean()).map(([column, lower, lowerOpen]) => ({
    type: 'range',
    column,
    matchValueType: 'STRING',
    lower,
    lowerOpen,
  })),
  fc.record({
    type: fc.constant('equals'),
    column: text,
    matchValueType: fc.constant('STRING'),
    matchValue: value,
  }),
  fc.record({
    type: fc.constant('equals'),
    column: number,
    matchValueType: fc.constantFrom('LONG', 'DOUBLE'),
    matchValue: fc.integer({ min: -3, max: 12 }),
  }),
  fc.record({ type: fc.constant('null'), column: any }),
  fc.record({
    type: fc.constant('like'),
    dimension: text,
    pattern: fc.constantFrom('v%', '%1%', 'b_', '_', '%', 'x\\%y', '', 'v3_', 'é%'),
    escape: fc.constant('\\'),
  }),
  fc.record({
    type: fc.constant('regex'),
    dimension: any,
    pattern: fc.constantFrom('^v', '[0-9]$', 'b', '^$', 'A|x'),
  }),
  fc.record({ type: fc.constant('search'), dimension: text, query: search }),
  fc.record({
    type: fc.constant('interval'),
    dimension: fc.constant('__time'),
    intervals: fc.array(interval, { minLength: 1, maxLength: 2 }),
  }),
  fc.record({
    type: fc.constant('columnComparison'),
    dimensions: fc.constantFrom(['s', 'v'], ['s', 'mv'], ['l', 'ls'], ['d', 'f']),
  }),
  fc.record({
    type: fc.constant('expression'),
    expression: fc.constantFrom(
      'l > 3',
      'd * 2 < ls',
      "s == 'a' || v == 'v1'",
      'strlen(s) > 1 && ls != 0',
      "like(v, 'v1%')",
      'isnull(d)',
      "!(s == 'b')",
      'ls % 2 == 0',
    ),
  }),
  fc.constantFrom({ type: 'true' }, { type: 'true' }, { type: 'false' }),
);

/**
 * Bounds inside `not` become ranges: whether null is false or unknown to a bound depends in Druid on the order, the
 * kind of column and on how the filter runs.
 */
function settled(filter: object, isNegated = false): object {
  if ('fields' in filter && Array.isArray(filter.fields)) {
    const fields = filter.fields.map((field: object) => settled(field, isNegated));
    return { ...filter, fields };
  }
  if ('field' in filter && typeof filter.field === 'object' && filter.field !== null)
    return { ...filter, field: settled(filter.field, true) };
  if (!isNegated || !('type' in filter) || filter.type !== 'bound' || !('dimension' in filter))
    return filter;
  const { dimension: column } = filter;
  return TEXT_COLUMNS.includes(String(column))
    ? { type: 'range', column, matchValueType: 'STRING', lower: 'b' }
    : { type: 'range', column, matchValueType: 'DOUBLE', lower: 1 };
}

/** Filters of up to three levels. */
export const filter: fc.Arbitrary<object> = fc
  .letrec<{ tree: object }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 2, depthSize: 'small' },
      { weight: 6, arbitrary: leaf },
      { weight: 2, arbitrary: fc.record({ type: fc.constant('not'), field: tie('tree') }) },
      {
        weight: 3,
        arbitrary: fc.record({
          type: fc.constantFrom('and', 'or', 'or'),
          fields: fc.array(tie('tree'), { minLength: 1, maxLength: 3 }),
        }),
      },
    ),
  }))
  .tree.map((tree) => settled(tree));

const plain = fc.oneof(
  any,
  fc.constant('__time'),
  text.map((dimension) => ({ type: 'default', dimension, outputName: 'out' })),
  fc.constantFrom('l', 'ls').map((dimension) => ({
    type: 'default',
    dimension,
    outputName: 'long',
    outputType: 'LONG',
  })),
  fc.constantFrom('d', 'ds', 'f').map((dimension) => ({
    type: 'default',
    dimension,
    outputName: 'double',
    outputType: 'DOUBLE',
  })),
);

const delegate = fc.record({
  type: fc.constant('default'),
  dimension: fc.constantFrom('mv', 's', 'v'),
  outputName: fc.constant('kept'),
});

/** Dimensions with an output name of their kind; several of a query must be made different. */
export const dimension: fc.Arbitrary<object | string> = fc.oneof(
  { weight: 5, arbitrary: plain },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('extraction'),
      dimension: text,
      outputName: fc.constant('extracted'),
      extractionFn: extraction,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('extraction'),
      dimension: fc.constant('__time'),
      outputName: fc.constant('formatted'),
      extractionFn: timeFormat,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('extraction'),
      dimension: fc.constantFrom('l', 'ls'),
      outputName: fc.constant('bucketed'),
      extractionFn: bucket,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('listFiltered'),
      delegate,
      values: fc.constantFrom(['x', 'y'], ['a', 'b', 'v1'], ['x']),
      isWhitelist: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('regexFiltered'),
      delegate,
      pattern: fc.constantFrom('^[xv]', '1'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('prefixFiltered'),
      delegate,
      prefix: fc.constantFrom('v1', 'x', 'b'),
    }),
  },
);
