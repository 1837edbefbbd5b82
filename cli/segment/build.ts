// `sluice segment build`: rows -> one segment folder, by the parts an ingest worker is made of: line walker, record
// indexer, hydrants, merge. One thread, no metadata, no deep storage.

import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { bucketer } from '../../core/model/granularity.ts';
import { formatInstant, formatInterval, type Interval } from '../../core/model/interval.ts';
import { MAX_TIME_MS, MIN_TIME_MS } from '../../core/model/interval.ts';
import { Failure } from '../../core/runtime/failure.ts';
import type { IndexData } from '../../worker/index/index-data.ts';
import { indexView } from '../../worker/index/index-view.ts';
import type { BadRecordSample } from '../../worker/roles/ingest/index-messages.ts';
import { RecordIndexer } from '../../worker/roles/ingest/record-indexer.ts';
import {
  dimensionsOf,
  metadataOf,
  timestampSpecOf,
} from '../../worker/roles/ingest/segment-metadata.ts';
import { BlockCache } from '../../worker/segment/block-cache.ts';
import { buildSegment } from '../../worker/segment/build.ts';
import type { BuiltSegment } from '../../worker/segment/build-options.ts';
import { openSegment, type SegmentView } from '../../worker/segment/reader.ts';
import { createLineWalker } from '../../worker/source/file/line-walker.ts';
import type { RecordSlices } from '../../worker/source/port.ts';
import { createRecordSlices } from '../../worker/source/walker.ts';
import type { View } from '../../worker/view/view.ts';
import type { BuildSpec } from './build-spec.ts';
import { lineChunks } from './line-chunks.ts';

const CACHE_BYTES = 64 << 20;

/** Nobody queries the hydrants of a build, and they are gone after the merge: no bitmaps, nothing packed. */
const HYDRANT = {
  dimension: { createBitmapIndex: false },
  indexSpec: {
    dimensionCompression: 'uncompressed',
    metricCompression: 'none',
    longEncoding: 'longs',
  },
} as const;

/** What was built. */
export interface BuildReport {
  readonly dir: string;
  readonly interval: string;
  readonly rows: number;
  readonly sizeBytes: number;
  /** Records by what became of them, in the words of the worker's metrics. */
  readonly records: Readonly<Record<string, number>>;
  /** Hydrants the segment was merged from; rows that were in memory at the end count as one. */
  readonly hydrants: number;
  readonly samples: readonly BadRecordSample[];
}

/**
 * Builds the segment in `outDir`, which must not exist or be empty.
 *
 * @throws Failure `config` OutputNotEmpty, FileUnreadable; `input` NoRows, RowOutsideChunk, BadRecordsExceeded; as buildSegment
 */
