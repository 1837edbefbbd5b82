// Splits expression text into tokens. Source: druid-query-api.md 9.1.

import { Failure } from '../../../core/runtime/failure.ts';
import type { Value } from '../value.ts';

/** A token and where it starts. `column` is a quoted identifier, `word` a bare one. */
export type Token =
  | {
      readonly kind: 'literal';
      readonly value: Value;
      readonly text: string;
      readonly position: number;
    }
  | {
      readonly kind: 'column' | 'word' | 'symbol';
      readonly text: string;
      readonly position: number;
    };

const SPACE = /\s+/y;
const NUMBER = /(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y;
const WORD = /[_$a-zA-Z][_$a-zA-Z0-9]*/y;
const SYMBOL = /->|<=|>=|==|!=|&&|\|\||[-+*/%^<>!(),[\]]/y;
const QUOTED = /'((?:[^'\\]|\\[\s\S])*)'|"((?:[^"\\]|\\[\s\S])*)"/y;
const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

/** Longer expressions are refused. */
const LENGTH_MAX = 65_536;

/** @throws Failure `input` QueryInvalid with the position of what is no token */
export function lexExpression(text: string): Token[] {
  if (text.length > LENGTH_MAX) throw invalidAt(text.slice(0, 40), 'too long', LENGTH_MAX);
  const tokens: Token[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match !== null) at = pattern.lastIndex;
    return match;
  };
  while (at < text.length) {
    if (take(SPACE) !== null) continue;
    const position = at;
    const quoted = take(QUOTED);
    if (quoted !== null) {
      tokens.push(quotedToken(quoted, position));
      continue;
    }
    const number = take(NUMBER);
    if (number !== null) {
      tokens.push({ kind: 'literal', value: numberOf(number[0]), text: number[0], position });
      continue;
    }
    const word = take(WORD);
    const symbol = word === null ? take(SYMBOL) : null;
    const token = word?.[0] ?? symbol?.[0];
    if (token === undefined) throw invalidAt(text, `unexpected '${text.charAt(at)}'`, at);
    tokens.push({ kind: word === null ? 'symbol' : 'word', text: token, position });
  }
  return tokens;
}

function quotedToken(match: RegExpExecArray, position: number): Token {
  const [text, single, double] = match;
  if (double !== undefined) return { kind: 'column', text: unescape(double), position };
  return { kind: 'literal', value: unescape(single ?? ''), text, position };
}

function numberOf(text: string): Value {
  return /^\d+$/.test(text) ? BigInt.asIntN(64, BigInt(text)) : Number(text);
}

function unescape(text: string): string {
  return text.replace(
    /\\(?:u([0-9a-fA-F]{4})|([\s\S]))/g,
    (_all, hex: string | undefined, char: string | undefined) =>
      hex !== undefined
        ? String.fromCharCode(parseInt(hex, 16))
        : (ESCAPES[char ?? ''] ?? char ?? ''),
  );
}

function invalidAt(text: string, what: string, position: number): Failure {
  return new Failure(
    'input',
    'QueryInvalid',
    `expression '${text}': ${what} at position ${position}`,
  );
}
