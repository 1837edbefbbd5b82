// Queries side by side: Druid's engine in process and ours, over the same segment of ours, one core each, no cache of
// results. Prints rows/s and the ratio of each query kind. Warm: block caches and compilers have seen the query before.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openOracle, oracleMissing } from '../test/druid/oracle.ts';
import { IncrementalIndex } from '../worker/index/incremental-index.ts';
import { indexView } from '../worker/index/index-view.ts';
import { RowParser } from '../worker/parse/row-parser.ts';
import { answerQuery, parseQuery, UNLIMITED } from '../worker/query/query.ts';
import { metadataOf, timestampSpecOf } from '../worker/roles/ingest/segment-metadata.ts';
import { BlockCache } from '../worker/segment/block-cache.ts';
import { buildSegment } from '../worker/segment/build.ts';
import { openSegment, type SegmentView } from '../worker/segment/reader.ts';
import type { BenchParams } from './params.ts';
import { medianOf } from './report.ts';
import { benchSchema } from './schema.ts';
import { DIMENSIONS, rowBlock, START_MS } from './wikipedia-rows.ts';

const DAY = { startMs: START_MS, endMs: START_MS + 86_400_000 };
/** Rows indexed at once; several pieces are merged into the segment. */
const PIECE_ROWS = 500_000;
const CACHE_BYTES = 1024 * 1024 * 1024;

const SUM = [{ type: 'longSum', name: 'sum', fieldName: 'added' }];
const COMMON = { dataSource: 'ds', intervals: '2024-01-01/2024-01-02', granularity: 'all' };
const GROUP = { ...COMMON, queryType: 'groupBy', aggregations: SUM };
const TOP_N = { ...COMMON, queryType: 'topN', aggregations: SUM, metric: 'sum', threshold: 100 };

/** Name, the ratio of rows/s that is asked for, query. */
const QUERIES: readonly (readonly [string, number, object])[] = [
  ['timeseries sum', 1, { ...COMMON, queryType: 'timeseries', aggregations: SUM }],
  [
    'timeseries filtered',
    1,
    {
      ...COMMON,
      queryType: 'timeseries',
      aggregations: SUM,
      filter: { type: 'in', dimension: 'language', values: ['lang-1', 'lang-3'] },
    },
  ],
  [
    'timeseries like',
    1,
    {
      ...COMMON,
      queryType: 'timeseries',
      aggregations: SUM,
      filter: { type: 'like', dimension: 'page', pattern: '%7%' },
    },
  ],
  ['topN few values', 3, { ...TOP_N, dimension: 'language' }],
  ['topN many values', 3, { ...TOP_N, dimension: 'page' }],
  ['groupBy two dimensions', 3, { ...GROUP, dimensions: ['language', 'namespace'] }],
  [
    'groupBy many values',
    3,
    {
      ...GROUP,
      dimensions: ['user'],
      limitSpec: {
        type: 'default',
        limit: 100,
        columns: [{ dimension: 'sum', direction: 'descending', dimensionOrder: 'numeric' }],
      },
    },
  ],
  [
    'scan limit',
    1,
    {
      dataSource: 'ds',
      intervals: COMMON.intervals,
      queryType: 'scan',
      limit: 1000,
      columns: ['__time', 'page', 'user', 'added'],
    },
  ],
];

/** A measured query kind. */
export interface QueryResult {
  readonly name: string;
  readonly floor: number;
  /** Medians, ms. Druid's is absent without Java and Maven. */
  readonly ourMs: number;
  readonly druidMs: number | undefined;
  /** Druid's time to ours. */
  readonly ratio: number | undefined;
  readonly answerBytes: number;
}

/** What a run came to. */
export interface QueryReport {
  readonly rows: number;
  readonly results: readonly QueryResult[];
}

