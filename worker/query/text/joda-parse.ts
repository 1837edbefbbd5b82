// Reads instants by Joda patterns: digits, month names, zones and quoted text. Fed by timestamp_parse.
// Source: druid-query-api.md 9.3.

import { Failure } from '../../../core/runtime/failure.ts';
import { localToInstant } from '../parse/instant.ts';

type Field =
  | 'year'
  | 'month'
  | 'monthName'
  | 'day'
  | 'hour'
  | 'minute'
  | 'second'
  | 'milli'
  | 'half'
  | 'zone'
  | 'skip';

const MONTH_NAMES = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ');

/** Expression and field of a letter run. */
function piece(letter: string, width: number, pattern: string): [string, Field] {
  const digits = width === 1 ? '\\d{1,9}' : `\\d{1,${Math.max(width, 2)}}`;
  switch (letter) {
    case 'y':
    case 'Y':
    case 'x':
      return [width === 1 ? '-?\\d{1,9}' : '-?\\d{1,9}', 'year'];
    case 'M':
      return width >= 3 ? ['[a-z]+', 'monthName'] : [digits, 'month'];
    case 'd':
      return [digits, 'day'];
    case 'H':
    case 'k':
    case 'h':
    case 'K':
      return [digits, 'hour'];
    case 'm':
      return [digits, 'minute'];
    case 's':
      return [digits, 'second'];
    case 'S':
      return ['\\d{1,9}', 'milli'];
    case 'a':
      return ['am|pm', 'half'];
    case 'Z':
      return ['z|[+-]\\d{2}:?\\d{2}', 'zone'];
    case 'E':
      return ['[a-z]+', 'skip'];
    default:
      throw new Failure(
        'input',
        'QueryInvalid',
        `timestamp pattern '${pattern}': letter '${letter}' is not supported`,
      );
  }
}

/**
 * Compiles a pattern; the result gives epoch milliseconds, or null for text that does not fit.
 *
 * @throws Failure `input` QueryInvalid naming the letter
 */
export function jodaParse(pattern: string, timeZone: string): (text: string) => number | null {
  const fields: Field[] = [];
  let source = '';
  for (const match of pattern.matchAll(/'([^']*)'?|([a-zA-Z])\2*|[\s\S]/g)) {
    const letter = match[2];
    if (letter === undefined)
      source += (match[1] ?? match[0]).replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
    else {
      const [expression, field] = piece(letter, match[0].length, pattern);
      source += `(${expression})`;
      fields.push(field);
    }
  }
  const regex = new RegExp(`^${source}$`, 'i');
  return (text) => {
    const match = regex.exec(text);
    return match === null ? null : instantOf(fields, match.slice(1), timeZone);
  };
}

function instantOf(
  fields: readonly Field[],
  texts: readonly string[],
  timeZone: string,
): number | null {
  const get = (field: Field): string | undefined => {
    const at = fields.indexOf(field);
    return at < 0 ? undefined : texts[at];
  };
  const name = get('monthName');
  const month =
    name === undefined
      ? Number(get('month') ?? '1')
      : MONTH_NAMES.indexOf(name.slice(0, 3).toLowerCase()) + 1;
  const day = Number(get('day') ?? '1');
  if (month < 1 || month > 12 || day < 1 || day > 31) return null;
  const half = get('half')?.toLowerCase();
  const hour = Number(get('hour') ?? '0');
  const hours = half === undefined ? hour : (hour % 12) + (half === 'pm' ? 12 : 0);
  const millis = Number((get('milli') ?? '0').padEnd(3, '0').slice(0, 3));
  const date = new Date(0);
  date.setUTCFullYear(Number(get('year') ?? '2000'), month - 1, day);
  if (date.getUTCMonth() !== month - 1) return null;
  date.setUTCHours(hours, Number(get('minute') ?? '0'), Number(get('second') ?? '0'), millis);
  const zone = get('zone');
  if (zone === undefined)
    return timeZone === 'UTC' ? date.getTime() : localToInstant(date.getTime(), timeZone);
  if (zone.toLowerCase() === 'z') return date.getTime();
  const digits = zone.replace(':', '');
  const minutes = Number(digits.slice(1, 3)) * 60 + Number(digits.slice(3));
  return date.getTime() - (zone.startsWith('-') ? -1 : 1) * minutes * 60_000;
}
