// Every recorded Druid answer, asked again of our query engine over the segments Druid wrote. A query of a type
// we refuse by name is counted as refused, as is a query of a column the reader refuses; any other difference fails. Prints a table of counts.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { afterAll, expect, test } from 'vitest';
import { formatInstant, intersect } from '../../core/model/interval.ts';
import { messageOf } from '../../core/runtime/failure.ts';
import {
  answerQuery,
  decodePartial,
  encodePartial,
  finishQuery,
  innerQuery,
  mergePartials,
  parseQuery,
  prettify,
  type Query,
  type QueryPiece,
  runToEnd,
  UNLIMITED,
} from '../../worker/query/query.ts';
import { BlockCache } from '../../worker/segment/block-cache.ts';
import { openSegment, type SegmentView } from '../../worker/segment/reader.ts';
import { unzipSegment } from '../../worker/segment/zip.ts';

const GOLDEN = fileURLToPath(new URL('golden/', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'golden-queries-'));
const opened: SegmentView[] = [];
afterAll(() => {
  for (const view of opened) view.close();
  rmSync(root, { recursive: true, force: true });
});

/** Queries of each set that pass today; the test fails when fewer do. */
const PASSING: Readonly<Record<string, number>> = {
  edge_blocks: 65,
  edge_nulls: 64,
  edge_single: 56,
  flights: 120,
  rollup: 103,
  sketches: 1,
  tutorial: 109,
  wiki: 114,
  wiki_raw: 131,
};

/**
 * Where we differ on purpose. Ordering by an order in which two values are equal ("A" and "a" in alphanumeric)
 * with a limit, Druid's merge adds up the two groups; we keep them apart, as without the limit.
 */
const ON_PURPOSE: ReadonlySet<string> = new Set([
  'wiki groupBy order alphanumeric',
  'wiki_raw groupBy order alphanumeric',
]);

interface GoldenSet {
  readonly dataSource: string;
  readonly segments: readonly string[];
  readonly queries: readonly {
    readonly name: string;
    readonly query: unknown;
    readonly result: unknown;
  }[];
}

const cache = new BlockCache(64 * 1024 * 1024);

/** Keeps integers a double cannot hold. */
function parseExact(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, context?: { source?: string }) => {
    const source = context?.source;
    const isLarge =
      typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value);
    return isLarge && source !== undefined && /^-?\d+$/.test(source) ? BigInt(source) : value;
  });
}

function readSet(name: string): GoldenSet {
  const file =
    readdirSync(join(GOLDEN, name)).find((entry) => entry.startsWith('queries.json')) ?? '';
  const bytes = readFileSync(join(GOLDEN, name, file));
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  // Fixtures written by the oracle; their shape is the README's.
  return parseExact(text) as GoldenSet;
}

async function openSet(name: string, set: GoldenSet): Promise<SegmentView[]> {
  const seen = new Map<string, number>();
  const views: SegmentView[] = [];
  for (const segment of set.segments) {
    const dir = join(root, name, segment);
    await unzipSegment(join(GOLDEN, name, segment), dir, { bytesMax: 1 << 28 });
    const probe = await openSegment(dir, 'probe', { cache });
    const { startMs, endMs } = probe.interval;
    probe.close();
    const base = `${set.dataSource}_${formatInstant(startMs)}_${formatInstant(endMs)}_v1`;
    const partition = seen.get(base) ?? 0;
    seen.set(base, partition + 1);
    const view = await openSegment(dir, partition === 0 ? base : `${base}_${partition}`, { cache });
    opened.push(view);
    views.push(view);
  }
  return views;
}

function piecesOf(query: Query, views: readonly SegmentView[]): QueryPiece[] {
  const innermost = innerQuery(query);
  const { intervals } = innermost ?? query;
  return views
    .map((view) => ({
      view,
      intervals: intervals.map((i) => intersect(i, view.interval)).filter((i) => i !== undefined),
    }))
    .filter((piece) => piece.intervals.length > 0);
}

