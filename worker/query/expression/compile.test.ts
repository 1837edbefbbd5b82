import { describe, expect, test } from 'vitest';
import type { Value } from '../value.ts';
import { compileExpression } from './compile.ts';
import { FUNCTION_NAMES } from './function-names.ts';
import { takesLambda } from './lambda-head.ts';
import { parseExpression } from './parser.ts';

const COLUMNS: Readonly<Record<string, Value>> = {
  l: 7n,
  d: 2.5,
  s: 'Hello',
  'v:B': 'odd',
  t: BigInt(Date.UTC(2024, 2, 10, 12, 34, 56, 789)),
  mv: ['a', 'b', null],
};

function evaluate(text: string): Value {
  return compileExpression(parseExpression(text), (name) => () => COLUMNS[name] ?? null)(0);
}

describe('operators', () => {
  test.each<[string, Value]>([
    ['1 + 2 * 3', 7n],
    ['-2^2', 4n],
    ['2^3^2', 512n],
    ['7 / 2', 3n],
    ['7 / 2.0', 3.5],
    ['-7 % 4', -3n],
    ['9223372036854775807 + 1', -(2n ** 63n)],
    ['l + d', 9.5],
    ['s + l', 'Hello7'],
    ['null + 1', null],
    ["'a' < 'b'", 1n],
    ["'10' < 9", 0n],
    ['null || true', null],
    ['null || 1', 1n],
    ['null && 0', 0n],
    ['null && 1', null],
    ['1 || 0 && 0', 0n],
    ['!(1 > 2)', 1n],
    ['"v:B" == \'odd\'', 1n],
    ['missing', null],
    ["'it\\'s \\u00e9'", "it's é"],
    ['NaN == NaN', 1n],
  ])('%s', (text, value) => {
    expect(evaluate(text)).toEqual(value);
  });
});

describe('functions', () => {
  test.each<[string, Value]>([
    ['if(l > 5, s, 0)', 'Hello'],
    ['nvl(missing, 3)', 3n],
    ['coalesce(missing, null, d)', 2.5],
    ["case_searched(l == 1, 'one', l == 7, 'seven', 'other')", 'seven'],
    ["case_simple(s, 'Hello', 1, 2)", 1n],
    ['isnull(missing)', 1n],
    ["cast('12x', 'LONG')", null],
    ["cast('12.7', 'LONG')", 12n],
    ["cast(l, 'DOUBLE') / 2", 3.5],
    ["CAST(l, 'STRING')", '7'],
    ["concat(s, '-', l)", 'Hello-7'],
    ['concat(s, missing)', null],
    ['substring(s, 1, 3)', 'ell'],
    ['substring(s, 1, -1)', 'ello'],
    ["strpos(s, 'l')", 2n],
    ["strpos(s, 'z')", -1n],
    ["like(s, 'H%o')", 1n],
    ["regexp_extract(s, 'H(.)l', 1)", 'e'],
    ["regexp_extract(s, 'z')", null],
    ["regexp_replace(s, '[aeiou]', '_')", 'H_ll_'],
    ["replace(s, 'l', 'L')", 'HeLLo'],
    ["lpad('5', 3, '0')", '005'],
    ['round(2.5)', 3],
    ['round(-2.5)', -3],
    ['round(1.005, 2)', 1.01],
    ['round(1234, -2)', 1200n],
    ['round(NaN)', 0],
    ['safe_divide(l, 0)', null],
    ['greatest(1, missing, 3)', 3n],
    ['max(l, d)', 7],
    ["mv_filter_only(mv, ['a'])", 'a'],
    ["array_contains(mv, ['a', 'b'])", 1n],
    ['array_length(mv)', 3n],
    ['upper(mv)', ['A', 'B', null]],
    ["timestamp_floor(t, 'P1D', null, 'America/Los_Angeles')", BigInt(Date.UTC(2024, 2, 10, 8))],
    ["timestamp_ceil(t, 'PT1H')", BigInt(Date.UTC(2024, 2, 10, 13))],
    ["timestamp_shift(t, 'P1M', -1)", BigInt(Date.UTC(2024, 1, 10, 12, 34, 56, 789))],
    ["timestamp_extract(t, 'DOW')", 7n],
    ["timestamp_extract(t, 'HOUR', 'Asia/Kolkata')", 18n],
    ['timestamp_format(t)', '2024-03-10T12:34:56.789Z'],
    ["timestamp_format(t, 'yyyy/MM/dd EEE', 'UTC')", '2024/03/10 Sun'],
    ["timestamp_parse('2024-03-10')", BigInt(Date.UTC(2024, 2, 10))],
    [
      "timestamp_parse('10/03/2024 01:02', 'dd/MM/yyyy HH:mm')",
      BigInt(Date.UTC(2024, 2, 10, 1, 2)),
    ],
    ["timestamp_parse('never')", null],
    ["unix_timestamp('1970-01-02')", 86_400n],
  ])('%s', (text, value) => {
    expect(evaluate(text)).toEqual(value);
  });

  test('every name has code behind it', () => {
    let checked = 0;
    for (const [name, [least]] of FUNCTION_NAMES) {
      // Needs the entries of a lookup; has a test of its own.
      if (name === 'lookup' || takesLambda(name)) continue;
      const args = Array.from({ length: least }, (_, i) =>
        name.startsWith('timestamp_') && i === 1
          ? name === 'timestamp_extract'
            ? "'HOUR'"
            : "'P1D'"
          : name === 'cast' && i === 1
            ? "'LONG'"
            : name === 'ipv4_match'
              ? "'10.0.0.0/8'"
              : "'1'",
      );
      expect(() => evaluate(`${name}(${args.join(',')})`), name).not.toThrow();
      checked++;
    }
    expect(checked).toBeGreaterThan(80);
  });
});

