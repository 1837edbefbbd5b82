// Granularity and period texts of a resource. Used by the rules and by compile.ts.

import {
  bucketer,
  type Granularity,
  namedGranularity,
  parsePeriod,
  periodMs,
} from '../model/granularity.ts';

/** A name or an ISO period. @throws Failure `input` PeriodInvalid, TimeZoneInvalid */
export function compileGranularity(text: string, timeZone: string): Granularity {
  const named = namedGranularity(text, timeZone);
  const granularity: Granularity = named ?? {
    type: 'period',
    period: text.toUpperCase(),
    timeZone,
    originMs: null,
  };
  if (named === undefined) parsePeriod(text);
  bucketer(granularity).bucketOf(0);
  return granularity;
}

/** Milliseconds of a period. @throws Failure `input` PeriodInvalid */
export function compilePeriodMs(text: string): number {
  return periodMs(text);
}
