// The text under which one segment's result of a query is cached. Fed by roles. Source: druid-query-api.md 13.

import { createHash } from 'node:crypto';
import { formatInterval, type Interval } from '../../core/model/interval.ts';
import type { DataSource, Query } from './model.ts';
import { exactJson } from './source/exact-json.ts';

/** Layout of cached bytes; part of every key, so that an update never reads what it cannot. */
const CACHE_VERSION = 1;

/**
 * A stable key for the partial of `query` over the part `intervals` of a published segment, or undefined when
 * such results are not worth caching (scans, metadata) or the context forbids it. Equal keys give equal bytes.
 */
export function cacheKey(
  query: Query,
  segmentId: string,
  intervals: readonly Interval[],
): string | undefined {
  const { context: settings } = query;
  if (!settings.useCache || settings.bySegment || !('granularity' in query)) return undefined;
  const part = intervals.map(formatInterval).join(',');
  const asked = askedOf(query);
  return `q${CACHE_VERSION}:${segmentId}:${createHash('sha256').update(`${part}\n${asked}`).digest('hex')}`;
}

/** Digests of what queries ask, by query: a query over many segments may hold large tables. */
const digests: WeakMap<Query, string> = new WeakMap();

function askedOf(query: Query): string {
  let digest = digests.get(query);
  if (digest === undefined) {
    // What only order, limit or finish look at does not change a partial; `intervals` are the clipped ones.
    const { context, intervals: _all, segments: _segments, dataSource: _table, ...rest } = query;
    const joined = joinsOf(query.dataSource);
    const asked = exactJson({ ...rest, joined, minTopNThreshold: context.minTopNThreshold });
    digest = createHash('sha256').update(asked).digest('hex');
    digests.set(query, digest);
  }
  return digest;
}

/** What a data source adds to the rows of its tables, which the segment id names. */
function joinsOf(source: DataSource): unknown {
  return source.type === 'join' ? { ...source, left: joinsOf(source.left) } : null;
}