async function makeSegment(root: string, { rows, seed }: BenchParams): Promise<string> {
  const schema = benchSchema(DIMENSIONS);
  const cache = new BlockCache(64 * 1024 * 1024);
  const common = {
    interval: DAY,
    dimensions: schema.dimensions,
    metrics: schema.metrics,
    rollup: schema.rollup,
    queryGranularity: schema.queryGranularity,
    indexSpec: schema.indexSpec,
    timestampSpec: timestampSpecOf(schema),
  };
  const pieces: SegmentView[] = [];
  for (let from = 0; from < rows; from += PIECE_ROWS) {
    const block = rowBlock({ seed: seed + from, rows: Math.min(PIECE_ROWS, rows - from) });
    const parser = new RowParser(schema);
    const index = new IncrementalIndex(schema, DAY);
    parser.setBytes(block.bytes);
    for (let i = 0; i + 1 < block.starts.length; i++) {
      if (parser.readTime(block.starts[i] ?? 0, block.starts[i + 1] ?? 0) !== 0)
        throw new Error(`row ${from + i} cannot be parsed`);
      parser.readFields();
      index.add(parser.fields, parser.dimensionNames);
    }
    const outDir = join(root, `piece-${from}`);
    const view = indexView(index.data('piece'), metadataOf(schema));
    await buildSegment({ ...common, views: [view], outDir });
    pieces.push(await openSegment(outDir, 'piece', { cache }));
  }
  const outDir = join(root, 'segment');
  await buildSegment({ ...common, views: pieces, outDir });
  for (const piece of pieces) piece.close();
  return outDir;
}

function measure(view: SegmentView, body: object, rounds: number): { ms: number; bytes: number } {
  const times: number[] = [];
  let bytes = 0;
  for (let round = 0; round < rounds + 3; round++) {
    const query = parseQuery(body);
    const begunMs = performance.now();
    const text = [...answerQuery(query, [{ view, intervals: [DAY] }], UNLIMITED)].join('');
    if (round >= 3) times.push(performance.now() - begunMs);
    bytes = text.length;
  }
  return { ms: medianOf(times), bytes };
}

async function druidMedians(root: string, dir: string): Promise<ReadonlyMap<string, number>> {
  if ((await oracleMissing()) !== undefined) return new Map();
  const file = join(root, 'queries.json');
  writeFileSync(file, JSON.stringify(QUERIES.map(([name, , query]) => ({ name, query }))));
  const oracle = await openOracle();
  try {
    const { exit, out } = await oracle.run(['benchquery', dir, file]);
    if (exit !== 0) throw new Error(out);
    const results = JSON.parse(out) as readonly {
      readonly name: string;
      readonly [key: string]: unknown;
    }[];
    return new Map(
      results.map((result) => [result.name, Number(result['medianMs'] ?? result['ms'])]),
    );
  } finally {
    await oracle.close();
  }
}

/** Builds the segment, then asks both engines. */
export async function run(params: BenchParams): Promise<QueryReport> {
  const root = mkdtempSync(join(tmpdir(), 'bench-query-'));
  try {
    const dir = await makeSegment(root, params);
    const druid = await druidMedians(root, dir);
    const view = await openSegment(dir, 'bench', { cache: new BlockCache(CACHE_BYTES) });
    const results = QUERIES.map(([name, floor, body]): QueryResult => {
      const { ms, bytes } = measure(view, body, params.rounds);
      const druidMs = druid.get(name);
      const ratio = druidMs === undefined ? undefined : druidMs / ms;
      return { name, floor, ourMs: ms, druidMs, ratio, answerBytes: bytes };
    });
    view.close();
    return { rows: view.rows, results };
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** Prints a line a query; true when every ratio is what is asked for. */
export function printQueries({ rows, results }: QueryReport): boolean {
  console.log(`benchmark query rows=${rows} node=${process.version}`);
  for (const { name, floor, ourMs, druidMs, ratio } of results) {
    const speed = (ms: number): string => `${(rows / ms / 1000).toFixed(1)} M rows/s`;
    const verdict = ratio === undefined ? 'ALONE' : ratio >= floor ? 'PASS' : 'FAIL';
    console.log(
      `${verdict} ${name}: ${ourMs.toFixed(2)} ms, ${speed(ourMs)}; Druid ${druidMs === undefined ? '-' : `${druidMs.toFixed(2)} ms, ${speed(druidMs)}`}; ` +
        `ratio ${ratio?.toFixed(2) ?? '-'} floor ${floor}`,
    );
  }
  console.log(JSON.stringify({ benchmark: 'query', rows, results }));
  return results.every(({ ratio, floor }) => ratio === undefined || ratio >= floor);
}
