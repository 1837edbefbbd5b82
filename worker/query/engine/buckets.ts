// Time buckets as small integers. In time-sorted views a bucket is a run of rows; elsewhere each row is placed,
// with the current bucket kept. Fed by group-rows.ts. Source: druid-query-api.md 4.2, performance.md 6.

import { type Bucketer, bucketer, type Granularity } from '../../../core/model/granularity.ts';

/** More buckets than this are not counted beforehand: in a zone each costs calendar work. */
const BUCKETS_MAX = 512;

/** Numbers the buckets of one query and view in order of appearance. */
export class Buckets {
  /** Start of each bucket by code, epoch ms. */
  readonly starts: number[] = [];
  private readonly bucketer: Bucketer;
  private readonly codesByStart = new Map<number, number>();
  private startMs = 1;
  private endMs = 0;
  private code = -1;

  constructor(granularity: Granularity) {
    this.bucketer = bucketer(granularity);
  }

  /** The code of the bucket that holds `ms`. */
  codeOf(ms: number): number {
    if (ms >= this.startMs && ms < this.endMs) return this.code;
    const bucket = this.bucketer.bucketOf(ms);
    this.startMs = bucket.startMs;
    this.endMs = bucket.endMs;
    let code = this.codesByStart.get(bucket.startMs);
    if (code === undefined) {
      code = this.starts.push(bucket.startMs) - 1;
      this.codesByStart.set(bucket.startMs, code);
    }
    this.code = code;
    return code;
  }

  /** Number of buckets between two instants, Infinity when there are more than a table should hold. */
  countBetween(firstMs: number, lastMs: number): number {
    // A view without rows has no bounds.
    if (!(firstMs <= lastMs)) return 1;
    let bucket = this.bucketer.bucketOf(firstMs);
    let count = 1;
    while (bucket.endMs <= lastMs) {
      if (++count > BUCKETS_MAX) return Number.POSITIVE_INFINITY;
      bucket = this.bucketer.bucketOf(bucket.endMs);
    }
    return count;
  }

  /** Codes of `rows[0 .. count-1]`. */
  codes(times: Float64Array, rows: Int32Array, count: number, out: Int32Array): void {
    for (let i = 0; i < count; i++) {
      const ms = times[rows[i]!]!;
      out[i] = ms >= this.startMs && ms < this.endMs ? this.code : this.codeOf(ms);
    }
  }

  /** End (exclusive) of the run that starts at `from` and shares its bucket, in rows of ascending time. */
  runEnd(times: Float64Array, rows: Int32Array, from: number, count: number): number {
    this.codeOf(times[rows[from]!]!);
    const { endMs } = this;
    if (times[rows[count - 1]!]! < endMs) return count;
    let low = from + 1;
    let high = count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (times[rows[middle]!]! < endMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Code of the bucket {@link runEnd} found. */
  get current(): number {
    return this.code;
  }
}
