// Tests on text: LIKE patterns and search specs. Fed by filters, dimension specs and search queries.
// Source: druid-query-api.md 7.1, 7.2.

import type { SearchSpec } from '../filter-model.ts';
import { javaRegex } from './java-regex.ts';

/** A test on a non-null text. */
export type TextTest = (text: string) => boolean;

/** Anchored LIKE: `%` any run, `_` one character. Linear in the text for any pattern with one `%` run at a time. */
export function likeTest(pattern: string, escape: string | null): TextTest {
  const { tokens, prefix, isPrefixOnly } = likeTokens(pattern, escape);
  if (isPrefixOnly) return (text) => text.startsWith(prefix);
  if (tokens.every((token) => token !== ANY && token !== ONE)) return (text) => text === prefix;
  return (text) => text.startsWith(prefix) && matches(Array.from(text), tokens);
}

/** The literal start of a LIKE pattern; values outside its range need not be tested. */
export function likePrefix(pattern: string, escape: string | null): string {
  return likeTokens(pattern, escape).prefix;
}

/** `%` and `_` of a pattern. */
export const ANY = 0;
export const ONE = 1;
type Token = string | typeof ANY | typeof ONE;

/** A pattern cut into characters and wildcards, and its literal start. */
export function likeTokens(
  pattern: string,
  escape: string | null,
): { tokens: Token[]; prefix: string; isPrefixOnly: boolean } {
  const tokens: Token[] = [];
  const chars = Array.from(pattern);
  for (let i = 0; i < chars.length; i++) {
    const char = chars[i] ?? '';
    if (escape !== null && char === escape && i + 1 < chars.length) tokens.push(chars[++i] ?? '');
    else if (char === '%') tokens.push(ANY);
    else if (char === '_') tokens.push(ONE);
    else tokens.push(char);
  }
  const wild = tokens.findIndex((token) => token === ANY || token === ONE);
  const literal = wild < 0 ? tokens : tokens.slice(0, wild);
  return {
    tokens,
    prefix: literal.join(''),
    isPrefixOnly: wild >= 0 && wild === tokens.length - 1 && tokens[wild] === ANY,
  };
}

/** Greedy match that goes back to the last `%` only, so it never explodes. */
function matches(text: readonly string[], tokens: readonly Token[]): boolean {
  let t = 0;
  let p = 0;
  let star = -1;
  let mark = 0;
  while (t < text.length) {
    const token = tokens[p];
    if (token === ANY) {
      star = p++;
      mark = t;
    } else if (token === ONE || (token !== undefined && token === text[t])) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (tokens[p] === ANY) p++;
  return p === tokens.length;
}

/** @throws Failure `input` QueryInvalid for a bad regular expression */
export function searchTest(spec: SearchSpec): TextTest {
  switch (spec.type) {
    case 'all':
      return () => true;
    case 'regex': {
      const regex = javaRegex(spec.pattern);
      return (text) => regex.test(text);
    }
    case 'contains':
      return containsAll([spec.value], spec.caseSensitive);
    case 'fragment':
      return containsAll(spec.values, spec.caseSensitive);
  }
}

function containsAll(values: readonly string[], caseSensitive: boolean): TextTest {
  if (caseSensitive) return (text) => values.every((value) => text.includes(value));
  const lower = values.map((value) => value.toLowerCase());
  return (text) => {
    const lowered = text.toLowerCase();
    return lower.every((value) => lowered.includes(value));
  };
}
