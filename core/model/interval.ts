// Half-open time intervals in epoch milliseconds, and their ISO-8601 text form.
// Source: druid-query-api.md 4.1.

import { Failure } from '../runtime/failure.ts';

/** Half-open `[startMs, endMs)`, epoch milliseconds. Zero length is legal and empty. */
export interface Interval {
  readonly startMs: number;
  readonly endMs: number;
}

/** The earliest and latest instant a JavaScript Date can print; rows outside are rejected at parse time. */
export const MIN_TIME_MS = -8_640_000_000_000_000;
/** See {@link MIN_TIME_MS}. */
export const MAX_TIME_MS = 8_640_000_000_000_000;

/** Druid's ETERNITY clamped to what a Date can hold. */
export const ETERNITY: Interval = { startMs: MIN_TIME_MS, endMs: MAX_TIME_MS };

/** ISO-8601 with milliseconds and `Z`, as Druid prints instants. Years beyond 9999 print with a sign as Java does. */
export function formatInstant(ms: number): string {
  return new Date(ms).toISOString();
}

/** `start/end`, both as {@link formatInstant} prints them. */
export function formatInterval(interval: Interval): string {
  return `${formatInstant(interval.startMs)}/${formatInstant(interval.endMs)}`;
}

/** True when the two share at least one millisecond. */
export function overlaps(a: Interval, b: Interval): boolean {
  return a.startMs < b.endMs && b.startMs < a.endMs;
}

/** True when `inner` lies wholly within `outer`. */
export function contains(outer: Interval, inner: Interval): boolean {
  return outer.startMs <= inner.startMs && inner.endMs <= outer.endMs;
}

/** The common part, or undefined when they share no millisecond. */
export function intersect(a: Interval, b: Interval): Interval | undefined {
  const startMs = Math.max(a.startMs, b.startMs);
  const endMs = Math.min(a.endMs, b.endMs);
  return startMs < endMs ? { startMs, endMs } : undefined;
}

/** Sorted by start, merged where they overlap or touch; empty intervals dropped. */
export function condense(intervals: readonly Interval[]): Interval[] {
  const sorted = intervals
    .filter((i) => i.startMs < i.endMs)
    .toSorted((a, b) => a.startMs - b.startMs);
  const out: Interval[] = [];
  for (const next of sorted) {
    const last = out.at(-1);
    if (last !== undefined && next.startMs <= last.endMs) {
      out[out.length - 1] = { startMs: last.startMs, endMs: Math.max(last.endMs, next.endMs) };
    } else {
      out.push(next);
    }
  }
  return out;
}

/**
 * Reads `yyyy-MM-ddTHH:mm:ss.SSSZ/yyyy-MM-ddTHH:mm:ss.SSSZ`, the form Sluice itself writes (segment ids,
 * DataSegment JSON). Query intervals, which allow periods and partial dates, are read by worker/query.
 *
 * @throws Failure `input` IntervalInvalid
 */
export function parseInterval(text: string): Interval {
  const slash = text.indexOf('/');
  const startMs = Date.parse(text.slice(0, slash));
  const endMs = Date.parse(text.slice(slash + 1));
  if (slash < 0 || Number.isNaN(startMs) || Number.isNaN(endMs) || endMs < startMs) {
    throw new Failure(
      'input',
      'IntervalInvalid',
      `interval '${text}': expected start/end in ISO-8601, start not after end`,
    );
  }
  return { startMs, endMs };
}
