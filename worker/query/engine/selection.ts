// Which rows of a view a query looks at: time ranges, then the filter, as row lists of one vector at a time.
// Fed by a piece's intervals and filter/; feeds grouping, scan and search. Source: performance.md 6.

import type { Interval } from '../../../core/model/interval.ts';
import { VECTOR_ROWS, type View } from '../../view/view.ts';
import { compileFilter } from '../filter/compile.ts';
import { type Matcher, WORDS } from '../filter/matcher.ts';
import type { Filter } from '../filter-model.ts';
import { countBits, cutBits, listRows, type RowMask } from './row-list.ts';
import type { SourceSet } from './source.ts';

/** The list of all rows of a vector, which is what a batch without a filter has; rows may be left out at its end. */
export const IDENTITY: Int32Array = Int32Array.from({ length: VECTOR_ROWS }, (_, i) => i);

/** Half-open run of row numbers. */
interface RowRange {
  readonly start: number;
  readonly end: number;
}

/** Selected rows of the current vector: ascending indexes into it. Overwritten by the next vector. */
export interface Batch {
  readonly rows: Int32Array;
  readonly count: number;
  readonly isEmpty: boolean;
  /** The same as bits, where a filter gave them: not every aggregator needs the list, which is made when asked for. */
  readonly mask: RowMask | null;
}

/** What a filter says of a vector. */
class MaskedBatch implements Batch, RowMask {
  readonly words: Int32Array = new Int32Array(WORDS);
  isEmpty = true;
  end = 0;
  /** One more than are ever used: see {@link listRows}. */
  private readonly list: Int32Array = new Int32Array(VECTOR_ROWS + 1);
  private isListed = false;
  /** -1 = not counted. */
  private counted = -1;

  /** Call it when the words have changed. */
  cut(low: number, high: number): void {
    this.isEmpty = !cutBits(this.words, low, high);
    this.end = high;
    this.isListed = false;
    this.counted = -1;
  }

  get count(): number {
    if (this.counted < 0) this.counted = countBits(this.words, this.end);
    return this.counted;
  }

  get mask(): RowMask {
    return this;
  }

  get rows(): Int32Array {
    if (!this.isListed) listRows(this.words, 0, this.end, this.list);
    this.isListed = true;
    return this.list;
  }
}

/** Walks the vectors of a view. */
export class Selection {
  private readonly sources: SourceSet;
  private readonly matcher: Matcher | null;
  private readonly ranges: readonly RowRange[];
  private readonly intervals: readonly Interval[];
  private readonly masked: MaskedBatch = new MaskedBatch();
  private readonly rows: Int32Array = new Int32Array(VECTOR_ROWS);

  /** @throws Failure `input` QueryInvalid when the filter cannot be compiled */
  constructor(sources: SourceSet, filter: Filter | null, intervals: readonly Interval[]) {
    this.sources = sources;
    this.matcher = filter === null ? null : compileFilter(filter, sources);
    this.intervals = intervals;
    this.ranges = rowRanges(sources.view, intervals);
  }

  /** Vectors with at least one selected row; the sources' cursor stands on the vector of the batch. */
  *batches(descending = false): Generator<Batch> {
    for (const { start, end } of descending ? this.ranges.toReversed() : this.ranges) {
      const first = Math.floor(start / VECTOR_ROWS);
      const last = Math.floor((end - 1) / VECTOR_ROWS);
      for (let i = 0; i <= last - first; i++) {
        const from = (descending ? last - i : first + i) * VECTOR_ROWS;
        const count = Math.min(VECTOR_ROWS, this.sources.view.rows - from);
        this.sources.cursor.move(from, count);
        yield this.select(Math.max(0, start - from), Math.min(count, end - from));
      }
    }
  }

  private select(low: number, high: number): Batch {
    if (this.sources.view.timeSorted || this.intervals.length === 0) {
      if (this.matcher !== null) return this.match(this.matcher, low, high);
      if (low === 0) return listed(IDENTITY, high);
      this.rows.set(IDENTITY.subarray(low, high));
      return listed(this.rows, high - low);
    }
    if (this.matcher === null) return this.inTime(low, high);
    const { rows, count } = this.match(this.matcher, low, high);
    return this.keepInTime(rows, count);
  }

  private match(matcher: Matcher, low: number, high: number): Batch {
    matcher.match(this.masked.words, null);
    this.masked.cut(low, high);
    return this.masked;
  }

  private inTime(low: number, high: number): Batch {
    this.rows.set(IDENTITY.subarray(low, high));
    return this.keepInTime(this.rows, high - low);
  }

  /** For views whose rows are in no time order. */
  private keepInTime(rows: Int32Array, count: number): Batch {
    const times = this.sources.times().doubles();
    let kept = 0;
    for (let i = 0; i < count; i++) {
      const row = rows[i]!;
      const time = times[row]!;
      for (const interval of this.intervals) {
        if (time >= interval.startMs && time < interval.endMs) {
          rows[kept++] = row;
          break;
        }
      }
    }
    return listed(rows, kept);
  }
}

function listed(rows: Int32Array, count: number): Batch {
  return { rows, count, isEmpty: count === 0, mask: null };
}

function rowRanges(view: View, intervals: readonly Interval[]): RowRange[] {
  if (view.rows === 0) return [];
  if (!view.timeSorted) {
    const overlaps = intervals.some((i) => i.startMs <= view.maxTimeMs && i.endMs > view.minTimeMs);
    return overlaps ? [{ start: 0, end: view.rows }] : [];
  }
  const ranges = intervals.map((i) => ({
    start: firstRow(view, i.startMs),
    end: firstRow(view, i.endMs),
  }));
  return ranges.filter((range) => range.start < range.end);
}

/** The first row of a time-sorted view at or after `ms`, by bisection. */
function firstRow(view: View, ms: number): number {
  if (ms <= view.minTimeMs) return 0;
  if (ms > view.maxTimeMs) return view.rows;
  const time = new Float64Array(1);
  let low = 0;
  let high = view.rows;
  while (low < high) {
    const middle = (low + high) >>> 1;
    view.readTimes(middle, 1, time);
    if (time[0]! < ms) low = middle + 1;
    else high = middle;
  }
  return low;
}
