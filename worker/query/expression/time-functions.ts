// Time functions of the expression language. Calendar work is done once a bucket, not once a row: each call
// site keeps its bucketer. Source: druid-query-api.md 9.3.

import { Temporal } from 'temporal-polyfill';
import { type Bucketer, bucketer, zoneOffset } from '../../../core/model/granularity.ts';
import { Failure } from '../../../core/runtime/failure.ts';
import { instantOfText } from '../parse/instant.ts';
import { dayOfYear, isoDay, isoWeek, jodaFormat } from '../text/joda-format.ts';
import { jodaParse } from '../text/joda-parse.ts';
import { longOf, textOf, type Value } from '../value.ts';
import type { ValueFunction } from './function.ts';

const ISO_FORMAT = "yyyy-MM-dd'T'HH:mm:ss.SSSZZ";

/** The function of a name, undefined when it is none of these. Periods, units, patterns and zones must be constants. */
export function timeFunction(
  name: string,
  constants: readonly (Value | undefined)[],
): ValueFunction | undefined {
  const constant = (at: number, fallback: string): string => {
    if (at >= constants.length) return fallback;
    const value = constants[at];
    if (value === undefined)
      throw new Failure('input', 'QueryInvalid', `${name}: argument ${at + 1} must be a constant`);
    return value === null || value === '' ? fallback : (textOf(value) ?? fallback);
  };
  switch (name) {
    case 'timestamp_floor':
      return floor(periodBuckets(constant(1, ''), constant(2, ''), constant(3, 'UTC')));
    case 'timestamp_ceil':
      return ceil(periodBuckets(constant(1, ''), constant(2, ''), constant(3, 'UTC')));
    case 'timestamp_shift':
      return shift(constant(1, ''), constant(3, 'UTC'));
    case 'timestamp_extract':
      return extract(constant(1, '').toUpperCase(), constant(2, 'UTC'));
    case 'timestamp_format': {
      const isIso = constants.length < 2 || constants[1] === null;
      const format = jodaFormat(constant(1, ISO_FORMAT), constant(2, 'UTC'));
      return ([t = null]) =>
        onTime(t, (ms) => (isIso ? format(ms).replace(/\+00:00$/, 'Z') : format(ms)));
    }
    case 'timestamp_parse':
      return parse(constant(1, ''), constant(2, 'UTC'), 1n);
    case 'timestamp':
      return parse(constant(1, ''), 'UTC', 1n);
    case 'unix_timestamp':
      return parse(constant(1, ''), 'UTC', 1000n);
    default:
      return undefined;
  }
}

function onTime(value: Value, fn: (ms: number) => Value): Value {
  const long = longOf(value);
  return long === null ? null : fn(Number(long));
}

function periodBuckets(period: string, origin: string, timeZone: string): Bucketer {
  const originMs =
    origin === ''
      ? null
      : /^-?\d+$/.test(origin)
        ? Number(origin)
        : instantOfText(origin, timeZone);
  return bucketer({ type: 'period', period: period.toUpperCase(), timeZone, originMs });
}

function floor(buckets: Bucketer): ValueFunction {
  return ([t = null]) => onTime(t, (ms) => BigInt(buckets.startOf(ms)));
}

function ceil(buckets: Bucketer): ValueFunction {
  return ([t = null]) =>
    onTime(t, (ms) => {
      const bucket = buckets.bucketOf(ms);
      return BigInt(bucket.startMs === ms ? ms : bucket.endMs);
    });
}

function shift(period: string, timeZone: string): ValueFunction {
  const duration = Temporal.Duration.from(period.toUpperCase());
  return ([t = null, , step = null]) =>
    onTime(t, (ms) => {
      const times = Number(longOf(step) ?? 0n);
      let time = Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(timeZone);
      if (Math.abs(times) > 10_000)
        throw new Failure('input', 'QueryInvalid', `timestamp_shift: ${times} steps are too many`);
      const one = times < 0 ? duration.negated() : duration;
      for (let i = 0; i < Math.abs(times); i++) time = time.add(one);
      return BigInt(time.epochMilliseconds);
    });
}

/** Units of timestamp_extract, over local time held in the UTC fields of a date. */
const UNITS: Readonly<Record<string, (date: Date) => number>> = {
  MILLISECOND: (d) => d.getUTCMilliseconds(),
  SECOND: (d) => d.getUTCSeconds(),
  MINUTE: (d) => d.getUTCMinutes(),
  HOUR: (d) => d.getUTCHours(),
  DAY: (d) => d.getUTCDate(),
  DOW: isoDay,
  ISODOW: isoDay,
  DOY: dayOfYear,
  WEEK: (d) => isoWeek(d).week,
  MONTH: (d) => d.getUTCMonth() + 1,
  QUARTER: (d) => Math.floor(d.getUTCMonth() / 3) + 1,
  YEAR: (d) => d.getUTCFullYear(),
  ISOYEAR: (d) => isoWeek(d).year,
  DECADE: (d) => Math.floor(d.getUTCFullYear() / 10),
  CENTURY: (d) => Math.ceil(d.getUTCFullYear() / 100),
  MILLENNIUM: (d) => Math.ceil(d.getUTCFullYear() / 1000),
};

function extract(unit: string, timeZone: string): ValueFunction {
  if (unit === 'EPOCH') return ([t = null]) => onTime(t, (ms) => BigInt(Math.trunc(ms / 1000)));
  const value = UNITS[unit];
  if (value === undefined)
    throw new Failure(
      'input',
      'QueryInvalid',
      `timestamp_extract: unit '${unit}' is none of EPOCH, ${Object.keys(UNITS).join(', ')}`,
    );
  const offsetOf = zoneOffset(timeZone);
  return ([t = null]) => onTime(t, (ms) => BigInt(value(new Date(ms + offsetOf(ms)))));
}

function parse(pattern: string, timeZone: string, divisor: bigint): ValueFunction {
  const read =
    pattern === '' ? (text: string) => instantOfText(text, timeZone) : jodaParse(pattern, timeZone);
  return ([s = null]) => {
    if (s === null) return null;
    if (typeof s === 'bigint') return s / divisor;
    const ms = read(textOf(s) ?? '');
    return ms === null ? null : BigInt(ms) / divisor;
  };
}
