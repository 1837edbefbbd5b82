// Offsets of time zones and timestamps written in them. Fed by the JSON writer, timeFormat and expressions.
// Source: druid-query-api.md 3.2.

import { zoneOffset } from '../../../core/model/granularity.ts';

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
