import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { doubleText, floatText, longOfText } from '../value.ts';
import { compileExtraction } from './extraction.ts';
import { javaRegex } from './java-regex.ts';
import { jodaFormat } from './joda-format.ts';
import { SORT_ORDERS, textComparator } from './order.ts';
import { likeTest } from './text-predicate.ts';

describe('orders', () => {
  test.each([
    ['lexicographic', ['', '10', '9', 'B', 'a', '😀', '\uffff']],
    ['numeric', ['', 'a', 'b', '-5', '2', '10', '9007199254740993', '9007199254740994']],
    ['strlen', ['', 'b', 'aa', 'ab', 'aaa']],
    [
      'alphanumeric',
      ['2', '12', '50%_x', '100%', ' lead', '-3', '_under', 'A', 'aa', 'B', 'x2', 'x10'],
    ],
    ['version', ['1.0', '1.2', '1.10', '2.0']],
  ] as const)('%s', (order, expected) => {
    const shuffled = expected.toReversed();
    expect(shuffled.sort(textComparator(order))).toEqual(expected);
  });

  test.each(SORT_ORDERS)('%s is an order with null first', (order) => {
    const compare = textComparator(order);
    const text = fc.option(
      fc.string({ unit: fc.constantFrom('a', 'B', '0', '1', '9', '.', '-'), maxLength: 4 }),
    );
    fc.assert(
      fc.property(text, text, text, (a, b, c) => {
        expect(Math.sign(compare(a, b)) + Math.sign(compare(b, a))).toBe(0);
        if (compare(a, b) <= 0 && compare(b, c) <= 0) expect(compare(a, c)).toBeLessThanOrEqual(0);
        expect(compare(null, a)).toBeLessThanOrEqual(0);
      }),
      { numRuns: 300, seed: 1 },
    );
  });
});

describe('Java patterns', () => {
  test.each([
    ['\\Qa.b\\E', 'xa.by', true],
    ['\\Qa.b\\E', 'xaxby', false],
    ['(?i)HELLO', 'say hello', true],
    ['^\\p{Alpha}+$', 'abc', true],
    ['\\p{IsLatin}', '東', false],
    ['[\\p{Digit}x]{2}', '5x', true],
    ['a\\z', 'a\n', false],
    ['\\h', 'a\tb', true],
    ['\\d+\\-\\d', '12-3', true],
    ['\\p{L}+é', 'Café', true],
    ['(?:a+)+?b', 'aab', true],
  ])('%s on %s', (pattern, text, found) => {
    expect(javaRegex(pattern).test(text)).toBe(found);
  });

  test.each(['(a+)+b', '(a|aa)+$', '((a|b)*c?)*d', '(\\w+\\.)+com'])(
    '%s on a long text comes back',
    (pattern) => {
      expect(javaRegex(pattern).test('a'.repeat(2000))).toBe(pattern.endsWith('$'));
    },
  );

  test.each([
    '(?i)(a+)+b',
    '(\\p{L}+)+b',
    '((a+)\\2)+b',
    'a++',
    '(?>a)',
    '[a&&b]',
    '(?x)a b',
    '(',
    '\\G',
  ])('refuses %s', (pattern) => {
    expect(() => javaRegex(pattern)).toThrow(/regular expression/);
  });
});

test('LIKE equals its regular expression', () => {
  const char = fc.constantFrom('a', 'b', '%', '_', '\\', '😀');
  fc.assert(
    fc.property(
      fc.array(char, { maxLength: 6 }),
      fc.array(fc.constantFrom('a', 'b', '😀'), { maxLength: 8 }),
      (pattern, text) => {
        const source = pattern
          .map((c) => (c === '%' ? '[\\s\\S]*' : c === '_' ? '[\\s\\S]' : c === '\\' ? '\\\\' : c))
          .join('');
        expect(likeTest(pattern.join(''), null)(text.join(''))).toBe(
          new RegExp(`^${source}$`, 'u').test(text.join('')),
        );
      },
    ),
    { numRuns: 500, seed: 2 },
  );
  expect(likeTest('50\\%%', '\\')('50% off')).toBe(true);
  expect(likeTest('50\\%%', '\\')('500')).toBe(false);
});