export async function buildFromFile(
  spec: BuildSpec,
  input: string,
  outDir: string,
): Promise<BuildReport> {
  checkEmpty(outDir);
  const work = `${outDir}.hydrants`;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  try {
    return await new SegmentBuild(spec, outDir, work).run(input);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function checkEmpty(dir: string): void {
  let names: string[] = [];
  try {
    names = readdirSync(dir);
  } catch {
    return;
  }
  if (names.length > 0)
    throw new Failure(
      'config',
      'OutputNotEmpty',
      `--out ${dir}: holds ${names.length} files; give a folder that is new or empty`,
    );
}

class SegmentBuild {
  readonly #spec: BuildSpec;
  readonly #outDir: string;
  readonly #work: string;
  readonly #indexer: RecordIndexer = new RecordIndexer();
  readonly #counts: Record<string, number> = {};
  readonly #hydrants: string[] = [];
  #interval: Interval | undefined;

  constructor(spec: BuildSpec, outDir: string, work: string) {
    this.#spec = spec;
    this.#outDir = outDir;
    this.#work = work;
  }

  async run(input: string): Promise<BuildReport> {
    const { schema, badRecords } = this.#spec.ingestion;
    this.#indexer.open({
      type: 'open',
      sequenceId: 'build',
      schema,
      chunks: [],
      dimensions: [],
      positions: { 0: { offset: 0, watermarkMs: null, leaderEpoch: -1 } },
      end: null,
      samplesMax: badRecords.samples,
    });
    if (this.#spec.interval !== undefined) this.#useInterval(this.#spec.interval);
    const walker = createLineWalker();
    const slices = createRecordSlices();
    for await (const set of lineChunks(input)) {
      walker.walk(set, slices);
      await this.#add(slices, input);
    }
    const interval = this.#interval;
    // What is in memory at the end is merged from there: the rows of a small file are written once.
    const rest = this.#indexer.freeze().map(({ data }) => this.#viewOf(data));
    if (interval === undefined || this.#hydrants.length + rest.length === 0)
      throw new Failure(
        'input',
        'NoRows',
        `--input ${input}: no row to build a segment of (${JSON.stringify(this.#counts)}); check timestampSpec and interval`,
      );
    const { rows, sizeBytes } = await this.#merge(interval, rest);
    return {
      dir: this.#outDir,
      interval: formatInterval(interval),
      rows,
      sizeBytes,
      records: this.#counts,
      hydrants: this.#hydrants.length + rest.length,
      samples: this.#indexer.samples,
    };
  }

  /** Adds the records of one walk, persisting whenever memory holds as many rows or bytes as the spec allows. */
  async #add(slices: RecordSlices, input: string): Promise<void> {
    const { maxRowsInMemory, maxBytesInMemory } = this.#spec.ingestion.segments;
    for (let done = 0; done < slices.count;) {
      const { rows, bytes } = this.#indexer.size();
      if (rows >= maxRowsInMemory || bytes >= maxBytesInMemory) {
        await this.#persist();
        continue;
      }
      // A record makes at most one row, so this many cannot exceed the limit.
      const count = Math.min(slices.count, done + maxRowsInMemory - rows);
      const next = this.#indexer.add(0, { ...slices, count }, done);
      this.#takeCounts();
      if (next < count) this.#placeRow(this.#indexer.waitingForMs, input);
      done = next;
    }
  }

  /** The first row of all decides the interval when the spec does not. */
  #placeRow(eventMs: number, input: string): void {
    if (this.#interval === undefined) {
      const { segmentGranularity } = this.#spec.ingestion.schema;
      this.#interval = bucketer(segmentGranularity).bucketOf(eventMs);
      this.#indexer.addChunk({ interval: this.#interval, segmentId: 'build' });
      return;
    }
    throw new Failure(
      'input',
      'RowOutsideChunk',
      `--input ${input}: a row of ${formatInstant(eventMs)} is outside the time chunk ${formatInterval(this.#interval)} of the first row; give --interval to build one chunk and leave out other rows`,
    );
  }

  /** Rows inside make the segment; rows before and after are counted and left out. */
  #useInterval(interval: Interval): void {
    this.#interval = interval;
    this.#indexer.addChunk({ interval, segmentId: 'build' });
    for (const outside of [
      { startMs: MIN_TIME_MS, endMs: interval.startMs },
      { startMs: interval.endMs, endMs: MAX_TIME_MS },
    ])
      this.#indexer.addChunk({ interval: outside, segmentId: null });
  }

  #takeCounts(): void {
    for (const [outcome, count] of Object.entries(this.#indexer.takeCounts())) {
      const key = outcome === 'thrownAway/noChunk' ? 'thrownAway/outsideInterval' : outcome;
      this.#counts[key] = (this.#counts[key] ?? 0) + count;
    }
    const { max } = this.#spec.ingestion.badRecords;
    const bad = Object.entries(this.#counts)
      .filter(([outcome]) => outcome.startsWith('unparseable/'))
      .reduce((sum, [, count]) => sum + count, 0);
    if (bad > max)
      throw new Failure(
        'input',
        'BadRecordsExceeded',
        `spec.badRecords.max: value ${max}: ${bad} records cannot be read; the first: ${JSON.stringify(this.#indexer.samples[0])}`,
      );
  }

  async #persist(): Promise<void> {
    for (const { piece, data } of this.#indexer.freeze()) {
      const dir = join(this.#work, String(this.#hydrants.length));
      await this.#build([this.#viewOf(data)], data.interval, dir, HYDRANT);
      this.#hydrants.push(dir);
      this.#indexer.drop([piece]);
    }
  }

  #viewOf(data: IndexData): View {
    return indexView(data, metadataOf(this.#spec.ingestion.schema));
  }

  async #merge(interval: Interval, rest: readonly View[]): Promise<BuiltSegment> {
    const cache = new BlockCache(CACHE_BYTES);
    const views: SegmentView[] = [];
    try {
      for (const dir of this.#hydrants) views.push(await openSegment(dir, 'build', { cache }));
      return await this.#build([...views, ...rest], interval, this.#outDir);
    } finally {
      for (const view of views) view.close();
    }
  }

  #build(
    views: readonly View[],
    interval: Interval,
    outDir: string,
    hydrant?: typeof HYDRANT,
  ): Promise<BuiltSegment> {
    const { schema } = this.#spec.ingestion;
    const dimensions = dimensionsOf(schema, this.#indexer.state().dimensions);
    return buildSegment({
      views,
      interval,
      dimensions: dimensions.map((dimension) => ({ ...dimension, ...hydrant?.dimension })),
      metrics: schema.metrics,
      rollup: schema.rollup,
      queryGranularity: schema.queryGranularity,
      timestampSpec: timestampSpecOf(schema),
      indexSpec: { ...schema.indexSpec, ...hydrant?.indexSpec },
      outDir,
    });
  }
}
