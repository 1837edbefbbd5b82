import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isFailure } from '../../../core/runtime/failure.ts';
import { type Row, rowView } from '../../view/row-view.ts';
import { VECTOR_ROWS, type View } from '../../view/view.ts';
import { answerQuery, parseQuery, UNLIMITED } from '../query.ts';

// Joins against the plain meaning of a join: for each left row the right rows with an equal key.

interface LeftRow {
  readonly s: string | null;
  readonly n: bigint | null;
}
interface RightRow {
  readonly k: string | null;
  readonly w: bigint | null;
}

const DAY_MS = Date.UTC(2024, 0, 1);

function leftView(rows: readonly LeftRow[], from = 0, multi?: readonly string[]): View {
  const full = rows.map((row, i): Row => ({
    __time: DAY_MS + (from + i) * 1000,
    s: row.s,
    n: row.n,
    m: multi ?? null,
  }));
  return rowView(full, {
    dimensions: [{ name: 's' }, { name: 'm' }],
    metrics: [{ name: 'n', type: 'longSum' }],
  });
}

function inline(rows: readonly RightRow[]): object {
  return {
    type: 'inline',
    columnNames: ['k', 'w'],
    columnTypes: ['STRING', 'LONG'],
    rows: rows.map(({ k, w }) => [k, w]),
  };
}

function joinOf(right: object, change: object = {}): object {
  return {
    type: 'join',
    left: 'd',
    right,
    rightPrefix: 'r.',
    condition: 's == "r.k"',
    joinType: 'INNER',
    ...change,
  };
}

function scan(dataSource: object, change: object = {}): object {
  return {
    queryType: 'scan',
    dataSource,
    intervals: '2024/2025',
    columns: ['__time', 's', 'n', 'r.k', 'r.w'],
    resultFormat: 'compactedList',
    ...change,
  };
}

function answer(query: object, views: readonly View[]): unknown {
  const parsed = parseQuery(query);
  const pieces = views.map((view) => ({ view, intervals: parsed.intervals }));
  return JSON.parse([...answerQuery(parsed, pieces, UNLIMITED)].join(''));
}

function eventsOf(query: object, views: readonly View[]): unknown[] {
  return (answer(query, views) as { events: unknown[] }[]).flatMap(({ events }) => events);
}

function refusal(query: object, views: readonly View[] = []): { code: string; message: string } {
  try {
    answer(query, views);
  } catch (error) {
    if (isFailure(error)) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error('was answered');
}

const texts = fc.option(fc.constantFrom('a', 'b', 'c', 'd', ''), { nil: null });
const longs = fc.option(fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }), { nil: null });
const leftRows = fc.array(fc.record({ s: texts, n: longs }), { maxLength: 30 });
const rightRows = fc.array(fc.record({ k: texts, w: longs }), { maxLength: 12 });

/** As the JSON of an answer reads: a long that a double cannot hold is what JSON.parse makes of it. */
const plain = (value: bigint | null): number | null => (value === null ? null : Number(value));

function modelOf(
  left: readonly LeftRow[],
  right: readonly RightRow[],
  isLeftJoin: boolean,
): unknown[] {
  return left.flatMap(({ s, n }, i) => {
    const partners: RightRow[] = s === null ? [] : right.filter(({ k }) => k === s);
    if (partners.length === 0 && isLeftJoin) partners.push({ k: null, w: null });
    return partners.map(({ k, w }) => [DAY_MS + i * 1000, s, plain(n), k, plain(w)]);
  });
}

test('rows are those of the model, in the order of the left, however the left is cut', () => {
  let rows = 0;
  fc.assert(
    fc.property(leftRows, rightRows, fc.boolean(), fc.nat(30), (left, right, isLeft, at) => {
      const source = joinOf(inline(right), { joinType: isLeft ? 'LEFT' : 'INNER' });
      const expected = modelOf(left, right, isLeft);
      rows += expected.length;
      expect(eventsOf(scan(source), [leftView(left)])).toEqual(expected);
      const pieces = [leftView(left.slice(0, at)), leftView(left.slice(at), at)];
      expect(eventsOf(scan(source), pieces)).toEqual(expected);
    }),
    { numRuns: 200 },
  );
  expect(rows).toBeGreaterThan(500);
});

test('a filter keeps what filtering the joined rows keeps, on the left, on the right, on both', () => {
  let kept = 0;
  const onLeft = { type: 'selector', dimension: 's', value: 'a' };
  const onRight = { type: 'range', column: 'r.w', matchValueType: 'LONG', lower: 0 };
  const both = { type: 'and', fields: [onLeft, onRight] };
  fc.assert(
    fc.property(leftRows, rightRows, fc.boolean(), (left, right, isLeft) => {
      const source = joinOf(inline(right), { joinType: isLeft ? 'LEFT' : 'INNER' });
      const all = modelOf(left, right, isLeft) as [number, string, number, string, number | null][];
      const isA = all.filter(([, s]) => s === 'a');
      const isBig = all.filter(([, , , , w]) => w !== null && w >= 0);
      for (const [filter, expected] of [
        [onLeft, isA],
        [onRight, isBig],
        [both, isA.filter((row) => isBig.includes(row))],
      ] as const) {
        expect(eventsOf(scan(source, { filter }), [leftView(left)])).toEqual(expected);
        kept += expected.length;
      }
    }),
    { numRuns: 100 },
  );
  expect(kept).toBeGreaterThan(100);
});

