// The rows of a golden set in the stores that a query reads: the segments Druid wrote, the in-memory index fed by our
// parser, the segments we build of it, and a mix of them. Used by the golden query tests.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Granularity, namedGranularity } from '../../core/model/granularity.ts';
import { formatInstant, type Interval, parseInterval } from '../../core/model/interval.ts';
import type { CompiledMetric, CompiledSchema } from '../../core/spec/compiled.ts';
import { METRIC_TYPES, type MetricType } from '../../core/spec/realtime-ingestion.ts';
import { IncrementalIndex } from '../../worker/index/incremental-index.ts';
import { indexView } from '../../worker/index/index-view.ts';
import { RowParser } from '../../worker/parse/row-parser.ts';
import { metadataOf } from '../../worker/roles/ingest/segment-metadata.ts';
import { BlockCache } from '../../worker/segment/block-cache.ts';
import { buildSegment } from '../../worker/segment/build.ts';
import type { BuildOptions } from '../../worker/segment/build-options.ts';
import { openSegment, type SegmentView } from '../../worker/segment/reader.ts';
import { unzipSegment } from '../../worker/segment/zip.ts';
import type { View } from '../../worker/view/view.ts';
import { GOLDEN, goldenInput, type GoldenSet, type GoldenSpec } from './golden-set.ts';

/** Where the rows of a set are. */
export interface GoldenViews {
  /** Segments of Druid. */
  readonly druid: readonly View[];
  /** One in-memory index a segment. */
  readonly index: readonly View[];
  /** One built segment of three merged hydrants a segment. */
  readonly built: readonly View[];
  /** Per segment a hydrant, a built segment and an index, a third of the rows each. */
  readonly mixed: readonly View[];
  /** Columns of metrics that are not computed at ingestion; only Druid's segments have them. */
  readonly missing: readonly string[];
  /** Folders of `built`. */
  readonly builtDirs: readonly string[];
  close(): void;
}

const NEWLINE = 10;

/** The schema of a spec, less the metrics that ingestion does not compute. */
function schemaOf(spec: GoldenSpec): CompiledSchema {
  const metrics = spec.metricsSpec.filter(({ type }) => METRIC_TYPES.includes(type as MetricType));
  return {
    timestamp: { ...spec.timestampSpec, missingValueMs: null },
    dimensions: spec.dimensionsSpec.dimensions.map((dimension) => ({
      type: 'string',
      createBitmapIndex: true,
      multiValueHandling: 'sorted_array',
      ...(typeof dimension === 'string' ? { name: dimension } : dimension),
    })),
    discovery: false,
    dimensionExclusions: [],
    metrics: metrics.map(({ type, fieldName = '', ...rest }): CompiledMetric => ({
      ...rest,
      type: type as MetricType,
      fieldName,
    })),
    rollup: spec.rollup,
    queryGranularity: namedGranularity(spec.queryGranularity) ?? ({ type: 'none' } as Granularity),
    segmentGranularity: { type: 'all' },
    lateness: { policy: 'none', lateMs: Infinity, earlyMs: Infinity },
    indexSpec: {
      bitmap: 'roaring',
      dimensionCompression: 'lz4',
      metricCompression: 'lz4',
      longEncoding: 'longs',
    },
  };
}

/** Rows `part`, `part + parts`, ... of the interval through parser and index. */
function indexOf(
  schema: CompiledSchema,
  interval: Interval,
  rows: Buffer,
  id: string,
  part = 0,
  parts = 1,
): View {
  const parser = new RowParser(schema);
  const index = new IncrementalIndex(schema, interval);
  parser.setBytes(rows);
  let inside = 0;
  for (let start = 0; start < rows.length;) {
    const newline = rows.indexOf(NEWLINE, start);
    const end = newline < 0 ? rows.length : newline;
    if (end > start) {
      const reason = parser.readTime(start, end);
      if (reason !== 0) throw new Error(`row at byte ${start}: reason ${reason}`);
      const isInside = parser.eventMs >= interval.startMs && parser.eventMs < interval.endMs;
      if (isInside && inside++ % parts === part) {
        parser.readFields();
        index.add(parser.fields, parser.dimensionNames);
      }
    }
    start = end + 1;
  }
  return indexView(index.data(id), metadataOf(schema));
}

