import { expect, test } from 'vitest';
import { ETERNITY } from '../../../core/model/interval.ts';
import { isFailure } from '../../../core/runtime/failure.ts';
import { rowView } from '../../view/row-view.ts';
import { answerQuery, exactJson, expandLookups, parseQuery, UNLIMITED } from '../query.ts';

// Names of lookups become entries wherever a query may name one; what only looks like a name stays.

const LOOKUPS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  langs: { en: 'English', ru: 'Russian' },
};
const find = (name: string): Readonly<Record<string, string>> | undefined => LOOKUPS[name];

const view = rowView(
  ['en', 'ru', 'ja'].map((l, i) => ({ __time: i, l })),
  { dimensions: [{ name: 'l' }] },
);

const GROUP = {
  queryType: 'groupBy',
  dataSource: 'd',
  intervals: '1970/1971',
  granularity: 'all',
  dimensions: [],
  aggregations: [{ type: 'count', name: 'n' }],
};

function valuesOf(query: object, name = 'v'): unknown[] {
  // Through text, as other nodes read it.
  const body: unknown = JSON.parse(exactJson(expandLookups(query, find)));
  const pieces = [{ view, intervals: [ETERNITY] }];
  const text = [...answerQuery(parseQuery(body), pieces, UNLIMITED)].join('');
  return (JSON.parse(text) as { event: Record<string, unknown> }[]).map(({ event }) => event[name]);
}

const registered = { type: 'registeredLookup', lookup: 'langs' };
const dimension = (change: object): object => ({ dimension: 'l', outputName: 'v', ...change });
const virtual = (expression: string): object => ({
  virtualColumns: [{ type: 'expression', name: 'v', expression, outputType: 'STRING' }],
  dimensions: ['v'],
});

test.each<[string, object, unknown[]]>([
  [
    'extraction function',
    { dimensions: [dimension({ type: 'extraction', extractionFn: registered })] },
    [null, 'English', 'Russian'],
  ],
  [
    'inside a cascade',
    {
      dimensions: [
        dimension({
          type: 'extraction',
          extractionFn: {
            type: 'cascade',
            extractionFns: [{ ...registered, replaceMissingValueWith: 'none' }, { type: 'upper' }],
          },
        }),
      ],
    },
    ['ENGLISH', 'NONE', 'RUSSIAN'],
  ],
  [
    'dimension by name',
    { dimensions: [dimension({ type: 'lookup', name: 'langs', retainMissingValue: true })] },
    ['English', 'Russian', 'ja'],
  ],
  ['expression', virtual("lookup(l, 'langs')"), [null, 'English', 'Russian']],
  ['with a replacement', virtual("upper(lookup(l, 'langs', 'x'))"), ['ENGLISH', 'RUSSIAN', 'X']],
  [
    'a text that reads like a call',
    virtual("concat(l, 'lookup(l, \\'nope\\')')"),
    ["enlookup(l, 'nope')", "jalookup(l, 'nope')", "rulookup(l, 'nope')"],
  ],
  [
    'the right side of a join',
    {
      dataSource: {
        type: 'join',
        left: 'd',
        right: { type: 'lookup', lookup: 'langs' },
        rightPrefix: 'j.',
        condition: 'l == "j.k"',
        joinType: 'INNER',
      },
      dimensions: [{ dimension: 'j.v', outputName: 'v' }],
    },
    ['English', 'Russian'],
  ],
  [
    'the key of a join',
    {
      dataSource: {
        type: 'join',
        left: 'd',
        right: { type: 'inline', columnNames: ['k'], columnTypes: ['STRING'], rows: [['Russian']] },
        rightPrefix: 'j.',
        condition: `lookup(l, 'langs') == "j.k"`,
        joinType: 'INNER',
      },
      dimensions: [{ dimension: 'l', outputName: 'v' }],
    },
    ['ru'],
  ],
  [
    'a data source',
    { dataSource: { type: 'lookup', lookup: 'langs' }, dimensions: ['v'] },
    ['English', 'Russian'],
  ],
  [
    'a nested query alone',
    {
      dataSource: { type: 'query', query: { ...GROUP, ...virtual("lookup(l, 'langs')") } },
      dimensions: ['v'],
    },
    [null, 'English', 'Russian'],
  ],
  [
    'a filter',
    {
      filter: { type: 'selector', dimension: 'l', value: 'Russian', extractionFn: registered },
      dimensions: [{ dimension: 'l', outputName: 'v' }],
    },
    ['ru'],
  ],
])('%s', (_name, change, expected) => {
  expect(valuesOf({ ...GROUP, ...change })).toEqual(expected);
});

test('a post-aggregator', () => {
  const query = {
    ...GROUP,
    dimensions: ['l'],
    postAggregations: [{ type: 'expression', name: 'p', expression: "lookup(l, 'langs')" }],
  };
  expect(valuesOf(query, 'p')).toEqual(['English', null, 'Russian']);
});

test.each<[string, object, RegExp]>([
  [
    'extraction function',
    {
      dimensions: [dimension({ type: 'extraction', extractionFn: { ...registered, lookup: 'x' } })],
    },
    /^dimensions\[0\]\.extractionFn\.lookup: Lookup \[x\] not found/,
  ],
  [
    'expression',
    virtual("lookup(l, 'x')"),
    /^virtualColumns\[0\]\.expression: Lookup \[x\] not found/,
  ],
  ['source', { dataSource: { type: 'lookup', lookup: 'x' } }, /^dataSource\.lookup: Lookup \[x\]/],
  ['name is no constant', virtual('lookup(l, l)'), /lookup takes the name of a lookup/],
])('an unknown lookup is refused by field and name: %s', (_name, change, message) => {
  const failure = failureOf({ ...GROUP, ...change });
  expect(failure.message).toMatch(message);
  expect(failure.code).toBe('QueryInvalid');
});

function failureOf(query: object): { readonly code: string; readonly message: string } {
  try {
    valuesOf(query);
  } catch (error) {
    if (isFailure(error)) return error;
    throw error;
  }
  throw new Error('was answered');
}