/** The same answer the long way: a result per segment, through bytes, merged. */
function distributed(query: Query, pieces: readonly QueryPiece[]): string {
  const parts = pieces.map((piece) =>
    decodePartial(query, encodePartial(query, runToEnd(query, [piece], UNLIMITED))),
  );
  return [...finishQuery(query, mergePartials(query, parts))].join('');
}

/** The first difference, or undefined. Estimates may differ in the last digits. */
function difference(
  ours: unknown,
  theirs: unknown,
  path: string,
  tolerance: number,
): string | undefined {
  if (typeof ours === 'number' && typeof theirs === 'number') {
    const close = Math.abs(ours - theirs) <= tolerance * Math.abs(theirs);
    return ours === theirs || close ? undefined : `${path}: ${ours}, Druid ${theirs}`;
  }
  if (typeof ours !== 'object' || typeof theirs !== 'object' || ours === null || theirs === null) {
    return ours === theirs ? undefined : `${path}: ${String(ours)}, Druid ${String(theirs)}`;
  }
  const [a, b] = [new Map(Object.entries(ours)), new Map(Object.entries(theirs))];
  if (Array.isArray(ours) && a.size !== b.size)
    return `${path}: ${a.size} elements, Druid ${b.size}`;
  for (const key of new Set([...a.keys(), ...b.keys()])) {
    if (!a.has(key) || !b.has(key))
      return `${path}.${key}: ${a.has(key) ? 'Druid has none' : 'missing'}`;
    const found = difference(a.get(key), b.get(key), `${path}.${key}`, tolerance);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** 33.0.0, which made the sketches, has no `projections`. */
function forRelease(answer: unknown, name: string): unknown {
  if (name !== 'sketches' || !Array.isArray(answer)) return answer;
  return answer.map((element: unknown) => {
    if (typeof element !== 'object' || element === null || !('projections' in element))
      return element;
    const { projections: _none, ...rest } = element;
    return rest;
  });
}

const REFUSALS = /is not supported|over the \S+ column|cannot be read; query other columns/;

const sets = readdirSync(GOLDEN).filter((name) => {
  const files = name.endsWith('.md') ? [] : readdirSync(join(GOLDEN, name));
  return files.some((file) => file.startsWith('queries.json'));
});

/** Undefined when our answer is Druid's, whole, in parts and pretty. */
function check(
  name: string,
  golden: GoldenSet['queries'][number],
  views: readonly SegmentView[],
): string | undefined {
  const query = parseQuery(golden.query);
  const pieces = piecesOf(query, views);
  const text = [...answerQuery(query, pieces, UNLIMITED)].join('');
  const isEstimate =
    'aggregations' in query && /hyperUnique|cardinality/.test(JSON.stringify(query));
  const found = difference(
    forRelease(parseExact(text), name),
    golden.result,
    '',
    isEstimate ? 1e-9 : 0,
  );
  if (found !== undefined) return found;
  if (innerQuery(query) === undefined && distributed(query, pieces) !== text)
    return 'differs when merged from encoded parts';
  const pretty = [...prettify([text])].join('');
  return JSON.stringify(JSON.parse(pretty)) === JSON.stringify(JSON.parse(text))
    ? undefined
    : 'differs when pretty';
}

test.each(sets)('answers of Druid over set %s', async (name) => {
  const set = readSet(name);
  const views = await openSet(name, set);
  const failures: string[] = [];
  const refusals: string[] = [];
  let passed = 0;
  let differing = 0;
  for (const golden of set.queries) {
    let found: string | undefined;
    try {
      found = check(name, golden, views);
    } catch (error) {
      const message = messageOf(error);
      if (REFUSALS.test(message)) refusals.push(`${golden.name}: ${message}`);
      else failures.push(`${golden.name}: ${message}`);
      continue;
    }
    if (found === undefined) passed++;
    else if (ON_PURPOSE.has(`${name} ${golden.name}`)) differing++;
    else failures.push(`${golden.name}: ${found}`);
  }
  console.log(
    `golden ${name}: ${set.queries.length} queries, ${passed} pass, ${failures.length} fail, ${refusals.length} refused, ${differing} differ on purpose`,
  );
  expect(failures, refusals.join('\n')).toEqual([]);
  expect(passed).toBeGreaterThanOrEqual(PASSING[name] ?? 0);
});