test('more rows than a vector holds, sparse and dense, numbers exact', () => {
  const rows = VECTOR_ROWS * 3 + 17;
  const left = Array.from({ length: rows }, (_, i): LeftRow => ({
    s: i % 5000 === 0 ? 'rare' : 'often',
    n: BigInt(i),
  }));
  const group = {
    queryType: 'groupBy',
    intervals: '2024/2025',
    granularity: 'all',
    dimensions: ['r.k'],
    aggregations: [
      { type: 'count', name: 'rows' },
      { type: 'longSum', name: 'n', fieldName: 'n' },
      { type: 'longSum', name: 'w', fieldName: 'r.w' },
    ],
  };
  const events = (right: RightRow[]): unknown[] =>
    (
      answer({ ...group, dataSource: joinOf(inline(right)) }, [leftView(left)]) as {
        event: unknown;
      }[]
    ).map(({ event }) => event);
  const rare = left.filter(({ s }) => s === 'rare');
  const sum = (some: readonly LeftRow[]): number => some.reduce((a, { n }) => a + Number(n), 0);
  expect(events([{ k: 'rare', w: 3n }])).toEqual([
    { 'r.k': 'rare', rows: rare.length, n: sum(rare), w: 3 * rare.length },
  ]);
  const often = left.filter(({ s }) => s === 'often');
  expect(
    events([
      { k: 'often', w: 1n },
      { k: 'often', w: null },
    ]),
  ).toEqual([{ 'r.k': 'often', rows: 2 * often.length, n: 2 * sum(often), w: often.length }]);
});

test('lists of the left and of the right keep their values', () => {
  const right = {
    type: 'inline',
    columnNames: ['k', 'l'],
    columnTypes: ['STRING', 'STRING'],
    rows: [
      ['a', ['x', 'y']],
      ['b', 'z'],
    ],
  };
  const left = [
    { s: 'b', n: 1n },
    { s: 'c', n: 2n },
    { s: 'a', n: 3n },
  ];
  const query = scan(joinOf(right, { joinType: 'LEFT' }), { columns: ['s', 'm', 'r.l'] });
  expect(eventsOf(query, [leftView(left, 0, ['p', 'q'])])).toEqual([
    ['b', ['p', 'q'], 'z'],
    ['c', ['p', 'q'], null],
    ['a', ['p', 'q'], ['x', 'y']],
  ]);
});

test('null meets null only where the condition says so', () => {
  const left = [leftView([{ s: null, n: 1n }])];
  const right = inline([{ k: null, w: 7n }]);
  expect(eventsOf(scan(joinOf(right)), left)).toEqual([]);
  const condition = 'notdistinctfrom(s, "r.k")';
  expect(eventsOf(scan(joinOf(right, { condition })), left)).toEqual([[DAY_MS, null, 1, null, 7]]);
});

test('time boundaries are those of joined rows, empty buckets those of the left', () => {
  const left = [leftView(['x', 'a', 'x', 'a', 'x'].map((s) => ({ s, n: 1n })))];
  const dataSource = joinOf(inline([{ k: 'a', w: 1n }]));
  const at = (seconds: number): string => new Date(DAY_MS + seconds * 1000).toISOString();
  expect(answer({ queryType: 'timeBoundary', dataSource }, left)).toEqual([
    { timestamp: at(1), result: { minTime: at(1), maxTime: at(3) } },
  ]);
  const query = {
    queryType: 'timeseries',
    dataSource,
    intervals: '2024/2025',
    granularity: 'second',
    aggregations: [{ type: 'count', name: 'n' }],
  };
  expect(answer(query, left)).toEqual(
    [0, 1, 0, 1, 0].map((n, i) => ({ timestamp: at(i), result: { n } })),
  );
});

describe('refusals', () => {
  const right = inline([]);
  test.each([
    ['non-equi', joinOf(right, { condition: 'n > "r.w"' }), /dataSource\.condition: .*non-equi/],
    ['both of the left', joinOf(right, { condition: 's == m' }), /non-equi/],
    ['both of the right', joinOf(right, { condition: '"r.k" == "r.w"' }), /non-equi/],
    ['unknown key', joinOf(right, { condition: 's == "r.x"' }), /no column 'x'; it has k, w/],
    ['empty prefix', joinOf(right, { rightPrefix: '' }), /rightPrefix: .*empty prefix/],
    ['prefix of __time', joinOf(right, { rightPrefix: '__' }), /would shadow __time/],
    ['same prefix', joinOf(right, { left: joinOf(right) }), /duplicate prefix/],
    [
      'prefix of a prefix',
      joinOf(right, { left: joinOf(right), rightPrefix: 'r.r' }),
      /conflicting/,
    ],
    ['table', joinOf({ type: 'table', name: 'x' }), /dataSource\.right: a table on the right side/],
    ['FULL', joinOf(right, { joinType: 'FULL' }), /joinType: FULL is not supported/],
    ['other', joinOf(right, { joinType: 'CROSS' }), /joinType: 'CROSS' is neither/],
  ])('%s', (_name, dataSource, message) => {
    const { code, message: said } = refusal(scan(dataSource), [leftView([{ s: 'a', n: 1n }])]);
    expect(said).toMatch(message);
    expect(code).toBe('QueryInvalid');
  });

  test('a key of several values', () => {
    const source = joinOf(inline([{ k: 'p', w: 1n }]), { condition: 'm == "r.k"' });
    const view = leftView([{ s: 'a', n: 1n }], 0, ['p', 'q']);
    expect(refusal(scan(source), [view]).code).toBe('QueryUnsupported');
  });

  test('a join that grows without end', () => {
    const many = Array.from({ length: 20_000 }, () => ({ k: 'a', w: 1n }));
    const left = Array.from({ length: 20_000 }, () => ({ s: 'a', n: 1n }));
    const { code } = refusal(scan(joinOf(inline(many))), [leftView(left)]);
    expect(code).toBe('ResourceLimitExceeded');
  });
});