test('a LIKE of many wildcards stays quick', () => {
  expect(likeTest(`${'%a'.repeat(30)}%b`, null)('a'.repeat(20_000))).toBe(false);
});

test.each([
  ["yyyy-MM-dd'T'HH:mm:ss'Z", 'UTC', '2024-03-09T23:05:06Z'],
  ['EEE HH', 'America/Los_Angeles', 'Sat 15'],
  ['EEEE d MMMM yy', 'UTC', 'Saturday 9 March 24'],
  ['e H K h k a', 'UTC', '6 23 11 11 23 PM'],
  ["xxxx-'W'ww D SSS Z ZZ", 'Asia/Kolkata', '2024-W10 70 007 +0530 +05:30'],
  ["''yy''", 'UTC', "'24'"],
])('Joda pattern %s in %s', (pattern, zone, text) => {
  expect(jodaFormat(pattern, zone)(Date.UTC(2024, 2, 9, 23, 5, 6, 7))).toBe(text);
});

test('extraction functions', () => {
  const run = (fn: Parameters<typeof compileExtraction>[0], text: string | null): string | null =>
    compileExtraction(fn)(text);
  expect(run({ type: 'substring', index: 1, length: 2 }, 'hello')).toBe('el');
  expect(run({ type: 'substring', index: 5, length: null }, 'hello')).toBeNull();
  expect(run({ type: 'bucket', size: 5, offset: 1 }, '7')).toBe('6');
  expect(run({ type: 'bucket', size: 0.5, offset: 0 }, '0.7')).toBe('0.5');
  expect(run({ type: 'strlen' }, null)).toBeNull();
  expect(
    run(
      {
        type: 'regex',
        expr: '(a)(b)',
        index: 2,
        replaceMissingValue: false,
        replaceMissingValueWith: null,
      },
      'xab',
    ),
  ).toBe('b');
  expect(
    run(
      {
        type: 'regex',
        expr: 'z',
        index: 0,
        replaceMissingValue: true,
        replaceMissingValueWith: null,
      },
      'xab',
    ),
  ).toBeNull();
  expect(run({ type: 'stringFormat', format: '[%s]', nullHandling: 'nullString' }, null)).toBe(
    '[null]',
  );
  expect(
    run(
      {
        type: 'timeFormat',
        format: null,
        timeZone: 'UTC',
        granularity: { type: 'period', period: 'P1D', timeZone: 'UTC', originMs: null },
        asMillis: false,
      },
      '2024-03-09T10:00',
    ),
  ).toBe('2024-03-09T00:00:00.000Z');
});

test('numbers print as Java prints them and read back', () => {
  expect([539, 911526338, 1e-4, -0, Number.NaN, 1e300, 1234567.5].map(doubleText)).toEqual([
    '539.0',
    '9.11526338E8',
    '1.0E-4',
    '-0.0',
    'NaN',
    '1.0E300',
    '1234567.5',
  ]);
  expect([Math.fround(0.1), Math.fround(3e38), 2.5].map(floatText)).toEqual([
    '0.1',
    '3.0E38',
    '2.5',
  ]);
  fc.assert(
    fc.property(fc.double({ noNaN: true }), (x) => {
      expect(Number(doubleText(x))).toBe(x);
    }),
    { seed: 3 },
  );
  fc.assert(
    fc.property(fc.float({ noNaN: true }), (x) => {
      expect(Math.fround(Number(floatText(x)))).toBe(x);
    }),
    { seed: 3 },
  );
  expect(longOfText('9223372036854775808')).toBeNull();
});