/** Builds a segment of rows in the spec's interval: parsed, indexed, written. */
export async function buildRows(
  spec: GoldenSpec,
  rows: Buffer,
  id: string,
  outDir: string,
): Promise<void> {
  const schema = schemaOf(spec);
  const interval = parseInterval(spec.interval);
  const views = [indexOf(schema, interval, rows, id)];
  await buildSegment({ ...partsOf(schema), views, interval, outDir });
}

/** What a build takes from the schema. */
function partsOf(
  schema: CompiledSchema,
): Pick<
  BuildOptions,
  'dimensions' | 'metrics' | 'rollup' | 'queryGranularity' | 'indexSpec' | 'timestampSpec'
> {
  const { dimensions, metrics, rollup, queryGranularity, indexSpec } = schema;
  const { timestampSpec } = metadataOf(schema);
  return { dimensions, metrics, rollup, queryGranularity, indexSpec, timestampSpec };
}

/** Opens a set in every store. */
export async function openGoldenViews(set: GoldenSet): Promise<GoldenViews> {
  const root = mkdtempSync(join(tmpdir(), 'golden-views-'));
  const cache = new BlockCache(64 * 1024 * 1024);
  const opened: SegmentView[] = [];
  const open = async (dir: string, id: string): Promise<SegmentView> => {
    const view = await openSegment(dir, id, { cache });
    opened.push(view);
    return view;
  };
  const close = (): void => {
    for (const view of opened) view.close();
    rmSync(root, { recursive: true, force: true });
  };
  const views = {
    druid: [] as View[],
    index: [] as View[],
    built: [] as View[],
    mixed: [] as View[],
  };
  const builtDirs: string[] = [];
  const missing = new Set<string>();
  const seen = new Map<string, number>();
  for (const [i, zip] of set.segments.entries()) {
    const { spec, rows } = goldenInput(set, i);
    const interval = parseInterval(spec.interval);
    const base = `${set.dataSource}_${formatInstant(interval.startMs)}_${formatInstant(interval.endMs)}_v1`;
    const partition = seen.get(base) ?? 0;
    seen.set(base, partition + 1);
    const id = partition === 0 ? base : `${base}_${partition}`;
    const druidDir = join(root, `druid-${i}`);
    await unzipSegment(join(GOLDEN, set.name, zip), druidDir, { bytesMax: 1 << 28 });
    views.druid.push(await open(druidDir, id));
    const schema = schemaOf(spec);
    for (const { name } of spec.metricsSpec)
      if (!schema.metrics.some((metric) => metric.name === name)) missing.add(name);
    const build = async (name: string, parts: readonly View[]): Promise<View> => {
      const outDir = join(root, `${name}-${i}`);
      await buildSegment({ ...partsOf(schema), views: parts, interval, outDir });
      return open(outDir, id);
    };
    views.index.push(indexOf(schema, interval, rows, id));
    const thirds = [0, 1, 2].map((part) => indexOf(schema, interval, rows, id, part, 3));
    const hydrants: View[] = [];
    for (const [part, third] of thirds.entries())
      if (third.rows > 0) hydrants.push(await build(`hydrant-${part}`, [third]));
    views.built.push(await build('built', hydrants));
    builtDirs.push(join(root, `built-${i}`));
    const [first, ...others] = hydrants;
    if (first !== undefined) views.mixed.push(first);
    if (others.length === 2) {
      const again = others[0];
      if (again !== undefined) views.mixed.push(await build('again', [again]));
      const last = thirds[2];
      if (last !== undefined) views.mixed.push(last);
    }
  }
  return { ...views, builtDirs, missing: [...missing], close };
}
