// The build thread of an ingest worker: persists frozen pieces of the index as hydrants and merges hydrants into
// finished, zipped segments. One unit of work after the other; everything comes and goes as folders on disk.

import { rm } from 'node:fs/promises';
import type { CompiledSchema } from '../../../core/spec/compiled.ts';
import { indexView } from '../../index/index-view.ts';
import { BlockCache } from '../../segment/block-cache.ts';
import { buildSegment } from '../../segment/build.ts';
import { openSegment, type SegmentView } from '../../segment/reader.ts';
import { zipSegment } from '../../segment/zip.ts';
import type { View } from '../../view/view.ts';
import { freeSharedMemory } from '../threads/collect.ts';
import { type Answer, serveThread } from '../threads/thread.ts';
import type { BuildRequest, BuiltDir, BuiltZip } from './build-messages.ts';
import { dimensionsOf, metadataOf, timestampSpecOf } from './segment-metadata.ts';

/** Decoded blocks kept while merging; each hydrant column is read once, in order. */
const CACHE_BYTES = 64 * 1024 * 1024;

const cache = new BlockCache(CACHE_BYTES);
let queue: Promise<unknown> = Promise.resolve();

serveThread<BuildRequest, never>((request) => {
  const result = queue.then(() => {
    // What came with the request before is let go of only now.
    freeSharedMemory();
    return work(request);
  });
  queue = result.catch(() => undefined).finally(() => setImmediate(freeSharedMemory));
  return result;
});

async function work(request: BuildRequest): Promise<Answer> {
  return { value: request.type === 'persist' ? await persist(request) : await merge(request) };
}

async function persist(request: BuildRequest & { type: 'persist' }): Promise<BuiltDir> {
  const view = indexView(request.data, metadataOf(request.schema));
  return build([view], request, request.data.interval, true);
}

async function merge(request: BuildRequest & { type: 'merge' }): Promise<BuiltZip> {
  await rm(request.zipFile, { force: true });
  const views: SegmentView[] = [];
  try {
    for (const dir of request.hydrants)
      views.push(await openSegment(dir, request.segmentId, { cache }));
    const built = await build(views, request, request.interval, false);
    const zip = await zipSegment(request.dir, request.zipFile);
    const dimensions = [...new Set(views.flatMap((v) => v.dimensions))];
    const metrics = request.schema.metrics.map((m) => m.name).toSorted((a, b) => (a < b ? -1 : 1));
    return { ...built, zipBytes: zip.bytes, sha256: zip.sha256, dimensions, metrics };
  } finally {
    for (const view of views) view.close();
  }
}

async function build(
  views: readonly View[],
  request: { schema: CompiledSchema; dimensions: readonly string[]; dir: string },
  interval: View['interval'],
  isHydrant: boolean,
): Promise<BuiltDir> {
  const { schema } = request;
  await rm(request.dir, { recursive: true, force: true });
  const { rows, sizeBytes } = await buildSegment({
    views,
    interval,
    dimensions: dimensionsOf(schema, request.dimensions),
    metrics: schema.metrics,
    rollup: schema.rollup,
    queryGranularity: schema.queryGranularity,
    timestampSpec: timestampSpecOf(schema),
    indexSpec: schema.indexSpec,
    isHydrant,
    outDir: request.dir,
  });
  return { rows, sizeBytes };
}
