// Queries with context.bySegment through a historical and a broker, judged by Druid over the same segments. What
// Druid's broker cannot read of unfinished results (sketches, pairs) it is asked without a wire.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { difference, exactJson, goldenSet, parseExactJson } from './golden-set.ts';
import { openGoldenViews } from './golden-views.ts';
import { openOracle, type Oracle, oracleMissing } from './oracle.ts';
import { goldenZips, type ServedSegments, serveSegments } from './served-segments.ts';

const missing = await oracleMissing();
const set = goldenSet('wiki');
const root = mkdtempSync(join(tmpdir(), 'by-segment-'));
let served: ServedSegments | undefined;
let oracle: Oracle | undefined;

beforeAll(async () => {
  if (missing !== undefined) return;
  const jvm = '-Xmx1g -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Doracle.noWire=true';
  [served, oracle] = await Promise.all([serveSegments(goldenZips([set])), openOracle({ jvm })]);
}, 600_000);
afterAll(async () => {
  await oracle?.close();
  await served?.close();
  rmSync(root, { recursive: true, force: true });
});

const outputs = {
  aggregations: [
    { type: 'count', name: 'n' },
    { type: 'longSum', name: 's', fieldName: 'added' },
    { type: 'doubleMean', name: 'm', fieldName: 'added' },
    { type: 'cardinality', name: 'c', fields: ['page'], round: true },
    { type: 'hyperUnique', name: 'u', fieldName: 'users', round: true },
    { type: 'longFirst', name: 'f', fieldName: 'firstAdded' },
  ],
  postAggregations: [{ type: 'expression', name: 'e', expression: 's * 2' }],
};
const none = { type: 'selector', dimension: 'language', value: 'nothing' };
const search = {
  queryType: 'search',
  searchDimensions: ['language'],
  query: { type: 'insensitive_contains', value: 'e' },
  limit: 3,
};
const QUERIES: readonly object[] = [
  { queryType: 'timeseries', ...outputs },
  { queryType: 'timeseries', granularity: 'six_hour', descending: true, limit: 2, ...outputs },
  { queryType: 'timeseries', filter: none, ...outputs },
  { queryType: 'topN', dimension: 'language', metric: 's', threshold: 2, ...outputs },
  { queryType: 'topN', dimension: 'language', metric: 'e', threshold: 2, filter: none, ...outputs },
  {
    queryType: 'groupBy',
    dimensions: ['language'],
    having: { type: 'greaterThan', aggregation: 's', value: 1e9 },
    limitSpec: { type: 'default', limit: 1, columns: ['language'] },
    ...outputs,
  },
  { queryType: 'groupBy', dimensions: [], filter: none, ...outputs },
  { queryType: 'groupBy', dimensions: ['language'], granularity: 'day', ...outputs },
  search,
  { ...search, query: { type: 'contains', value: 'nothing' } },
  { queryType: 'timeBoundary' },
  { queryType: 'timeBoundary', bound: 'maxTime' },
  { queryType: 'dataSourceMetadata' },
  { queryType: 'segmentMetadata', toInclude: { type: 'list', columns: ['language'] }, merge: true },
];

interface SegmentElement {
  readonly result: { readonly results: readonly unknown[]; readonly segment: string };
}

/** Text of a value whatever the order of its keys. */
function textOf(value: unknown): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return exactJson(value);
  return Object.entries(value)
    .map(([key, item]) => `${key}:${textOf(item)}`)
    .toSorted()
    .join();
}

/** Groups in any order: Druid leaves it open. */
function canonical(answer: unknown): readonly SegmentElement[] {
  const elements = answer as readonly SegmentElement[];
  return elements.map((element) => ({
    ...element,
    result: {
      ...element.result,
      results: element.result.results.toSorted((a, b) => (textOf(a) < textOf(b) ? -1 : 1)),
    },
  }));
}

test.skipIf(missing !== undefined)('every type of query, segment by segment', async () => {
  const stores = await openGoldenViews(set);
  const failures: string[] = [];
  let elements = 0;
  try {
    const queries = QUERIES.map((query, i) => ({
      name: String(i),
      query: {
        dataSource: set.dataSource,
        intervals: ['2000/2050'],
        granularity: 'all',
        ...query,
        context: { bySegment: true },
      },
    }));
    const file = join(root, 'queries.json');
    writeFileSync(file, exactJson({ dataSource: set.dataSource, queries }));
    const { exit, out } = (await oracle?.run(['query', ...stores.builtDirs, file])) ?? { exit: 1 };
    expect(exit, out).toBe(0);
    const answers = parseExactJson(out ?? '') as readonly { result?: unknown; error?: unknown }[];
    for (const [i, { query }] of queries.entries()) {
      for (const base of [served?.broker, served?.historical]) {
        const response = await fetch(`${base}/druid/v2`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: exactJson(query),
        });
        const text = await response.text();
        expect(response.status, text).toBe(200);
        const druid = answers[i];
        if (druid?.result === undefined) throw new Error(`Druid: ${exactJson(druid?.error)}`);
        const ours = canonical(parseExactJson(text));
        elements += ours.length;
        const theirs = canonical(druid.result);
        const named = new Set(theirs.map(({ result }) => result.segment));
        // Druid does not ask the segments that cannot hold the first or last row: we do.
        const asked = ours.filter(({ result }) => named.has(result.segment));
        const found = difference(asked, theirs, '', 1e-9);
        if (found !== undefined) failures.push(`${exactJson(query)}: ${found}`);
      }
    }
  } finally {
    stores.close();
  }
  expect(failures).toEqual([]);
  expect(elements).toBe(2 * set.segments.length * QUERIES.length);
});
