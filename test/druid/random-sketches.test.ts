// Random queries with theta, HLL and quantiles sketches, answered by Druid 33 with its sketch extension and by us: over
// the segment Druid built of the rows, over ours, and Druid over ours. Groups are small, so all must be the same.
// `SLUICE_RANDOM_SEED` repeats a run.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { messageOf } from '../../core/runtime/failure.ts';
import { answerQuery, parseQuery, UNLIMITED } from '../../worker/query/query.ts';
import { BlockCache } from '../../worker/segment/block-cache.ts';
import { openSegment, type SegmentView } from '../../worker/segment/reader.ts';
import { difference, type GoldenSpec, parseExactJson } from './golden-set.ts';
import { buildRows } from './golden-views.ts';
import { openOracle, type Oracle, oracleMissing } from './oracle.ts';
import { dataWith, SKETCHES, SPAN, START } from './random/rows.ts';
import { randomSketchQuery } from './random/sketch-queries.ts';

const missing = await oracleMissing();
const SEED = Number(process.env['SLUICE_RANDOM_SEED'] ?? 20_241_126);
const BATCHES = 5;
const QUERIES = 50;
/** A type that fewer queries than this have is not covered. */
const CASES_MIN = 20;
const ID = `random_${new Date(START).toISOString()}_${new Date(START + SPAN).toISOString()}_v1`;
const root = mkdtempSync(join(tmpdir(), 'random-sketches-'));
const cache = new BlockCache(32 * 1024 * 1024);
let oracle: Oracle | undefined;

beforeAll(async () => {
  if (missing === undefined) oracle = await openOracle({ release: '33' });
  else console.warn(missing);
}, 600_000);
afterAll(async () => {
  await oracle?.close();
  rmSync(root, { recursive: true, force: true });
});

interface OracleResult {
  readonly name: string;
  readonly result?: unknown;
  readonly error?: unknown;
}

async function run(words: readonly string[]): Promise<string> {
  const answer = await oracle?.run(words);
  expect(answer?.exit, answer?.out).toBe(0);
  return answer?.out ?? '';
}

function ours(query: object, view: SegmentView): unknown {
  const parsed = parseQuery(query);
  const pieces = [{ view, intervals: parsed.intervals }];
  return parseExactJson([...answerQuery(parsed, pieces, UNLIMITED)].join(''));
}

/**
 * HLL sketches that hold coupons, with these in order: the order in a hash table tells how they got there. Of empty
 * quantiles sketches Druid has several forms.
 */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, canonical(item)]));
  if (typeof value !== 'string') return value;
  if (/^A[gQ]MIH[\w+/]{5}A=$/.test(value)) return 'no quantiles';
  if (!/^A[gw]EH/.test(value)) return value;
  const bytes = Buffer.from(value, 'base64');
  const at = 4 * (bytes[0] ?? 0);
  const coupons = Array.from({ length: (bytes.length - at) / 4 }, (_, i) =>
    bytes.readUInt32LE(at + 4 * i),
  );
  return `${bytes.subarray(0, at).toString('hex')} ${coupons.toSorted((a, b) => a - b).join(' ')}`;
}

/** Types of aggregators and post-aggregators, and set operations, each once a query. */
function typesOf(query: object): Set<string> {
  const text = JSON.stringify(query);
  return new Set([...text.matchAll(/"(?:type|func)":"(\w+)"/g)].map(([, name = '']) => name));
}

test.skipIf(missing !== undefined)(
  'Druid and we agree on random queries with sketches',
  async () => {
    const sets = fc.sample(dataWith(SKETCHES), { seed: SEED, numRuns: BATCHES });
    const queries = fc.sample(randomSketchQuery, { seed: SEED + 1, numRuns: BATCHES * QUERIES });
    const types = new Map<string, number>();
    const differences: string[] = [];
    let compared = 0;
    for (const [batch, { spec, rows }] of sets.entries()) {
      const dir = join(root, String(batch));
      mkdirSync(dir);
      const text = rows.map((row) => JSON.stringify(row)).join('\n');
      const asked = queries.slice(batch * QUERIES, (batch + 1) * QUERIES);
      const file = (name: string): string => join(dir, name);
      writeFileSync(file('rows.ndjson'), text);
      writeFileSync(file('spec.json'), JSON.stringify(spec));
      writeFileSync(
        file('queries.json'),
        JSON.stringify(asked.map((query, i) => ({ name: String(i), query }))),
      );
      await run(['build', file('rows.ndjson'), file('spec.json'), file('druid')]);
      await buildRows(spec as unknown as GoldenSpec, Buffer.from(text), ID, file('ours'));
      const [answers = [], onOurs = []] = await Promise.all(
        ['druid', 'ours'].map(
          async (name) =>
            parseExactJson(
              await run(['query', file(name), file('queries.json')]),
            ) as OracleResult[],
        ),
      );
      const views = await Promise.all(
        ['druid', 'ours'].map((name) => openSegment(file(name), ID, { cache })),
      );
      for (const [i, query] of asked.entries()) {
        for (const type of typesOf(query)) types.set(type, (types.get(type) ?? 0) + 1);
        const druid = answers[i];
        const judge = (what: string, answer: () => unknown): void => {
          compared++;
          let found: string | undefined;
          try {
            found =
              druid?.error === undefined
                ? undefined
                : `Druid refuses ${JSON.stringify(druid.error)}`;
            found ??= difference(canonical(answer()), canonical(druid?.result), '', 1e-9);
          } catch (error) {
            found = messageOf(error);
          }
          if (found !== undefined)
            differences.push(
              `batch ${batch} query ${i} ${what}: ${found}\n    ${JSON.stringify(query)}`,
            );
        };
        views.forEach((view, k) =>
          judge(k === 0 ? "over Druid's segment" : 'over ours', () => ours(query, view)),
        );
        judge('Druid over ours', () => onOurs[i]?.result);
      }
      for (const view of views) view.close();
    }
    const coverage = [...types].toSorted(([a], [b]) => (a < b ? -1 : 1));
    console.log(
      `random sketches: seed ${SEED}, ${queries.length} queries, ${compared} comparisons, ${differences.length} differ\n` +
        `types: ${coverage.map(([type, n]) => `${type} ${n}`).join(', ')}`,
    );
    expect(differences).toEqual([]);
    expect(compared).toBe(3 * queries.length);
    expect(coverage.length).toBeGreaterThan(15);
    expect(coverage.filter(([, n]) => n < CASES_MIN)).toEqual([]);
  },
  300_000,
);
