// Joda date patterns compiled to one regular expression and a small calculation. Fed by the timestamp reader;
// used once a row at most, on text. Letters: y Y M d D H k K h a m s S Z z E and quoted text.

import { Failure } from '../../core/runtime/failure.ts';

const MONTHS = [
  'january',
  'february',
  'march',
  'april',
  'may',
  'june',
  'july',
  'august',
  'september',
  'october',
  'november',
  'december',
];

type Part =
  | 'year'
  | 'month'
  | 'monthName'
  | 'day'
  | 'dayOfYear'
  | 'hour'
  | 'hour12'
  | 'half'
  | 'minute'
  | 'second'
  | 'fraction'
  | 'zone'
  | 'skip';

/** Pattern letter and run length -> regular expression and meaning. */
function piece(letter: string, length: number): readonly [string, Part] | undefined {
  switch (letter) {
    case 'y':
    case 'Y':
      return length === 2 ? ['(\\d{2})', 'year'] : ['([+-]?\\d{1,6}?)', 'year'];
    case 'M':
      return length >= 3 ? ['([A-Za-z]{3,9})', 'monthName'] : ['(\\d{1,2})', 'month'];
    case 'd':
      return ['(\\d{1,2})', 'day'];
    case 'D':
      return ['(\\d{1,3})', 'dayOfYear'];
    case 'H':
    case 'k':
      return ['(\\d{1,2})', 'hour'];
    case 'h':
    case 'K':
      return ['(\\d{1,2})', 'hour12'];
    case 'a':
      return ['([AaPp][Mm])', 'half'];
    case 'm':
      return ['(\\d{1,2})', 'minute'];
    case 's':
      return ['(\\d{1,2})', 'second'];
    case 'S':
      return [`(\\d{1,${Math.max(9, length)}})`, 'fraction'];
    case 'Z':
      return ['(Z|[+-]\\d{2}:?\\d{2})', 'zone'];
    case 'z':
      return ['(UTC|GMT|Z)', 'zone'];
    case 'E':
      return ['([A-Za-z]{3,9})', 'skip'];
    default:
      return undefined;
  }
}

/**
 * Compiles a pattern. The result maps text to epoch ms, NaN when it does not fit; no zone = UTC.
 *
 * @throws Failure `config` TimestampFormatInvalid naming the letter
 */
export function jodaPattern(pattern: string): (text: string) => number {
  const parts: Part[] = [];
  let source = '';
  for (const token of pattern.match(/'(?:[^']|'')*'|([A-Za-z])\1*|[^A-Za-z']+|'/g) ?? []) {
    const first = token.charAt(0);
    if (/[A-Za-z]/.test(first)) {
      const found = piece(first, token.length);
      if (found === undefined) {
        throw new Failure(
          'config',
          'TimestampFormatInvalid',
          `spec.schema.timestamp.format '${pattern}': letter '${first}' is not supported; use y M d H h a m s S Z, or one of auto, iso, posix, millis, micro, nano`,
        );
      }
      source += numericWidth(found[0], first, token.length, pattern);
      parts.push(found[1]);
    } else {
      const literal =
        first === "'" ? (token === "''" ? "'" : token.slice(1, -1).replaceAll("''", "'")) : token;
      source += literal.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
    }
  }
  const expression = new RegExp(`^${source}$`);
  return (text) => {
    const match = expression.exec(text.trim());
    return match === null ? Number.NaN : instantOf(parts, match);
  };
}

/** Adjacent numeric fields (yyyyMMdd) have exactly their width, as in Joda. */
function numericWidth(expression: string, letter: string, length: number, pattern: string): string {
  const isPacked = new RegExp(`${letter}{${length}}[yMdHhmsS]|[yMdHhmsS]${letter}{${length}}`).test(
    pattern.replaceAll(new RegExp(`${letter}{${length + 1},}`, 'g'), ''),
  );
  const isNumeric = expression.includes('\\d') && letter !== 'Z' && letter !== 'S';
  return isPacked && isNumeric && length > 1 ? `(\\d{${length}})` : expression;
}

function instantOf(parts: readonly Part[], match: RegExpExecArray): number {
  const value: Record<string, string> = {};
  parts.forEach((part, i) => {
    value[part] = match[i + 1] ?? '';
  });
  const year = yearOf(value['year'] ?? '1970');
  const month =
    value['monthName'] === undefined ? Number(value['month'] ?? '1') : monthOf(value['monthName']);
  const day = Number(value['day'] ?? '1');
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (!(month >= 1 && month <= 12) || date.getUTCMonth() !== month - 1) return Number.NaN;
  if (value['dayOfYear'] !== undefined) date.setUTCFullYear(year, 0, Number(value['dayOfYear']));
  const hour = hourOf(value);
  const minute = Number(value['minute'] ?? '0');
  const second = Number(value['second'] ?? '0');
  if (!(hour < 25 && minute < 60 && second < 60)) return Number.NaN;
  const millis =
    value['fraction'] === undefined
      ? 0
      : Math.trunc(Number(`0.${value['fraction']}`) * 1000 + 1e-6);
  return (
    date.getTime() +
    ((hour * 60 + minute) * 60 + second) * 1000 +
    millis -
    offsetMs(value['zone'] ?? 'Z')
  );
}

function yearOf(text: string): number {
  const year = Number(text);
  if (text.length !== 2) return year;
  // Joda's pivot: two digits mean the year within 50 years around 2000.
  return year < 50 ? 2000 + year : 1900 + year;
}

function monthOf(name: string): number {
  return (
    MONTHS.findIndex(
      (month) => month === name.toLowerCase() || month.slice(0, 3) === name.toLowerCase(),
    ) + 1
  );
}

function hourOf(value: Readonly<Record<string, string>>): number {
  if (value['hour12'] === undefined) return Number(value['hour'] ?? '0') % 24;
  const hour = Number(value['hour12']) % 12;
  return /p/i.test(value['half'] ?? 'am') ? hour + 12 : hour;
}

function offsetMs(zone: string): number {
  if (!/^[+-]/.test(zone)) return 0;
  const digits = zone.slice(1).replace(':', '');
  const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2));
  return (zone.startsWith('-') ? -minutes : minutes) * 60_000;
}
