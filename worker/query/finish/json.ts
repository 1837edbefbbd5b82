// JSON text of values and whole answers: 64-bit longs exact, doubles as Java prints them, and the pretty form
// of the public tutorials. Fed by the finishers. Source: druid-query-api.md 2.2, 3.2.

import type { QueryContext } from '../context.ts';
import type { Granularity } from '../../../core/model/granularity.ts';
import { timestampWriter } from '../text/zone.ts';
import { doubleText, floatText, type Value } from '../value.ts';

/** JSON of a value; `isFloat` numbers print with the digits of 32 bits. */
export function valueJson(value: Value, isFloat = false): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) return JSON.stringify(String(value));
    return isFloat ? floatText(value) : doubleText(value);
  }
  if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value).toString('base64'));
  return `[${value.map((item) => valueJson(item, isFloat)).join(',')}]`;
}

/** Writes bucket starts as an answer shows them: quoted ISO text in the granularity's zone, or milliseconds. */
export function bucketWriter(
  granularity: Granularity,
  context: QueryContext,
): (ms: number) => string {
  if (context.serializeDateTimeAsLong) return (ms) => String(ms);
  const write = timestampWriter(granularity.type === 'period' ? granularity.timeZone : 'UTC');
  // Rows of one bucket follow each other.
  let lastMs = Number.NaN;
  let lastText = '';
  return (ms) => {
    if (ms !== lastMs) {
      lastMs = ms;
      lastText = JSON.stringify(write(ms));
    }
    return lastText;
  };
}

/** Chunks of about this many characters leave the process at once. */
const CHUNK = 65_536;

/** A JSON array of the elements, in chunks. */
export function* arrayChunks(elements: Iterable<string>): Generator<string> {
  let text = '[';
  let separator = '';
  for (const element of elements) {
    text += separator + element;
    separator = ',';
    if (text.length >= CHUNK) {
      yield text;
      text = '';
    }
  }
  yield `${text}]`;
}

/**
 * Compact JSON chunks to Jackson's pretty form: `[ {`, two spaces per object level, `"key" : value`.
 * Strings may be split between chunks.
 */
export function* prettify(chunks: Iterable<string>): Generator<string> {
  const printer = new PrettyPrinter();
  for (const chunk of chunks) {
    const text = printer.add(chunk);
    if (text !== '') yield text;
  }
}

class PrettyPrinter {
  private depth = 0;
  private inString = false;
  private isEscaped = false;
  /** An opening bracket whose first content decides how it prints. */
  private opened = '';
  private readonly stack: string[] = [];

  add(chunk: string): string {
    let out = '';
    for (const char of chunk) out += this.inString ? this.insideString(char) : this.outside(char);
    return out;
  }

  private insideString(char: string): string {
    if (this.isEscaped) this.isEscaped = false;
    else if (char === '\\') this.isEscaped = true;
    else if (char === '"') this.inString = false;
    return char;
  }

  private outside(char: string): string {
    if (char === '}' || char === ']') return this.close(char);
    const lead = this.opened === '' ? '' : this.opened === '{' ? this.newline() : ' ';
    this.opened = '';
    if (char === '{' || char === '[') {
      this.stack.push(char);
      this.opened = char;
      if (char === '{') this.depth++;
      return lead + char;
    }
    if (char === ',') return this.stack.at(-1) === '{' ? `,${this.newline()}` : ', ';
    if (char === ':') return ' : ';
    if (char === '"') this.inString = true;
    return lead + char;
  }

  private close(char: string): string {
    const isEmpty = this.opened !== '';
    this.opened = '';
    this.stack.pop();
    if (char === ']') return ' ]';
    this.depth--;
    return isEmpty ? ' }' : `${this.newline()}}`;
  }

  private newline(): string {
    return `\n${'  '.repeat(this.depth)}`;
  }
}
