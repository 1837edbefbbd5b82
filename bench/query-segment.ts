// The segment of the query benchmark: rows of the generator, indexed in pieces and merged as hydrants are. Feeds
// query.bench.ts.

import { join } from 'node:path';
import type { Interval } from '../core/model/interval.ts';
import { IncrementalIndex } from '../worker/index/incremental-index.ts';
import { indexView } from '../worker/index/index-view.ts';
import { RowParser } from '../worker/parse/row-parser.ts';
import { metadataOf, timestampSpecOf } from '../worker/roles/ingest/segment-metadata.ts';
import { BlockCache } from '../worker/segment/block-cache.ts';
import { buildSegment } from '../worker/segment/build.ts';
import { openSegment, type SegmentView } from '../worker/segment/reader.ts';
import type { BenchParams } from './params.ts';
import { benchSchema } from './schema.ts';
import { DIMENSIONS, rowBlock, START_MS } from './wikipedia-rows.ts';

/** The interval of the segment. */
const DAY: Interval = { startMs: START_MS, endMs: START_MS + 86_400_000 };
/** Rows indexed at once; several pieces are merged into the segment. */
const PIECE_ROWS = 500_000;
/** With the pages whose names have quotes, 5 million rows come to about 50,000 distinct ones. */
const VALUES = { pages: 36_000, languages: 12 };

/** Builds it in a folder below `root`, which is returned. */
export async function makeSegment(root: string, { rows, seed }: BenchParams): Promise<string> {
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
    const size = Math.min(PIECE_ROWS, rows - from);
    const block = rowBlock({ seed: seed + from, rows: size, ...VALUES });
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
