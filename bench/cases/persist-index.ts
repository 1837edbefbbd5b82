// A frozen index to a segment folder, as the build thread persists a hydrant. Indexing is outside of the measured part.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { indexView } from '../../worker/index/index-view.ts';
import {
  dimensionsOf,
  metadataOf,
  timestampSpecOf,
} from '../../worker/roles/ingest/segment-metadata.ts';
import { buildSegment } from '../../worker/segment/build.ts';
import { type BenchCase, type CaseParams, measured } from '../case.ts';
import { indexAnswer } from '../group-hash.ts';
import { recordSets, SetIndexer } from '../record-sets.ts';
import { benchSchema } from '../schema.ts';

/** Opens the case. */
export async function open(params: CaseParams): Promise<BenchCase> {
  const sets = recordSets(params);
  const indexer = new SetIndexer(params);
  const dir = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
  const schema = benchSchema(params.dimensions);
  return {
    async pass() {
      const data = indexer.index(sets);
      const outDir = join(dir, 'hydrant');
      const { value: built, ...times } = await measured(() =>
        buildSegment({
          views: [indexView(data, metadataOf(schema))],
          interval: data.interval,
          dimensions: dimensionsOf(schema, params.dimensions),
          metrics: schema.metrics,
          rollup: schema.rollup,
          queryGranularity: schema.queryGranularity,
          timestampSpec: timestampSpecOf(schema),
          indexSpec: schema.indexSpec,
          outDir,
        }),
      );
      await rm(outDir, { recursive: true });
      if (built.rows !== data.rows) throw new Error(`${built.rows} rows of ${data.rows} written`);
      return { ...times, answer: indexAnswer(data, params.dimensions) };
    },
    close: () => rm(dir, { recursive: true, force: true }),
  };
}
