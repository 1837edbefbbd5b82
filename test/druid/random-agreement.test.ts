// Random schemas, rows and queries, answered by Druid's code and by ours: over the segment Druid built of the rows,
// over ours, and Druid over ours. Seeds and the coverage of types are printed. `SLUICE_RANDOM_SEED` repeats a run.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseInterval } from '../../core/model/interval.ts';
import { messageOf } from '../../core/runtime/failure.ts';
import { answerQuery, parseQuery, UNLIMITED } from '../../worker/query/query.ts';
import { BlockCache } from '../../worker/segment/block-cache.ts';
import { openSegment, type SegmentView } from '../../worker/segment/reader.ts';
import { comparable } from './golden-comparison.ts';
import { difference, type GoldenSpec, parseExactJson } from './golden-set.ts';
import { buildRows } from './golden-views.ts';
import { openOracle, type Oracle, oracleMissing } from './oracle.ts';
import { randomQuery } from './random/queries.ts';
import { type RandomData, randomData, SPAN, START } from './random/rows.ts';

const missing = await oracleMissing();
const DEFAULT_SEED = 20_241_127;
const SEED = Number(process.env['SLUICE_RANDOM_SEED'] ?? DEFAULT_SEED);
const BATCHES = Number(process.env['SLUICE_RANDOM_BATCHES'] ?? 25);
const QUERIES = 80;
/** A type that fewer queries than this have is not covered. */
const CASES_MIN = 20;

const ID = `random_${new Date(START).toISOString()}_${new Date(START + SPAN).toISOString()}_v1`;
const root = mkdtempSync(join(tmpdir(), 'random-agreement-'));
const cache = new BlockCache(32 * 1024 * 1024);
let oracle: Oracle | undefined;

beforeAll(async () => {
  if (missing === undefined) oracle = await openOracle();
  else console.warn(missing);
}, 600_000);
afterAll(async () => {
  await oracle?.close();
  rmSync(root, { recursive: true, force: true });
});

/** What one batch came to. */
interface Tally {
  compared: number;
  notEmpty: number;
  refusedByBoth: number;
  readonly differences: string[];
  readonly types: Map<string, number>;
}

/** Counts every `type`, `queryType`, `fn` and function name of a query once. */
function countTypes(query: object, types: Map<string, number>): void {
  const text = JSON.stringify(query);
  const found = new Set(
    [...text.matchAll(/"(?:type|queryType|fn|ordering|granularity)":"([^"]+)"/g)].map(
      ([, name = '']) => name,
    ),
  );
  for (const [, name = ''] of text.matchAll(/"expression":"(.*?)"[,}]/g))
    for (const [, fn = ''] of name.matchAll(/([a-zA-Z_]+)\(/g)) found.add(`${fn}()`);
  for (const name of found) types.set(name, (types.get(name) ?? 0) + 1);
}

interface OracleResult {
  readonly name: string;
  readonly result?: unknown;
  readonly error?: unknown;
}

async function ask(dir: string, queries: readonly object[]): Promise<readonly OracleResult[]> {
  const file = join(dir, '..', `queries-${Math.abs(hash(dir))}.json`);
  const named = queries.map((query, i) => ({ name: String(i), query }));
  writeFileSync(file, JSON.stringify(named));
  const answer = await oracle?.run(['query', dir, file]);
  expect(answer?.exit, answer?.out).toBe(0);
  return parseExactJson(answer?.out ?? '[]') as OracleResult[];
}

function hash(text: string): number {
  return Array.from(text).reduce((sum, c) => (Math.imul(sum, 31) + (c.codePointAt(0) ?? 0)) | 0, 7);
}

function ours(query: object, view: SegmentView): { result?: unknown; error?: string } {
  try {
    const parsed = parseQuery(query);
    const { dataSource } = parsed;
    const { intervals } = dataSource.type === 'query' ? dataSource.query : parsed;
    const pieces = intervals.flatMap((interval) => {
      const startMs = Math.max(interval.startMs, view.interval.startMs);
      const endMs = Math.min(interval.endMs, view.interval.endMs);
      return startMs < endMs ? [{ startMs, endMs }] : [];
    });
    const asked = pieces.length === 0 ? [] : [{ view, intervals: pieces }];
    return { result: parseExactJson([...answerQuery(parsed, asked, UNLIMITED)].join('')) };
  } catch (error) {
    return { error: messageOf(error) };
  }
}

