// Java regular expressions translated to JavaScript ones. Fed by regex filters, extraction functions and
// expressions. What cannot be translated is refused. Source: druid-query-api.md 7.1.

import { Failure } from '../../../core/runtime/failure.ts';
import { canExplode, isLinear, turnOnLinearEngine } from './regex-risk.ts';

/** Longer patterns are refused: they are never written by hand. */
const PATTERN_MAX = 4096;

/** POSIX classes of Java, inside brackets. */
const POSIX: Readonly<Record<string, string>> = {
  Lower: 'a-z',
  Upper: 'A-Z',
  ASCII: '\\x00-\\x7f',
  Alpha: 'a-zA-Z',
  Digit: '0-9',
  Alnum: 'a-zA-Z0-9',
  Punct: '!-\\/:-@\\[-`{-~',
  Graph: '!-~',
  Print: ' -~',
  Blank: ' \\t',
  Cntrl: '\\x00-\\x1f\\x7f',
  XDigit: '0-9a-fA-F',
  Space: ' \\t\\n\\x0b\\f\\r',
  IsAlphabetic: '\\p{Alphabetic}',
  IsLetter: '\\p{L}',
  IsDigit: '\\p{Nd}',
  IsLatin: '\\p{Script=Latin}',
};

function cannot(pattern: string, what: string): Failure {
  return new Failure('input', 'QueryInvalid', `regular expression '${pattern}': ${what}`);
}

/**
 * Compiles a Java pattern. The result has no `g` flag, so `test` finds anywhere and keeps no state.
 *
 * @param whole  the pattern must match the whole text, as Java's `matches` does
 * @throws Failure `input` QueryInvalid for syntax errors and for what has no JavaScript form
 */
export function javaRegex(pattern: string, whole = false): RegExp {
  if (pattern.length > PATTERN_MAX)
    throw cannot(`${pattern.slice(0, 40)}...`, `longer than ${PATTERN_MAX} characters`);
  const { source: found, flags } = translate(pattern);
  const edge = flags.includes('m') ? ['(?<![\\s\\S])', '(?![\\s\\S])'] : ['^', '$'];
  const source = whole ? `${edge[0]}(?:${found})${edge[1]}` : found;
  if (canExplode(source)) {
    if (!isLinear(source, flags)) {
      throw cannot(
        pattern,
        'a repeated group repeats or chooses inside, which can take forever together with look-around, properties or (?i); rewrite it',
      );
    }
    turnOnLinearEngine();
    return compiled(source, [flags]) ?? fail(pattern);
  }
  return compiled(source, [`${flags}u`, flags]) ?? fail(pattern);
}

function fail(pattern: string): never {
  throw cannot(pattern, 'not a valid expression');
}

/** JavaScript's unicode mode refuses some needless escapes; the plain mode takes them. */
function compiled(source: string, flagSets: readonly string[]): RegExp | undefined {
  for (const flags of flagSets) {
    try {
      return new RegExp(source, flags);
    } catch {
      // The next mode may take it.
    }
  }
  return undefined;
}

function translate(pattern: string): { source: string; flags: string } {
  let flags = '';
  let rest = pattern;
  const inline = /^\(\?([imsux]+)\)/.exec(rest);
  if (inline !== null) {
    const wanted = inline[1] ?? '';
    if (wanted.includes('x')) throw cannot(pattern, 'the comments flag (?x) is not supported');
    flags = ['i', 'm', 's'].filter((flag) => wanted.includes(flag)).join('');
    rest = rest.slice(inline[0].length);
  }
  let source = '';
  let inClass = false;
  /** The text before ends in a quantifier, so that a plus would make it possessive. */
  let isQuantified = false;
  let i = 0;
  while (i < rest.length) {
    const char = rest.charAt(i);
    if (char === '\\') {
      const [text, next] = escape(rest, i, inClass, pattern);
      source += text;
      i = next;
      isQuantified = false;
      continue;
    }
    refuseJavaOnly(rest, i, inClass, isQuantified, pattern);
    isQuantified = !inClass && /[*+?}]/.test(char) && !rest.startsWith('(?', i - 1);
    if (char === '[') inClass = true;
    if (char === ']') inClass = false;
    source += char;
    i++;
  }
  return { source, flags };
}

/** Throws for what JavaScript would read otherwise, or not at all. */
function refuseJavaOnly(
  text: string,
  at: number,
  inClass: boolean,
  isQuantified: boolean,
  pattern: string,
): void {
  const char = text.charAt(at);
  if (inClass) {
    if (text.startsWith('&&', at)) throw cannot(pattern, 'class intersection && is not supported');
    if (char === '[') throw cannot(pattern, 'nested classes are not supported; escape the bracket');
    return;
  }
  if (char === '+' && isQuantified)
    throw cannot(pattern, 'possessive quantifiers are not supported');
  if (text.startsWith('(?>', at)) throw cannot(pattern, 'atomic groups are not supported');
}

function escape(text: string, at: number, inClass: boolean, pattern: string): [string, number] {
  const char = text.charAt(at + 1);
  const wrap = (body: string): string => (inClass ? body : `[${body}]`);
  switch (char) {
    case 'Q': {
      const end = text.indexOf('\\E', at + 2);
      const literal = text.slice(at + 2, end < 0 ? text.length : end);
      return [literal.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'), end < 0 ? text.length : end + 2];
    }
    case 'h':
      return [wrap(' \\t\\xa0\\u1680\\u180e\\u2000-\\u200a\\u202f\\u205f\\u3000'), at + 2];
    case 'R':
      return ['(?:\\r\\n|[\\n\\x0b\\f\\r\\x85\\u2028\\u2029])', at + 2];
    case 'A':
      return ['(?<![\\s\\S])', at + 2];
    case 'z':
      return ['(?![\\s\\S])', at + 2];
    case 'Z':
      return ['(?=\\n?(?![\\s\\S]))', at + 2];
    case 'a':
      return ['\\x07', at + 2];
    case 'e':
      return ['\\x1b', at + 2];
    case 'G':
    case 'X':
      throw cannot(pattern, `\\${char} is not supported`);
    case 'p':
    case 'P':
      return property(text, at, inClass, pattern);
    default:
      return [text.slice(at, at + 2), at + 2];
  }
}

function property(text: string, at: number, inClass: boolean, pattern: string): [string, number] {
  const negated = text.charAt(at + 1) === 'P';
  const match = /^\{(\w+)\}|^(\w)/.exec(text.slice(at + 2));
  const name = match?.[1] ?? match?.[2];
  if (match === null || name === undefined) throw cannot(pattern, 'a property name is missing');
  const next = at + 2 + match[0].length;
  const posix = POSIX[name];
  if (posix === undefined) return [`\\${negated ? 'P' : 'p'}{${name.replace(/^Is/, '')}}`, next];
  if (negated && inClass) throw cannot(pattern, `\\P{${name}} inside a class is not supported`);
  return [inClass ? posix : `[${negated ? '^' : ''}${posix}]`, next];
}
