// Writes instants by Joda patterns. Fed by the timeFormat extraction function and timestamp_format.
// Source: druid-query-api.md 8.

import { zoneOffset } from '../../../core/model/granularity.ts';
import { Failure } from '../../../core/runtime/failure.ts';
import { offsetText } from './zone.ts';

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const DAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];
const DAY_MS = 86_400_000;

/** Local calendar of one instant; `date` holds local time in its UTC fields. */
interface Local {
  readonly date: Date;
  readonly offsetMs: number;
  readonly timeZone: string;
}

type Part = (local: Local) => string;

/**
 * Compiles a pattern: letters `y Y x w e E d D M a K h H k m s S z Z` and quoted text. An unterminated quote
 * takes the rest literally, as Joda does.
 *
 * @throws Failure `input` QueryInvalid naming the letter
 */
export function jodaFormat(pattern: string, timeZone: string): (ms: number) => string {
  const offsetOf = zoneOffset(timeZone);
  const parts = parsePattern(pattern);
  return (ms) => {
    const offsetMs = offsetOf(ms);
    const local = { date: new Date(ms + offsetMs), offsetMs, timeZone };
    let text = '';
    for (const part of parts) text += part(local);
    return text;
  };
}

function parsePattern(pattern: string): Part[] {
  const parts: Part[] = [];
  const literal = (text: string) => parts.push(() => text);
  let i = 0;
  while (i < pattern.length) {
    const char = pattern.charAt(i);
    if (char === "'") {
      const [text, next] = quoted(pattern, i);
      literal(text);
      i = next;
    } else if (/[a-zA-Z]/.test(char)) {
      let end = i;
      while (pattern.charAt(end) === char) end++;
      parts.push(letter(char, end - i, pattern));
      i = end;
    } else {
      literal(char);
      i++;
    }
  }
  return parts;
}

/** Text of a quote at `from` and where it ends; `''` is one quote. */
function quoted(pattern: string, from: number): [string, number] {
  if (pattern.charAt(from + 1) === "'") return ["'", from + 2];
  let text = '';
  let i = from + 1;
  while (i < pattern.length) {
    if (pattern.charAt(i) !== "'") text += pattern.charAt(i++);
    else if (pattern.charAt(i + 1) === "'") {
      text += "'";
      i += 2;
    } else return [text, i + 1];
  }
  return [text, i];
}

const padded = (n: number, width: number): string =>
  n < 0 ? `-${String(-n).padStart(width, '0')}` : String(n).padStart(width, '0');

function letter(char: string, width: number, pattern: string): Part {
  const number =
    (value: (date: Date) => number): Part =>
    ({ date }) =>
      padded(value(date), width);
  const name =
    (names: readonly string[], index: (date: Date) => number): Part =>
    ({ date }) => {
      const full = names[index(date)] ?? '';
      return width >= 4 ? full : full.slice(0, 3);
    };
  switch (char) {
    case 'y':
    case 'Y':
      return year(width, (date) => date.getUTCFullYear());
    case 'x':
      return year(width, (date) => isoWeek(date).year);
    case 'w':
      return number((date) => isoWeek(date).week);
    case 'e':
      return number((date) => isoDay(date));
    case 'E':
      return name(DAYS, (date) => isoDay(date) - 1);
    case 'd':
      return number((date) => date.getUTCDate());
    case 'D':
      return number(dayOfYear);
    case 'M':
      return width >= 3
        ? name(MONTHS, (date) => date.getUTCMonth())
        : number((date) => date.getUTCMonth() + 1);
    case 'a':
      return ({ date }) => (date.getUTCHours() < 12 ? 'AM' : 'PM');
    case 'K':
      return number((date) => date.getUTCHours() % 12);
    case 'h':
      return number((date) => date.getUTCHours() % 12 || 12);
    case 'H':
      return number((date) => date.getUTCHours());
    case 'k':
      return number((date) => date.getUTCHours() || 24);
    case 'm':
      return number((date) => date.getUTCMinutes());
    case 's':
      return number((date) => date.getUTCSeconds());
    case 'S':
      return ({ date }) =>
        String(date.getUTCMilliseconds()).padStart(3, '0').padEnd(width, '0').slice(0, width);
    case 'Z':
      return ({ offsetMs, timeZone }) =>
        width >= 3 ? timeZone : offsetText(offsetMs, width === 1 ? '' : ':');
    case 'z':
      return ({ timeZone }) => timeZone;
    default:
      throw new Failure(
        'input',
        'QueryInvalid',
        `format '${pattern}': letter '${char}' is not supported`,
      );
  }
}

function year(width: number, value: (date: Date) => number): Part {
  return ({ date }) =>
    width === 2 ? padded(((value(date) % 100) + 100) % 100, 2) : padded(value(date), width);
}

/** 1 = Monday. */
export function isoDay(date: Date): number {
  return ((date.getUTCDay() + 6) % 7) + 1;
}

/** 1 = 1 January. */
export function dayOfYear(date: Date): number {
  const start = new Date(0);
  start.setUTCFullYear(date.getUTCFullYear(), 0, 1);
  return Math.floor((date.getTime() - start.getTime()) / DAY_MS) + 1;
}

/** ISO week and the year it belongs to. */
export function isoWeek(date: Date): { readonly year: number; readonly week: number } {
  const thursday = new Date(date.getTime() + (4 - isoDay(date)) * DAY_MS);
  return { year: thursday.getUTCFullYear(), week: Math.ceil(dayOfYear(thursday) / 7) };
}
