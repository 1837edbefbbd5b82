// The golden queries over HTTP: Druid's segments published into a deep storage, loaded by a historical, asked through
// a broker. Everything must be as Druid recorded it, the order of rows and the ids of segments included.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { closeSketches } from './close-sketches.ts';
import { comparable } from './golden-comparison.ts';
import { parseQuery } from '../../worker/query/query.ts';
import { difference, GOLDEN_SETS, goldenSet, isEstimate, parseExactJson } from './golden-set.ts';
import { goldenZips, type ServedSegments, serveSegments } from './served-segments.ts';

/** Queries that pass through the broker; fewer fail the test. */
const PASSING = 784;

/** See golden-queries.test.ts. */
const ON_PURPOSE: ReadonlySet<string> = new Set([
  'wiki groupBy order alphanumeric',
  'wiki_raw groupBy order alphanumeric',
]);

const REFUSALS = /is not supported|over the \S+ column|cannot be read; query other columns/;
const sets = GOLDEN_SETS.map(goldenSet);
let served: ServedSegments;

beforeAll(async () => {
  served = await serveSegments(goldenZips(sets));
});
afterAll(() => served.close());

function jsonOf(value: unknown): string {
  const marked = JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'bigint' ? `bigint:${item}` : item,
  );
  return marked.replace(/"bigint:(-?\d+)"/g, '$1');
}

test('every recorded answer, through historical and broker', async () => {
  const failures: string[] = [];
  let [passed, refused, differing] = [0, 0, 0];
  for (const set of sets) {
    for (const { name, query, result } of set.queries) {
      const response = await fetch(`${served.broker}/druid/v2`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: jsonOf(query),
      });
      const text = await response.text();
      if (response.status !== 200) {
        if (REFUSALS.test(text)) refused++;
        else failures.push(`${set.name} ${name}: ${response.status} ${text}`);
        continue;
      }
      const parsed = parseQuery(query);
      const theirs = comparable(parsed, result, set.name, 'broker');
      const ours = comparable(parsed, parseExactJson(text), set.name, 'broker');
      const found = difference(
        set.name === 'sketches' ? closeSketches(ours, theirs, true) : ours,
        theirs,
        '',
        isEstimate(query) ? 1e-9 : 0,
      );
      if (found === undefined) passed++;
      else if (ON_PURPOSE.has(`${set.name} ${name}`)) differing++;
      else failures.push(`${set.name} ${name}: ${found}`);
    }
  }
  console.log(
    `golden broker: ${passed} pass, ${failures.length} fail, ${refused} refused, ${differing} differ on purpose`,
  );
  expect(failures).toEqual([]);
  expect(passed).toBeGreaterThanOrEqual(PASSING);
});
