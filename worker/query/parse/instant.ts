// Instants and intervals as queries write them: partial dates, offsets, periods on either side. Fed by
// `intervals`, granularity origins and expressions. Source: druid-query-api.md 4.1.

import { Temporal } from 'temporal-polyfill';
import { parsePeriod } from '../../../core/model/granularity.ts';
import {
  condense,
  ETERNITY,
  type Interval,
  MAX_TIME_MS,
  MIN_TIME_MS,
} from '../../../core/model/interval.ts';
import { Failure } from '../../../core/runtime/failure.ts';
import { fieldsOf, invalid, isRecord, scalarText } from './fields.ts';
import type { SegmentDescriptor } from '../model.ts';

const INSTANT =
  /^([+-]?\d{1,9})(?:-(\d{1,2})(?:-(\d{1,2}))?|-W(\d{1,2})(?:-(\d))?)?(?:[T ](?:(\d{1,2})(?::?(\d{2})(?::?(\d{2})(?:[.,](\d{1,9}))?)?)?)?)?(Z|[+-]\d{2}(?::?\d{2})?)?$/i;

/**
 * Epoch milliseconds of ISO-8601 text at any precision, clamped to what a Date can hold; null when it is none.
 * No offset = `timeZone`, an IANA name.
 */
export function instantOfText(text: string, timeZone = 'UTC'): number | null {
  const match = INSTANT.exec(text.trim());
  if (match === null) return null;
  const year = Number(match[1]);
  if (year < -271_000) return MIN_TIME_MS;
  if (year > 275_000) return MAX_TIME_MS;
  const numbers = match.slice(2, 9).map((part) => (part === undefined ? undefined : Number(part)));
  const [month = 1, day = 1, week, weekday = 1, hour = 0, minute = 0, second = 0] = numbers;
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return null;
  if (hour > 24 || minute > 59 || second > 59) return null;
  const millis = Number((match[9] ?? '').padEnd(3, '0').slice(0, 3));
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (week !== undefined)
    date.setTime(weekStart(year) + ((week - 1) * 7 + weekday - 1) * 86_400_000);
  const local = date.getTime() + ((hour * 60 + minute) * 60 + second) * 1000 + millis;
  const offset = match[10];
  if (offset === undefined) return timeZone === 'UTC' ? local : localToInstant(local, timeZone);
  return local - offsetMs(offset);
}

function daysInMonth(year: number, month: number): number {
  const end = new Date(0);
  end.setUTCFullYear(year, month, 0);
  return end.getUTCDate();
}

/** Monday of ISO week 1. */
function weekStart(year: number): number {
  const date = new Date(0);
  date.setUTCFullYear(year, 0, 4);
  return date.getTime() - ((date.getUTCDay() + 6) % 7) * 86_400_000;
}

function offsetMs(offset: string): number {
  if (offset.toUpperCase() === 'Z') return 0;
  const digits = offset.slice(1).replace(':', '');
  const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2) || '0');
  return (offset.startsWith('-') ? -1 : 1) * minutes * 60_000;
}

/** The instant at which clocks of the zone show `localMs`. */
export function localToInstant(localMs: number, timeZone: string): number {
  return Temporal.Instant.fromEpochMilliseconds(localMs)
    .toZonedDateTimeISO('UTC')
    .toPlainDateTime()
    .toZonedDateTime(timeZone).epochMilliseconds;
}

/** `start/end`, `start/period` or `period/end`. @throws Failure `input` QueryInvalid */
export function intervalOfText(text: string): Interval {
  const [from = '', to = '', ...rest] = text.split('/');
  const isPeriod = (part: string) => /^p/i.test(part);
  if (rest.length > 0 || from === '' || to === '' || (isPeriod(from) && isPeriod(to))) {
    throw invalid(`interval '${text}': expected start/end, start/period or period/end in ISO-8601`);
  }
  const startMs = isPeriod(from) ? shifted(bound(to, text), from, -1) : bound(from, text);
  const endMs = isPeriod(to) ? shifted(startMs, to, 1) : bound(to, text);
  if (endMs < startMs) throw invalid(`interval '${text}': the end lies before the start`);
  return { startMs, endMs };
}

function bound(part: string, text: string): number {
  const ms = instantOfText(part);
  if (ms === null) throw invalid(`interval '${text}': '${part}' is no ISO-8601 date`);
  return ms;
}

function shifted(ms: number, period: string, sign: 1 | -1): number {
  const duration = parsePeriod(period);
  const start = Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO('UTC');
  return (sign > 0 ? start.add(duration) : start.subtract(duration)).epochMilliseconds;
}

/** What a query's `intervals` say. `named` is false when there were none. */
interface QueryIntervals {
  readonly intervals: readonly Interval[];
  readonly segments: readonly SegmentDescriptor[] | null;
  readonly named: boolean;
}

/**
 * All five forms of `intervals`; absent = eternity.
 *
 * @throws Failure `input` QueryInvalid naming the text
 */
export function parseIntervals(value: unknown, path = 'intervals'): QueryIntervals {
  if (value === null || value === undefined)
    return { intervals: [ETERNITY], segments: null, named: false };
  if (isRecord(value)) return parseSpec(value, path);
  const items: readonly unknown[] = Array.isArray(value) ? value : [value];
  const intervals = items.flatMap((item) => {
    const text = scalarText(item);
    if (text === null) throw invalid(`${path}: expected interval texts`);
    return text.split(',').map((part) => readInterval(part.trim()));
  });
  return { intervals: condenseKeepingEmpty(intervals), segments: null, named: true };
}

function readInterval(text: string): Interval {
  try {
    return intervalOfText(text);
  } catch (error) {
    if (error instanceof Failure && error.code === 'QueryInvalid') throw error;
    throw invalid(`interval '${text}': ${error instanceof Error ? error.message : ''}`);
  }
}

/** A query of only empty intervals keeps one, so that its start can be printed. */
function condenseKeepingEmpty(intervals: readonly Interval[]): readonly Interval[] {
  const condensed = condense(intervals);
  return condensed.length > 0 ? condensed : intervals.slice(0, 1);
}

function parseSpec(value: Readonly<Record<string, unknown>>, path: string): QueryIntervals {
  const fields = fieldsOf(value, path);
  const type = fields.type('QuerySegmentSpec');
  if (type === 'intervals')
    return parseIntervals(fields.raw('intervals') ?? [], fields.at('intervals'));
  if (type !== 'segments')
    throw invalid(
      `${path}: Could not resolve type id '${type}' as a subtype of \`QuerySegmentSpec\``,
    );
  const segments = fields.list('segments').map((item, i) => {
    const segment = fieldsOf(item, `${path}.segments[${i}]`);
    return {
      interval: readInterval(segment.text('itvl')),
      version: segment.text('ver'),
      partition: segment.integer('part', 0, 0),
    };
  });
  return {
    intervals: condenseKeepingEmpty(segments.map((s) => s.interval)),
    segments,
    named: true,
  };
}
