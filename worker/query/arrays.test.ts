import { describe, expect, test } from 'vitest';
import { isFailure } from '../../core/runtime/failure.ts';
import { rowView } from '../view/row-view.ts';
import {
  answerQuery,
  decodePartial,
  encodePartial,
  finishQuery,
  mergePartials,
  parseQuery,
  UNLIMITED,
} from './query.ts';
import { runToEnd } from './run/run-query.ts';

// Arrays as values: of virtual columns, of groups, in filters. Expected is what Druid 37 answers over the same rows.

const rows = [
  { language: 'en', robot: 'false', added: 57 },
  { language: 'en', robot: 'true', added: 459 },
  { language: 'ru', robot: 'true', added: 123 },
  { language: 'zh', robot: 'true', added: 905 },
  { language: 'ja', robot: 'true', added: 1 },
];
const viewOf = (some: typeof rows): ReturnType<typeof rowView> =>
  rowView(
    some.map((row, i) => ({ __time: i, ...row })),
    {
      dimensions: [{ name: 'language' }, { name: 'robot' }],
      metrics: [{ name: 'added', type: 'doubleSum' }],
    },
  );

const virtualColumns = [
  { name: 'v', expression: 'array(language,robot)', outputType: 'ARRAY<STRING>' },
  { name: 'l', expression: 'array(strlen(language),added)', outputType: 'ARRAY<LONG>' },
  {
    name: 'm',
    expression: "if(robot=='true',array(language,robot),null)",
    outputType: 'ARRAY<STRING>',
  },
  { name: 's', expression: 'array(language,robot)', outputType: 'STRING' },
  { name: 'u', expression: 'array(language,robot)' },
].map((column) => ({ type: 'expression', ...column }));

const common = {
  dataSource: 'd',
  intervals: '1970/1971',
  granularity: 'all',
  virtualColumns,
  aggregations: [{ type: 'count', name: 'n' }],
};

function groups(dimension: string, outputType: string, change: object = {}): object {
  const dimensions = [{ type: 'default', dimension, outputName: 'o', outputType }];
  return { ...common, queryType: 'groupBy', dimensions, ...change };
}

function answer(query: object): { event: { o: unknown; n: number } }[] {
  const parsed = parseQuery(query);
  const whole = [
    ...answerQuery(parsed, [{ view: viewOf(rows), intervals: parsed.intervals }], UNLIMITED),
  ].join('');
  // The same in two parts, through bytes.
  const parts = [rows.slice(0, 2), rows.slice(2)].map((some) => {
    const piece = { view: viewOf(some), intervals: parsed.intervals };
    return decodePartial(parsed, encodePartial(parsed, runToEnd(parsed, [piece], UNLIMITED)));
  });
  expect([...finishQuery(parsed, mergePartials(parsed, parts))].join('')).toBe(whole);
  return JSON.parse(whole) as { event: { o: unknown; n: number } }[];
}

const values = (query: object): unknown[] => answer(query).map(({ event }) => event.o);

const LANGUAGES = ['en', 'en', 'ja', 'ru', 'zh'];
const whole = LANGUAGES.map((language, i) => [language, i === 0 ? 'false' : 'true']);

describe('groups', () => {
  test.each<[string, string, unknown[]]>([
    ['v', 'ARRAY<STRING>', whole],
    ['u', 'ARRAY<STRING>', whole],
    ['v', 'STRING', whole.map((list) => `[${list.join(', ')}]`)],
    ['u', 'STRING', whole.map((list) => `[${list.join(', ')}]`)],
    ['s', 'STRING', ['en', 'false', 'ja', 'ru', 'true', 'zh']],
    ['v', 'ARRAY<LONG>', [[null, null]]],
    ['l', 'ARRAY<LONG>', [1, 57, 123, 459, 905].map((added) => [2, added])],
    ['m', 'ARRAY<STRING>', [null, ...whole.slice(1)]],
  ])('%s as %s', (dimension, type, expected) => {
    expect(values(groups(dimension, type))).toEqual(expected);
  });

  test('count equal arrays together, and only those', () => {
    const doubled = {
      virtualColumns: [{ type: 'expression', name: 'v', expression: 'array(robot)' }],
    };
    expect(answer(groups('v', 'array<string>', doubled)).map(({ event }) => event)).toEqual([
      { o: ['false'], n: 1 },
      { o: ['true'], n: 4 },
    ]);
  });

  test('are ordered element by element', () => {
    const columns = [{ dimension: 'o', direction: 'descending' }];
    const limitSpec = { type: 'default', limit: 3, columns };
    expect(values(groups('v', 'ARRAY<STRING>', { limitSpec }))).toEqual(
      whole.toReversed().slice(0, 3),
    );
  });
});

describe('filters', () => {
  const equals = (column: string, matchValueType: string, matchValue: unknown): object => ({
    type: 'equals',
    column,
    matchValueType,
    matchValue,
  });
  const contains = (column: string, elementMatchValueType: string, value: unknown): object => ({
    type: 'arrayContainsElement',
    column,
    elementMatchValueType,
    elementMatchValue: value,
  });
  test.each<[string, object, number]>([
    ['equals', equals('v', 'ARRAY<STRING>', ['en', 'true']), 1],
    ['equals numbers', equals('l', 'ARRAY<LONG>', [2, 123]), 1],
    ['equals a part', equals('v', 'ARRAY<STRING>', ['en']), 0],
    ['a text does not equal an array', equals('v', 'STRING', 'en'), 0],
    ['an array equals a text alone', equals('language', 'ARRAY<STRING>', ['en']), 2],
    ['null', { type: 'null', column: 'm' }, 1],
    ['null is unknown', { type: 'not', field: equals('m', 'ARRAY<STRING>', ['en', 'true']) }, 3],
    ['contains', contains('v', 'STRING', 'en'), 2],
    ['contains a number', contains('l', 'LONG', 2), 5],
    ['contains null', contains('v', 'STRING', null), 0],
    ['contains in a text', contains('language', 'STRING', 'en'), 2],
    ['contains in null', { type: 'not', field: contains('m', 'STRING', 'en') }, 3],
  ])('%s', (_name, filter, n) => {
    const [first] = answer({ ...common, queryType: 'timeseries', filter }) as unknown as {
      result: { n: number };
    }[];
    expect(first?.result.n).toBe(n);
  });
});

test('a scan names the type', () => {
  const scan = { ...common, queryType: 'scan', columns: ['v', 'l'], resultFormat: 'compactedList' };
  const [first] = answer({ ...scan, limit: 1 }) as unknown as object[];
  expect(first).toMatchObject({
    events: [
      [
        ['en', 'false'],
        [2, 57],
      ],
    ],
    rowSignature: [
      { name: 'v', type: 'ARRAY<STRING>' },
      { name: 'l', type: 'ARRAY<LONG>' },
    ],
  });
});

test.each<[string, object, RegExp]>([
  [
    'topN',
    {
      ...common,
      queryType: 'topN',
      dimension: { type: 'default', dimension: 'v', outputType: 'ARRAY<STRING>' },
      metric: 'n',
      threshold: 1,
    },
    /dimension\.outputType: .*invalid type \[ARRAY<STRING>\]/,
  ],
  ['an array of what', groups('v', 'ARRAY<TEXT>'), /'TEXT' is none of STRING/],
  ['a sketch', groups('v', 'COMPLEX<x>'), /type COMPLEX<x> is not supported/],
])('refuses %s', (_name, query, message) => {
  try {
    answer(query);
  } catch (error) {
    if (!isFailure(error, 'input')) throw error;
    expect(error.message).toMatch(message);
    return;
  }
  throw new Error('was answered');
});
