// Granularities: how time is truncated at ingestion and bucketed by queries. Calendar arithmetic happens
// per boundary, never per row: callers ask for the bucket of an instant and then keep [start, end) for the
// run of rows inside it. Source: druid-query-api.md 4.2.

import { Temporal } from 'temporal-polyfill';
import { Failure } from '../runtime/failure.ts';
import { ETERNITY, type Interval } from './interval.ts';

/** A granularity in its plain, JSON-able form. */
export type Granularity =
  | { readonly type: 'all' }
  | { readonly type: 'none' }
  /** Fixed milliseconds from an origin. */
  | { readonly type: 'duration'; readonly durationMs: number; readonly originMs: number }
  /** Calendar period; `originMs` null = the default of druid-query-api.md 4.2. */
  | {
      readonly type: 'period';
      readonly period: string;
      readonly timeZone: string;
      readonly originMs: number | null;
    };

const NAMED: Readonly<Record<string, string>> = {
  second: 'PT1S',
  minute: 'PT1M',
  five_minute: 'PT5M',
  ten_minute: 'PT10M',
  fifteen_minute: 'PT15M',
  thirty_minute: 'PT30M',
  hour: 'PT1H',
  six_hour: 'PT6H',
  eight_hour: 'PT8H',
  day: 'P1D',
  week: 'P1W',
  month: 'P1M',
  quarter: 'P3M',
  year: 'P1Y',
};

/** Names accepted where a granularity is a word, `all` and `none` included. */
export const GRANULARITY_NAMES: readonly string[] = ['all', 'none', ...Object.keys(NAMED)];

/** The granularity of a name (any case); undefined when unknown. */
export function namedGranularity(name: string, timeZone = 'UTC'): Granularity | undefined {
  const lower = name.toLowerCase();
  if (lower === 'all' || lower === 'none') return { type: lower };
  const period = NAMED[lower];
  return period === undefined ? undefined : { type: 'period', period, timeZone, originMs: null };
}

/**
 * How Druid writes the granularity in segment metadata: `{"type":"none"}`, `"HOUR"`, or a period object.
 * Source: druid-segment-format.md 8.2.
 */
export function druidGranularity(granularity: Granularity): unknown {
  if (granularity.type === 'all' || granularity.type === 'none') return { type: granularity.type };
  if (granularity.type === 'duration') {
    return {
      type: 'duration',
      duration: granularity.durationMs,
      origin: new Date(granularity.originMs).toISOString(),
    };
  }
  const { period, timeZone, originMs } = granularity;
  if (timeZone === 'UTC' && originMs === null) {
    const name = Object.keys(NAMED).find((key) => NAMED[key] === period);
    if (name !== undefined) return name.toUpperCase();
  }
  return {
    type: 'period',
    period,
    timeZone,
    origin: originMs === null ? null : new Date(originMs).toISOString(),
  };
}

/** Bucket arithmetic of one granularity. */
export interface Bucketer {
  /** The bucket that holds an instant, half-open. */
  bucketOf(ms: number): Interval;
  /** Start of that bucket. Allocates nothing for fixed steps, so it may be called per row. */
  startOf(ms: number): number;
}

/**
 * Builds the arithmetic. Periods in UTC of day or less are plain division; others step through the calendar
 * of the zone (temporal-polyfill, about 8 us a call) and are meant to be called once a boundary.
 *
 * @throws Failure `input` GranularityInvalid naming the period or zone
 */
export function bucketer(granularity: Granularity): Bucketer {
  switch (granularity.type) {
    case 'all':
      return { bucketOf: () => ETERNITY, startOf: () => ETERNITY.startMs };
    case 'none':
      return { bucketOf: (ms) => ({ startMs: ms, endMs: ms + 1 }), startOf: (ms) => ms };
    case 'duration':
      return fixed(granularity.durationMs, granularity.originMs);
    case 'period':
      return periodBucketer(granularity.period, granularity.timeZone, granularity.originMs);
    default:
      throw new Failure(
        'bug',
        'AssertionFailed',
        `unknown granularity ${JSON.stringify(granularity)}`,
      );
  }
}

function fixed(stepMs: number, originMs: number): Bucketer {
  return {
    bucketOf(ms) {
      const startMs = originMs + Math.floor((ms - originMs) / stepMs) * stepMs;
      return { startMs, endMs: startMs + stepMs };
    },
    startOf: (ms) => originMs + Math.floor((ms - originMs) / stepMs) * stepMs,
  };
}

/** Reads an ISO period such as `PT10M` or `P1M`. @throws Failure `input` PeriodInvalid */
export function parsePeriod(period: string): Temporal.Duration {
  try {
    const duration = Temporal.Duration.from(period.toUpperCase());
    if (duration.sign > 0) return duration;
  } catch {
    // fall through to one message
  }
  throw new Failure(
    'input',
    'PeriodInvalid',
    `period '${period}': expected a positive ISO-8601 period such as PT10M or P1D`,
  );
}

/** Milliseconds of a period without months or years. @throws Failure `input` PeriodInvalid */
export function periodMs(period: string): number {
  const d = parsePeriod(period);
  if (d.years !== 0 || d.months !== 0) {
    throw new Failure(
      'input',
      'PeriodInvalid',
      `period '${period}': months and years have no fixed length; use days, hours, minutes or seconds`,
    );
  }
  const days = d.weeks * 7 + d.days;
  return ((days * 24 + d.hours) * 60 + d.minutes) * 60_000 + d.seconds * 1000 + d.milliseconds;
}

const DAY_MS = 86_400_000;

