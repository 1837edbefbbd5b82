import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bucketer, type Granularity, namedGranularity } from './granularity.ts';

const period = (text: string, timeZone = 'UTC', originMs: number | null = null): Granularity => ({
  type: 'period',
  period: text,
  timeZone,
  originMs,
});
const startText = (granularity: Granularity, text: string): string =>
  new Date(bucketer(granularity).startOf(Date.parse(text))).toISOString();

describe('the bucket of an instant', () => {
  test.each([
    ['P1D', 'America/Los_Angeles', '2024-03-10T09:00Z', '2024-03-10T08:00:00.000Z'],
    ['P1D', 'America/Los_Angeles', '2024-03-11T07:30Z', '2024-03-11T07:00:00.000Z'],
    ['P1W', 'UTC', '2024-03-10T23:00Z', '2024-03-04T00:00:00.000Z'],
    ['P1W', 'Europe/Berlin', '2024-03-10T23:30Z', '2024-03-10T23:00:00.000Z'],
    ['P2W', 'UTC', '2024-03-10T00:00Z', '2024-02-29T00:00:00.000Z'],
    ['P3M', 'UTC', '2024-06-30T00:00Z', '2024-04-01T00:00:00.000Z'],
    ['P1Y', 'Asia/Kolkata', '2023-12-31T19:00Z', '2023-12-31T18:30:00.000Z'],
    ['PT1H', 'Asia/Kolkata', '2024-03-10T00:45Z', '2024-03-10T00:30:00.000Z'],
    // Nepal moved from +05:30 to +05:45 in 1986: the hour on the wall counts, not the time since 1970.
    ['PT1H', 'Asia/Kathmandu', '2024-03-10T00:20Z', '2024-03-10T00:15:00.000Z'],
    ['PT6H', 'America/Los_Angeles', '2024-03-09T03:00Z', '2024-03-09T02:00:00.000Z'],
    ['P1M', 'UTC', '1969-12-31T23:59Z', '1969-12-01T00:00:00.000Z'],
  ])('%s in %s of %s', (text, zone, at, start) => {
    expect(startText(period(text, zone), at)).toBe(start);
  });

  test('an origin aligns before and after itself', () => {
    const origin = Date.parse('2013-01-01T20:30Z');
    expect(startText(period('P1D', 'UTC', origin), '2012-06-01T20:00Z')).toBe(
      '2012-05-31T20:30:00.000Z',
    );
    expect(startText(period('P1M', 'UTC', origin), '2014-06-01T20:29Z')).toBe(
      '2014-05-01T20:30:00.000Z',
    );
  });
});

test('buckets hold their instant, touch each other, and do not depend on what was asked before', () => {
  const granularities = [
    ...['P1D', 'P1W', 'P1M', 'P3M', 'P1Y', 'PT1H', 'PT6H', 'PT1H30M', 'P1M15D'].flatMap((text) =>
      ['UTC', 'America/Los_Angeles', 'Asia/Kathmandu', 'Australia/Lord_Howe'].map((zone) =>
        period(text, zone),
      ),
    ),
    period('P1D', 'Europe/Berlin', Date.UTC(1999, 4, 5, 6, 7)),
    { type: 'duration', durationMs: 7_200_000, originMs: 12_345 } as const,
  ];
  const instant = fc.integer({ min: Date.UTC(1950, 0), max: Date.UTC(2050, 0) });
  let checked = 0;
  fc.assert(
    fc.property(
      fc.constantFrom(...granularities),
      fc.array(instant, { minLength: 1, maxLength: 5 }),
      (granularity, instants) => {
        const shared = bucketer(granularity);
        for (const ms of instants) {
          const bucket = shared.bucketOf(ms);
          expect(bucket).toEqual(bucketer(granularity).bucketOf(ms));
          expect(bucket.startMs <= ms && ms < bucket.endMs).toBe(true);
          expect(shared.startOf(ms)).toBe(bucket.startMs);
          expect(shared.bucketOf(bucket.endMs).startMs).toBe(bucket.endMs);
          checked++;
        }
      },
    ),
    { numRuns: 200, seed: 5 },
  );
  expect(checked).toBeGreaterThan(200);
});

test('names in any case, unknown ones undefined', () => {
  expect(namedGranularity('FIFTEEN_minute')).toMatchObject({ period: 'PT15M' });
  expect(namedGranularity('All')).toEqual({ type: 'all' });
  expect(namedGranularity('PT1H')).toBeUndefined();
});
