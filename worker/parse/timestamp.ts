// Event time from a field: ISO text, numbers in four units, or a Joda pattern. Fed by the row parser with a raw
// field; answers epoch milliseconds. The common form yyyy-MM-ddTHH:mm:ss[.SSS]Z is read from bytes directly.
// Source: ingestion.md 2.

import { jodaPattern } from './joda-pattern.ts';

/** The instants that can be stored: years 0000 to 9999, so that ids and versions keep a fixed width. */
export const MIN_EVENT_MS: number = Date.UTC(2000, 0, 1) - 730_485 * 86_400_000;
/** First instant that cannot be stored any more. */
export const MAX_EVENT_MS: number = Date.UTC(10000, 0, 1);

/** Reads the time of one format. NaN = not a time. */
export interface TimestampReader {
  fromText(bytes: Uint8Array, start: number, end: number): number;
  /** A JSON number, exact. */
  fromNumber(value: number): number;
}

/** Units of the numeric formats, milliseconds each. */
const UNITS: Readonly<Record<string, number>> = {
  posix: 1000,
  millis: 1,
  micro: 0.001,
  nano: 0.000001,
};

/** Builds the reader of a format. @throws Failure `config` TimestampFormatInvalid for a bad pattern */
export function timestampReader(format: string): TimestampReader {
  const unit = UNITS[format];
  if (unit !== undefined) {
    const scale = (value: number): number =>
      Math.trunc(unit >= 1 ? value * unit : value / Math.round(1 / unit));
    return { fromText: (b, s, e) => scaledInteger(textOf(b, s, e), unit), fromNumber: scale };
  }
  if (format === 'iso') return { fromText: isoFromBytes, fromNumber: () => Number.NaN };
  if (format === 'auto') {
    return {
      fromText(b, s, e) {
        const ms = isoFromBytes(b, s, e);
        return Number.isNaN(ms) ? scaledInteger(textOf(b, s, e), 1) : ms;
      },
      fromNumber: Math.trunc,
    };
  }
  const pattern = jodaPattern(format);
  return {
    fromText: (b, s, e) => pattern(textOf(b, s, e)),
    fromNumber: (value) => pattern(String(value)),
  };
}

function textOf(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
}

/** Whole numbers of any length: nanoseconds pass 2^53. */
function scaledInteger(text: string, unit: number): number {
  const trimmed = text.trim();
  if (!/^[+-]?\d{1,30}$/.test(trimmed)) return Number.NaN;
  const value = BigInt(trimmed.replace('+', ''));
  return Number(unit >= 1 ? value * BigInt(unit) : value / BigInt(Math.round(1 / unit)));
}

let lastDayKey = -1;
let lastDayMs = 0;

/** ISO-8601 with `T` or a space; the fixed-width UTC form without any allocation. */
function isoFromBytes(b: Uint8Array, start: number, end: number): number {
  const length = end - start;
  const hasMillis = length === 24;
  const isFixed =
    (length === 20 || hasMillis) &&
    b[end - 1] === 0x5a &&
    b[start + 4] === 0x2d &&
    b[start + 7] === 0x2d &&
    (b[start + 10] === 0x54 || b[start + 10] === 0x20) &&
    b[start + 13] === 0x3a &&
    b[start + 16] === 0x3a &&
    (!hasMillis || b[start + 19] === 0x2e);
  if (!isFixed) return isoFromText(textOf(b, start, end));
  const year = two(b, start) * 100 + two(b, start + 2);
  const month = two(b, start + 5);
  const day = two(b, start + 8);
  const hour = two(b, start + 11);
  const minute = two(b, start + 14);
  const second = two(b, start + 17);
  const millis = hasMillis ? two(b, start + 20) * 10 + digit(b, start + 22) : 0;
  // NaN compares false with everything, so a bad digit ends here too.
  if (!(hour < 24 && minute < 60 && second < 60 && millis >= 0)) return Number.NaN;
  const key = (year * 13 + month) * 32 + day;
  if (key !== lastDayKey) {
    const ms = dayMs(year, month, day);
    if (Number.isNaN(ms)) return ms;
    lastDayKey = key;
    lastDayMs = ms;
  }
  return lastDayMs + ((hour * 60 + minute) * 60 + second) * 1000 + millis;
}

function digit(b: Uint8Array, at: number): number {
  const d = (b[at] as number) - 0x30;
  return d >= 0 && d <= 9 ? d : Number.NaN;
}

function two(b: Uint8Array, at: number): number {
  return digit(b, at) * 10 + digit(b, at + 1);
}

/** Midnight UTC of a date, NaN when there is no such day. Years 0..99 are not shifted. */
function dayMs(year: number, month: number, day: number): number {
  if (!(month >= 1 && month <= 12 && day >= 1 && day <= 31)) return Number.NaN;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date.getUTCMonth() === month - 1 ? date.getTime() : Number.NaN;
}

const ISO =
  /^([+-]?\d{4,6})(?:-(\d{1,2})(?:-(\d{1,2}))?)?(?:[T ](\d{1,2})(?::(\d{1,2})(?::(\d{1,2})(?:[.,](\d{1,9}))?)?)?)?\s?(Z|z|UTC|[+-]\d{2}(?::?\d{2})?)?$/;

/** Any ISO-8601 date-time; missing parts are the first of the range, no zone = UTC. */
function isoFromText(text: string): number {
  const match = ISO.exec(text.trim());
  if (match === null) return Number.NaN;
  const [
    ,
    year = '',
    month = '1',
    day = '1',
    hour = '0',
    minute = '0',
    second = '0',
    fraction = '',
    zone = 'Z',
  ] = match;
  const midnight = dayMs(Number(year), Number(month), Number(day));
  const [h, m, s] = [Number(hour), Number(minute), Number(second)];
  if (h > 24 || m > 59 || s > 59 || (h === 24 && (m > 0 || s > 0))) return Number.NaN;
  const millis = fraction === '' ? 0 : Math.trunc(Number(`0.${fraction}`) * 1000 + 1e-6);
  return midnight + ((h * 60 + m) * 60 + s) * 1000 + millis - zoneMs(zone);
}

function zoneMs(zone: string): number {
  if (!/^[+-]/.test(zone)) return 0;
  const digits = zone.slice(1).replace(':', '');
  const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2) || '0');
  return (zone.startsWith('-') ? -minutes : minutes) * 60_000;
}
