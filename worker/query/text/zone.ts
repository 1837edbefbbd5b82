// Offsets of time zones and timestamps written in them. Fed by the JSON writer, timeFormat and expressions.
// Source: druid-query-api.md 3.2.

import { Temporal } from 'temporal-polyfill';
import { Failure } from '../../../core/runtime/failure.ts';

/** No zone changes its offset inside a quarter of an hour that starts on a multiple of it. */
const QUARTER_MS = 900_000;
/** A zone rarely needs more; past this the table is rebuilt. */
const OFFSETS_MAX = 20_000;

/** Offset of a zone at instants: milliseconds to add to UTC. */
export type ZoneOffset = (ms: number) => number;

/** @throws Failure `input` QueryInvalid when the zone is unknown */
export function zoneOffset(timeZone: string): ZoneOffset {
  if (timeZone === 'UTC' || timeZone === 'Etc/UTC' || timeZone === 'Z') return () => 0;
  checkZone(timeZone);
  const offsets = new Map<number, number>();
  return (ms) => {
    const quarter = Math.floor(ms / QUARTER_MS);
    const known = offsets.get(quarter);
    if (known !== undefined) return known;
    const zoned = Temporal.Instant.fromEpochMilliseconds(Math.floor(ms)).toZonedDateTimeISO(
      timeZone,
    );
    const offset = Math.trunc(zoned.offsetNanoseconds / 1e6);
    if (offsets.size >= OFFSETS_MAX) offsets.clear();
    offsets.set(quarter, offset);
    return offset;
  };
}

function checkZone(timeZone: string): void {
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(timeZone);
  } catch {
    throw new Failure(
      'input',
      'QueryInvalid',
      `timeZone '${timeZone}': unknown; use an IANA name such as America/Los_Angeles`,
    );
  }
}

/** Prints instants as `2013-08-30T00:00:00.000-07:00`; zero offset is `Z`. */
export function timestampWriter(timeZone: string): (ms: number) => string {
  const offsetOf = zoneOffset(timeZone);
  return (ms) => {
    const offset = offsetOf(ms);
    const text = new Date(ms + offset).toISOString();
    return offset === 0 ? text : text.slice(0, -1) + offsetText(offset, ':');
  };
}

/** `+05:30` or, with an empty separator, `+0530`. */
export function offsetText(offsetMs: number, separator: string): string {
  const minutes = Math.abs(offsetMs) / 60_000;
  const pad = (n: number) => String(Math.trunc(n)).padStart(2, '0');
  return `${offsetMs < 0 ? '-' : '+'}${pad(minutes / 60)}${separator}${pad(minutes % 60)}`;
}