/** No element, or one bucket with nothing in it. */
function isEmpty(result: unknown): boolean {
  if (!Array.isArray(result)) return false;
  const [first, ...others] = result as readonly { readonly result?: unknown }[];
  if (first === undefined) return true;
  const { result: inner } = first;
  return others.length === 0 && Array.isArray(inner) && inner.length === 0;
}

function judge(
  what: string,
  query: object,
  druid: OracleResult,
  mine: { readonly result?: unknown; readonly error?: unknown },
  tally: Tally,
): void {
  if (druid.error !== undefined && mine.error !== undefined) {
    tally.refusedByBoth++;
    return;
  }
  tally.compared++;
  let found: string | undefined;
  if (druid.error !== undefined) found = `Druid refuses: ${JSON.stringify(druid.error)}`;
  else if (mine.error !== undefined) found = `we refuse: ${JSON.stringify(mine.error)}`;
  else {
    if (!isEmpty(druid.result)) tally.notEmpty++;
    found = difference(
      comparable(query, mine.result, 'random', 'built'),
      comparable(query, druid.result, 'random', 'built'),
      '',
      // Java 17 prints some floats with other digits than Java 19 and we do.
      1e-7,
    );
  }
  if (found !== undefined)
    tally.differences.push(`${what}: ${found}\n    ${JSON.stringify(query)}`);
}

async function runBatch(batch: number, data: RandomData, queries: readonly object[], tally: Tally) {
  const dir = join(root, String(batch));
  mkdirSync(dir);
  const spec = data.spec as unknown as GoldenSpec;
  const rows = data.rows.map((row) => JSON.stringify(row)).join('\n');
  writeFileSync(join(dir, 'rows.ndjson'), rows);
  writeFileSync(join(dir, 'spec.json'), JSON.stringify(spec));
  const druidDir = join(dir, 'druid');
  const built = await oracle?.run([
    'build',
    join(dir, 'rows.ndjson'),
    join(dir, 'spec.json'),
    druidDir,
  ]);
  expect(built?.exit, built?.out).toBe(0);
  const ourDir = join(dir, 'ours');
  await buildRows(spec, Buffer.from(rows), ID, ourDir);
  const views = [
    await openSegment(druidDir, ID, { cache }),
    await openSegment(ourDir, ID, { cache }),
  ];
  const answers = await ask(druidDir, queries);
  const onOurs = await ask(ourDir, queries);
  for (const [i, query] of queries.entries()) {
    countTypes(query, tally.types);
    const druid = answers[i] ?? { name: '' };
    const what = `seed ${SEED} batch ${batch} query ${i}`;
    for (const [k, view] of views.entries())
      judge(
        `${what} over ${k === 0 ? "Druid's" : 'our'} segment`,
        query,
        druid,
        ours(query, view),
        tally,
      );
    judge(`${what}, Druid over our segment`, query, druid, onOurs[i] ?? { name: '' }, tally);
  }
  for (const view of views) view.close();
}

test.skipIf(missing !== undefined)(
  'Druid and we agree on random queries over random rows',
  async () => {
    const tally: Tally = {
      compared: 0,
      notEmpty: 0,
      refusedByBoth: 0,
      differences: [],
      types: new Map(),
    };
    const started = performance.now();
    const sets = fc.sample(randomData, { seed: SEED, numRuns: BATCHES });
    const queries = fc.sample(randomQuery, { seed: SEED + 1, numRuns: BATCHES * QUERIES });
    for (const [batch, data] of sets.entries())
      await runBatch(batch, data, queries.slice(batch * QUERIES, (batch + 1) * QUERIES), tally);
    const coverage = [...tally.types].toSorted(([a], [b]) => (a < b ? -1 : 1));
    console.log(
      `random agreement: seed ${SEED}, ${queries.length} queries, ${tally.compared} comparisons, ` +
        `${tally.notEmpty} not empty, ${tally.refusedByBoth} refused by both, ${tally.differences.length} differ, ` +
        `${Math.round((performance.now() - started) / 1000)} s\ntypes: ${coverage.map(([type, n]) => `${type} ${n}`).join(', ')}`,
    );
    expect(tally.differences).toEqual([]);
    expect(tally.notEmpty / tally.compared).toBeGreaterThan(0.7);
    if (SEED === DEFAULT_SEED) expect(coverage.filter(([, n]) => n < CASES_MIN)).toEqual([]);
    expect(parseInterval(String(sets[0]?.spec['interval'])).startMs).toBeGreaterThan(0);
  },
  300_000,
);
