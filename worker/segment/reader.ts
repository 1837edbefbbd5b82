// Opens a segment folder as a view. Columns are opened when first used and read in blocks through a cache that
// all segments of a thread share. Fed by the historical (published segments) and by hydrants; read by query, by
// the merge and by dump and validate. Source: druid-segment-format.md 1, 2.

import type { Interval } from '../../core/model/interval.ts';
import { Failure } from '../../core/runtime/failure.ts';
import type { Column, NumericColumn, View } from '../view/view.ts';
import { VECTOR_ROWS } from '../view/view.ts';
import type { BlockCache, ReadContext } from './block-cache.ts';
import { openColumn, openTimeColumn } from './column-file.ts';
import { readSegmentIndex, type SegmentIndex } from './index-drd.ts';
import { readSegmentMetadata, type SegmentMetadata } from './metadata-drd.ts';
import { SegmentFiles } from './segment-files.ts';
import { readHashes } from './segment-hashes.ts';

/** How a segment is opened. */
export interface OpenOptions {
  /** Shared by all segments of the thread. */
  readonly cache: BlockCache;
  /** The hashes taken when it was unpacked (segment-hashes.ts): whatever is read is compared with them. */
  readonly hashFile?: string;
}

/** A segment on disk. */
export interface SegmentView extends View {
  readonly dir: string;
  readonly metadata: SegmentMetadata;
  /** Releases files and cached blocks. Reading afterwards is a bug. Calling it again does nothing. */
  close(): void;
}

/**
 * Opens the segment in `dir`. Reads its index and the time column's header; columns when they are used.
 *
 * @throws Failure `corrupt` SegmentCorrupt naming folder, file and offset; later reads may throw it too
 */
export function openSegment(
  dir: string,
  segmentId: string,
  options: OpenOptions,
): Promise<SegmentView> {
  // Positioned reads are synchronous (queries run in steps on their own thread), so nothing is awaited here;
  // the promise keeps room for an opening that is.
  try {
    return Promise.resolve(openSegmentNow(dir, segmentId, options));
  } catch (error) {
    return Promise.reject(error instanceof Error ? error : new Error(String(error)));
  }
}

function openSegmentNow(dir: string, segmentId: string, options: OpenOptions): SegmentView {
  const { hashFile } = options;
  const hashes = hashFile === undefined ? undefined : readHashes(hashFile, dir);
  const files = new SegmentFiles(dir, hashes);
  const context: ReadContext = { cache: options.cache, closers: [] };
  try {
    return new StoredSegment(files, segmentId, context);
  } catch (error) {
    for (const close of context.closers) close();
    files.close();
    throw error;
  }
}

class StoredSegment implements SegmentView {
  readonly dir: string;
  readonly segmentId: string;
  readonly interval: Interval;
  readonly rows: number;
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  readonly timeSorted: boolean;
  readonly sizeBytes: number;
  readonly dimensions: readonly string[];
  readonly metrics: readonly string[];
  readonly metadata: SegmentMetadata;
  readonly #files: SegmentFiles;
  readonly #context: ReadContext;
  readonly #time: NumericColumn;
  readonly #columns = new Map<string, Column>();
  readonly #names: ReadonlySet<string>;
  #isOpen = true;

  constructor(files: SegmentFiles, segmentId: string, context: ReadContext) {
    const index: SegmentIndex = readSegmentIndex(files, context);
    const time = openTimeColumn(files.file('__time'), context);
    this.dir = files.dir;
    this.segmentId = segmentId;
    this.interval = index.interval;
    this.rows = time.rows;
    this.sizeBytes = files.sizeBytes;
    this.dimensions = index.dimensions;
    this.metrics = index.metrics;
    this.metadata = readSegmentMetadata(files);
    this.timeSorted = (this.metadata.ordering?.[0]?.columnName ?? '__time') === '__time';
    this.#files = files;
    this.#context = context;
    this.#time = time;
    this.#names = new Set([...index.dimensions, ...index.metrics]);
    for (const name of this.#names) files.file(name);
    if (this.rows === 0) throw files.file('__time').corrupt(0, 'a segment without rows');
    const [minTimeMs, maxTimeMs] = this.#timeRange();
    this.minTimeMs = minTimeMs;
    this.maxTimeMs = maxTimeMs;
    const { startMs, endMs } = index.interval;
    if (minTimeMs < startMs || maxTimeMs >= endMs || minTimeMs > maxTimeMs) {
      const text = `rows from ${minTimeMs} to ${maxTimeMs} are outside the interval from ${startMs} to ${endMs}`;
      throw files.file('__time').corrupt(0, text);
    }
  }

  readTimes(from: number, count: number, out: Float64Array): void {
    this.#checkOpen();
    this.#time.readDoubles(from, count, out);
  }

  column(name: string): Column | undefined {
    this.#checkOpen();
    const known = this.#columns.get(name);
    if (known !== undefined || !this.#names.has(name)) return known;
    const column = openColumn(this.#files.file(name), this.#context, this.#files, this.rows);
    this.#columns.set(name, column);
    return column;
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const close of this.#context.closers) close();
    this.#files.close();
  }

  /** First and last row of a sorted segment; all rows of one that declares another order. */
  #timeRange(): [number, number] {
    const out = new Float64Array(VECTOR_ROWS);
    if (this.timeSorted) {
      this.#time.readDoubles(0, 1, out);
      const first = out[0] ?? 0;
      this.#time.readDoubles(this.rows - 1, 1, out);
      return [first, out[0] ?? 0];
    }
    let [min, max] = [Infinity, -Infinity];
    for (let row = 0; row < this.rows; row += VECTOR_ROWS) {
      const count = Math.min(VECTOR_ROWS, this.rows - row);
      this.#time.readDoubles(row, count, out);
      for (let i = 0; i < count; i++) {
        min = Math.min(min, out[i]!);
        max = Math.max(max, out[i]!);
      }
    }
    return [min, max];
  }

  #checkOpen(): void {
    if (!this.#isOpen) throw new Failure('bug', 'AssertionFailed', `segment ${this.dir} is closed`);
  }
}