test.each([
  ['1 +', /end comes too early/],
  ['(1', /expected '\)'/],
  ['1 2', /unexpected '2'/],
  ['a = 1', /unexpected '='/],
  ['nosuch(1)', /function 'nosuch' is not supported/],
  ['strlen()', /takes 1 arguments, got 0/],
  ['map(a, b)', /function 'map' takes a lambda first/],
  ['map((x, y) -> x, a)', /has 2 parameters, 1 are given/],
  ['fold(x -> x, a, 0)', /has 1 parameters, 2 are given/],
  ['abs(x -> x)', /takes no lambda there/],
  ['x -> x', /unexpected '->'/],
  ['[x -> x]', /constants only/],
  ['<TEXT>[]', /'TEXT' is no type/],
  ['ARRAY<LONG>(1)', /expected '\['/],
  [`${'('.repeat(500)}1${')'.repeat(500)}`, /nested deeper/],
  [`${'-'.repeat(5000)}1`, /nested deeper/],
])('refuses %s', (text, message) => {
  expect(() => parseExpression(text)).toThrow(message);
});

test('a LONG divided by zero fails the query', () => {
  expect(() => evaluate('l / 0')).toThrow(/division/);
});

test.each([
  ['fold((x, a) -> concat(a, a), string_to_array(repeat("s", 20), "l"), s)', /a text of more/],
  ['fold((x, a) -> a + a, string_to_array(repeat("s", 20), "l"), s)', /a text of more/],
  ['fold((x, a) -> array_concat(a, a), string_to_array(repeat("s", 20), "l"), array(1))', /a list/],
  ['fold((x, a) -> array(a, a), string_to_array(repeat("s", 20), "l"), 1)', /a list/],
  ['fold((x, a) -> map(y -> a, array(1, 2)), string_to_array(repeat("s", 20), "l"), 1)', /a list/],
  ['array_slice(array(1), 0, 1000000)', /a list of more than 10000 values/],
  ['cartesian_map((x, y) -> x, string_to_array(repeat("s", 200), "l"), mv)', undefined],
])('%s stays small', (text, message) => {
  const source = text.replaceAll('"l"', "'l'").replaceAll('"s"', 's');
  if (message === undefined) expect(evaluate(source)).toHaveLength(401 * 3);
  else expect(() => evaluate(source)).toThrow(message);
});
