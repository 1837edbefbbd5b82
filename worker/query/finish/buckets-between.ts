// The buckets an answer shows: every one between first and last data inside each query interval.
// Fed by the merged extents. Source: druid-query-api.md 1 decision 1, 6.4, 6.5.

import { bucketer } from '../../../core/model/granularity.ts';
import type { AggregatingQuery } from '../model.ts';
import { mergeExtents } from '../merge-groups.ts';
import type { GroupsPartial } from '../partial.ts';

/** Where there is data: bounds of the views, cut to each query interval, ascending. */
export function dataRanges(
  query: AggregatingQuery,
  groups: GroupsPartial,
): { firstMs: number; lastMs: number }[] {
  return mergeExtents(query, groups.extents).flatMap(({ atMs, firstMs, lastMs }) => {
    const interval = query.intervals.find((i) => i.startMs === atMs);
    if (interval === undefined || firstMs >= interval.endMs || lastMs < interval.startMs) return [];
    return [
      {
        firstMs: Math.max(firstMs, interval.startMs),
        lastMs: Math.min(lastMs, interval.endMs - 1),
      },
    ];
  });
}

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
  const ranges = dataRanges(query, groups);
  let last: number | undefined;
  for (const { firstMs, lastMs } of descending ? ranges.toReversed() : ranges) {
    let bucket = buckets.bucketOf(descending ? lastMs : firstMs);
    while (descending ? bucket.endMs > firstMs : bucket.startMs <= lastMs) {
      // Two intervals may end and start inside one bucket.
      if (bucket.startMs !== last) yield bucket.startMs;
      last = bucket.startMs;
      bucket = buckets.bucketOf(descending ? bucket.startMs - 1 : bucket.endMs);
    }
  }
}

/**
 * Time stamp of the one bucket of granularity `all`: first data, of the last interval when descending; else the start
 * of the first interval.
 */
export function allTimestamp(query: AggregatingQuery, groups: GroupsPartial): number {
  const isDescending = query.queryType === 'timeseries' && query.descending;
  const range = dataRanges(query, groups).at(isDescending ? -1 : 0);
  return range?.firstMs ?? query.intervals[0]?.startMs ?? 0;
}
