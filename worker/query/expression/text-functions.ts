// Text functions of the expression language. Null in gives null out. Patterns given as constants are compiled
// once, others through a small cache. Source: druid-query-api.md 9.3.

import { javaRegex } from '../text/java-regex.ts';
import { likeTest, type TextTest } from '../text/text-predicate.ts';
import { longOf, longOfText, textOf, type Value } from '../value.ts';
import { boundedText, TEXT_MAX } from './bounds.ts';
import type { ValueFunction } from './function.ts';

/** A function of texts; a null argument never arrives. */
type TextFunction = (...args: string[]) => Value;

const SIMPLE: Readonly<Record<string, TextFunction>> = {
  concat: (...args) => {
    let text = '';
    for (const arg of args) text = boundedText(text + arg);
    return text;
  },
  strlen: (s = '') => BigInt(s.length),
  lower: (s = '') => s.toLowerCase(),
  upper: (s = '') => s.toUpperCase(),
  reverse: (s = '') => Array.from(s).toReversed().join(''),
  trim: (s = '', chars = ' ') => trimmed(s, chars, true, true),
  btrim: (s = '', chars = ' ') => trimmed(s, chars, true, true),
  ltrim: (s = '', chars = ' ') => trimmed(s, chars, true, false),
  rtrim: (s = '', chars = ' ') => trimmed(s, chars, false, true),
  replace: (s = '', from = '', to = '') => boundedText(s.replaceAll(from, () => to)),
  strpos: (s = '', needle = '', from = '0') => BigInt(s.indexOf(needle, Number(from))),
  contains_string: (s = '', needle = '') => (s.includes(needle) ? 1n : 0n),
  icontains_string: (s = '', needle = '') =>
    s.toLowerCase().includes(needle.toLowerCase()) ? 1n : 0n,
  substring: (s = '', index = '0', length = '-1') => substring(s, Number(index), Number(length)),
  left: (s = '', n = '0') => s.slice(0, Math.max(0, Number(n))),
  right: (s = '', n = '0') => (Number(n) <= 0 ? '' : s.slice(-Number(n))),
  repeat: (s = '', n = '0') => repeat(s, Number(n)),
  lpad: (s = '', n = '0', fill = ' ') => pad(s, Number(n), fill, true),
  rpad: (s = '', n = '0', fill = ' ') => pad(s, Number(n), fill, false),
  parse_long: (s = '', radix = '10') => parseLong(s, Number(radix)),
};

/** The function of a name, undefined when it is none of these. */
export function textFunction(
  name: string,
  constants: readonly (Value | undefined)[],
): ValueFunction | undefined {
  const fn = SIMPLE[name] ?? patternFunction(name);
  if (fn === undefined) return undefined;
  // A bad constant pattern fails here, before the first row.
  if (name !== 'like' && name.startsWith('regexp') && typeof constants[1] === 'string')
    javaRegex(constants[1]);
  return (args) => {
    const texts: string[] = [];
    for (const arg of args) {
      const text = textOf(arg);
      if (text === null) return null;
      texts.push(text);
    }
    return fn(...texts);
  };
}

function patternFunction(name: string): TextFunction | undefined {
  switch (name) {
    case 'like': {
      const tests = cached((key): TextTest =>
        likeTest(key.slice(1), key.charAt(0) === '\0' ? null : key.charAt(0)),
      );
      return (s = '', pattern = '', escape = '\0') =>
        tests(escape.charAt(0) + pattern)(s) ? 1n : 0n;
    }
    case 'regexp_like': {
      const regexes = cached(javaRegex);
      return (s = '', pattern = '') => (regexes(pattern).test(s) ? 1n : 0n);
    }
    case 'regexp_extract': {
      const regexes = cached(javaRegex);
      return (s = '', pattern = '', index = '0') =>
        regexes(pattern).exec(s)?.[Number(index)] ?? null;
    }
    case 'regexp_replace': {
      const regexes = cached((pattern) => {
        const regex = javaRegex(pattern);
        return new RegExp(regex.source, `${regex.flags}g`);
      });
      return (s = '', pattern = '', to = '') => boundedText(s.replace(regexes(pattern), to));
    }
    default:
      return undefined;
  }
}

/** Remembers a few results by text. */
function cached<T>(make: (key: string) => T): (key: string) => T {
  const known = new Map<string, T>();
  return (key) => {
    const found = known.get(key);
    if (found !== undefined) return found;
    if (known.size >= 100) known.clear();
    const made = make(key);
    known.set(key, made);
    return made;
  };
}

function trimmed(text: string, chars: string, start: boolean, end: boolean): string {
  let from = 0;
  let to = text.length;
  while (start && from < to && chars.includes(text.charAt(from))) from++;
  while (end && to > from && chars.includes(text.charAt(to - 1))) to--;
  return text.slice(from, to);
}

function substring(text: string, index: number, length: number): string {
  return length < 0 ? text.slice(index) : text.slice(index, index + length);
}

function repeat(text: string, times: number): Value {
  if (times < 1) return null;
  if (text.length * times > TEXT_MAX) return boundedText(' '.repeat(TEXT_MAX + 1));
  return text.repeat(times);
}

function pad(text: string, length: number, fill: string, atStart: boolean): Value {
  if (length < 0) return null;
  if (length > TEXT_MAX) return boundedText(' '.repeat(TEXT_MAX + 1));
  if (text.length >= length) return text.slice(0, length);
  return atStart ? text.padStart(length, fill) : text.padEnd(length, fill);
}

function parseLong(text: string, radix: number): Value {
  if (radix === 10) return longOfText(text);
  const digits = text.replace(radix === 16 ? /^0x/i : /^(?!)/, '');
  const value = Number.parseInt(digits, radix);
  return /^[+-]?[0-9a-z]+$/i.test(digits) && Number.isSafeInteger(value) ? longOf(value) : null;
}
