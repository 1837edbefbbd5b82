// The golden queries over HTTP: Druid's segments published into a deep storage, loaded by a historical, asked through
// a broker. Everything must be as Druid recorded it, the order of rows and the ids of segments included.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { compareGolden } from './golden-comparison.ts';
import { parseQuery } from '../../worker/query/query.ts';
import { exactJson, GOLDEN_SETS, goldenSet, parseExactJson } from './golden-set.ts';
import { goldenZips, type ServedSegments, serveSegments } from './served-segments.ts';

/** Queries of all sets. */
const QUERIES = 786;

const sets = GOLDEN_SETS.map(goldenSet);
let served: ServedSegments;

beforeAll(async () => {
  served = await serveSegments(goldenZips(sets));
});
afterAll(() => served.close());

test('every recorded answer, through historical and broker', async () => {
  const failures: string[] = [];
  let passed = 0;
  for (const set of sets) {
    for (const { name, query, result } of set.queries) {
      const response = await fetch(`${served.broker}/druid/v2`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: exactJson(query),
      });
      const text = await response.text();
      if (response.status !== 200) {
        failures.push(`${set.name} ${name}: ${response.status} ${text}`);
        continue;
      }
      const comparison = compareGolden(parseQuery(query), { query, result }, set.name, 'broker');
      const found = comparison.difference(parseExactJson(text));
      if (found === undefined) passed++;
      else failures.push(`${set.name} ${name}: ${found}`);
    }
  }
  console.log(`golden broker: ${passed} pass, ${failures.length} fail`);
  expect(failures).toEqual([]);
  expect(passed).toBe(QUERIES);
});

test('gaps in the intervals are named, as many as the query allows', async () => {
  const contextOf = async (limit: number): Promise<unknown> => {
    const response = await fetch(`${served.broker}/druid/v2`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        queryType: 'timeseries',
        dataSource: 'wiki',
        // The segments are of 9, 10 and 11 March.
        intervals: ['2024-03-08/2024-03-09T12', '2024-03-10/2024-03-14'],
        granularity: 'all',
        context: { uncoveredIntervalsLimit: limit },
      }),
    });
    expect(response.status).toBe(200);
    return JSON.parse(response.headers.get('x-druid-response-context') ?? '');
  };
  const gaps = ['2024-03-08T00:00:00.000Z/2024-03-09T00:00:00.000Z'];
  const others = ['2024-03-12T00:00:00.000Z/2024-03-14T00:00:00.000Z'];
  expect(await contextOf(0)).toEqual({});
  expect(await contextOf(1)).toEqual({
    uncoveredIntervals: gaps,
    uncoveredIntervalsOverflowed: true,
  });
  expect(await contextOf(2)).toEqual({
    uncoveredIntervals: [...gaps, ...others],
    uncoveredIntervalsOverflowed: false,
  });
});
