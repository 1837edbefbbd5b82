// The buckets an answer shows: every one between first and last data inside each query interval.
// Fed by the merged extents. Source: druid-query-api.md 1 decision 1, 6.4, 6.5.

import { bucketer } from '../../../core/model/granularity.ts';
import type { AggregatingQuery } from '../model.ts';
import type { GroupsPartial } from '../partial.ts';

/** Bucket starts in answer order, each once. Lazy: a year of seconds is only walked as far as it is read. */
export function* bucketStarts(
  query: AggregatingQuery,
  groups: GroupsPartial,
  descending: boolean,
): Generator<number> {
  if (
    query.granularity.type === 'none' ||
    (query.queryType === 'timeseries' && query.context.skipEmptyBuckets)
  ) {
    const starts = [...new Set(groups.times)].toSorted((a, b) => a - b);
    yield* descending ? starts.reverse() : starts;
    return;
  }
  const buckets = bucketer(query.granularity);
  let last: number | undefined;
  for (const { firstMs, lastMs } of descending ? groups.extents.toReversed() : groups.extents) {
    let bucket = buckets.bucketOf(descending ? lastMs : firstMs);
    while (descending ? bucket.endMs > firstMs : bucket.startMs <= lastMs) {
      // Two intervals may end and start inside one bucket.
      if (bucket.startMs !== last) yield bucket.startMs;
      last = bucket.startMs;
      bucket = buckets.bucketOf(descending ? bucket.startMs - 1 : bucket.endMs);
    }
  }
}

/** Time stamp of the one bucket of granularity `all`: first data, else the start of the first interval. */
export function allTimestamp(query: AggregatingQuery, groups: GroupsPartial): number {
  const first = groups.extents.reduce(
    (least, extent) => Math.min(least, extent.firstMs),
    Number.POSITIVE_INFINITY,
  );
  return Number.isFinite(first) ? first : (query.intervals[0]?.startMs ?? 0);
}
