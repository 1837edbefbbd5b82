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