function periodBucketer(period: string, timeZone: string, originMs: number | null): Bucketer {
  const d = parsePeriod(period);
  const isCalendar = d.years !== 0 || d.months !== 0;
  const isSubDay = !isCalendar && d.weeks === 0 && d.days === 0;
  if (timeZone === 'UTC' && !isCalendar) {
    const stepMs = periodMs(period);
    // One week starts on Monday; other multiples count from the epoch (a Thursday).
    const defaultOrigin = d.weeks === 1 && stepMs === 7 * DAY_MS ? -3 * DAY_MS : 0;
    return fixed(stepMs, originMs ?? defaultOrigin);
  }
  const zone = zoneOf(timeZone);
  if (!isSubDay) return zonedBucketer(d, zone, originMs);
  const stepMs = periodMs(period);
  // One hour is the hour on the wall, also where an offset is no whole hour; multiples follow elapsed time.
  if (originMs === null && LOCAL_UNITS_MS.has(stepMs)) return localFixed(stepMs, zoneOffset(zone));
  return fixed(
    stepMs,
    originMs ?? Temporal.PlainDateTime.from(EPOCH).toZonedDateTime(zone).epochMilliseconds,
  );
}

const EPOCH = '1970-01-01T00:00';
/** One second, minute, hour. */
const LOCAL_UNITS_MS: ReadonlySet<number> = new Set([1000, 60_000, 3_600_000]);

function zoneOf(timeZone: string): string {
  try {
    return Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(timeZone).timeZoneId;
  } catch {
    throw new Failure(
      'input',
      'TimeZoneInvalid',
      `timeZone '${timeZone}': unknown; use an IANA name such as America/Los_Angeles`,
    );
  }
}

/** No zone changes its offset inside a quarter of an hour that starts on a multiple of it. */
const QUARTER_MS = 900_000;
/** Quarters remembered per zone; past this the table starts again. */
const OFFSETS_MAX = 20_000;

/**
 * The offset of a zone at an instant: milliseconds to add to UTC. Remembers what it computed, so it may be called
 * per value.
 *
 * @throws Failure `input` TimeZoneInvalid when the zone is unknown
 */
export function zoneOffset(timeZone: string): (ms: number) => number {
  const zone = zoneOf(timeZone);
  if (zone === 'UTC') return () => 0;
  const offsets = new Map<number, number>();
  return (ms) => {
    const quarter = Math.floor(ms / QUARTER_MS);
    const known = offsets.get(quarter);
    if (known !== undefined) return known;
    const zoned = Temporal.Instant.fromEpochMilliseconds(Math.floor(ms)).toZonedDateTimeISO(zone);
    const offset = Math.trunc(zoned.offsetNanoseconds / 1e6);
    if (offsets.size >= OFFSETS_MAX) offsets.clear();
    offsets.set(quarter, offset);
    return offset;
  };
}

/** Steps of local time. */
function localFixed(stepMs: number, offsetOf: (ms: number) => number): Bucketer {
  const startOf = (ms: number): number => {
    const offset = offsetOf(ms);
    return Math.floor((ms + offset) / stepMs) * stepMs - offset;
  };
  return {
    startOf,
    bucketOf(ms) {
      const startMs = startOf(ms);
      return { startMs, endMs: startMs + stepMs };
    },
  };
}

/** Steps of `d` from the origin in local time of the zone; sub-day parts follow elapsed time. */
function zonedBucketer(d: Temporal.Duration, timeZone: string, originMs: number | null): Bucketer {
  const zoned = (ms: number) =>
    Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(timeZone);
  const isOneWeek =
    d.weeks === 1 && d.days === 0 && d.months === 0 && d.years === 0 && d.hours === 0;
  const origin =
    originMs !== null
      ? zoned(originMs)
      : Temporal.PlainDateTime.from(isOneWeek ? '1969-12-29T00:00' : EPOCH).toZonedDateTime(
          timeZone,
        );
  const stepMs = approximateMs(d);
  const at = (n: number): number => origin.add(multiply(d, n)).epochMilliseconds;
  let lastN = 0;
  let last: Interval = { startMs: 0, endMs: 0 };
  const bucketOf = (ms: number): Interval => {
    if (ms >= last.startMs && ms < last.endMs) return last;
    // Buckets are mostly walked upwards: the next one needs one step of the calendar only.
    if (ms >= last.endMs && last.endMs > last.startMs) {
      const endMs = at(lastN + 2);
      if (ms < endMs) {
        lastN++;
        last = { startMs: last.endMs, endMs };
        return last;
      }
    }
    let n = Math.floor((ms - origin.epochMilliseconds) / stepMs);
    while (at(n) > ms) n--;
    while (at(n + 1) <= ms) n++;
    lastN = n;
    last = { startMs: at(n), endMs: at(n + 1) };
    return last;
  };
  return { bucketOf, startOf: (ms) => bucketOf(ms).startMs };
}

function approximateMs(d: Temporal.Duration): number {
  const days = d.years * 365.2425 + d.months * 30.436875 + d.weeks * 7 + d.days;
  return (
    days * DAY_MS + d.hours * 3_600_000 + d.minutes * 60_000 + d.seconds * 1000 + d.milliseconds
  );
}

function multiply(d: Temporal.Duration, n: number): Temporal.Duration {
  return Temporal.Duration.from({
    years: d.years * n,
    months: d.months * n,
    weeks: d.weeks * n,
    days: d.days * n,
    hours: d.hours * n,
    minutes: d.minutes * n,
    seconds: d.seconds * n,
    milliseconds: d.milliseconds * n,
  });
}
