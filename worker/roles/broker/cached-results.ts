// Results of single published segments that were computed before: which of a plan's need not be asked for. Fed by scatter.ts,
// which fills the cache too.

import type { Logger } from '../../../core/runtime/log.ts';
import type { Metrics } from '../../../core/runtime/metrics.ts';
import type { ResultCache } from '../../cache/port.ts';
import { cacheKey, decodePartial, type Partial, type Query } from '../../query/query.ts';
import type { HistoricalPart, QueryPlan } from './query-plan.ts';

/** What reading needs. */
interface CacheParts {
  readonly cache: ResultCache;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** What the cache knows of a plan. */
export interface Cached {
  /** False: results are not asked segment by segment. */
  readonly isUsed: boolean;
  readonly hits: readonly Partial[];
  readonly rest: readonly HistoricalPart[];
}

/** The key of a segment's result; undefined where results of the query are not cached. */
export function keyOf(
  query: Query,
  segment: HistoricalPart['segments'][number],
): string | undefined {
  // By id and unique path: an id may return with other content after a restore (history 25).
  return cacheKey(query, `${segment.id}@${segment.path}`, segment.intervals);
}

/** Looks up the published segments of a plan: of queries that are cached. */
export async function readCache(parts: CacheParts, query: Query, plan: QueryPlan): Promise<Cached> {
  const all = plan.historicals.flatMap((part) =>
    part.segments.map((segment) => ({ segment, key: keyOf(query, segment) })),
  );
  const keys = all.flatMap(({ key }) => key ?? []);
  if (keys.length === 0 || keys.length !== all.length)
    return { isUsed: false, hits: [], rest: plan.historicals };
  const values = await parts.cache.getMany(keys);
  const hits: Partial[] = [];
  const found = new Set<string>();
  values.forEach((value, i) => {
    const segment = all[i]?.segment;
    if (value === undefined || segment === undefined) return;
    try {
      hits.push(decodePartial(query, value));
      found.add(segment.id);
    } catch (error) {
      // Bytes of another release, or damaged: as good as a miss.
      parts.log.warn('a cached result could not be read', { segment: segment.id, error });
    }
  });
  parts.metrics.cacheRequests.inc({ outcome: 'hit' }, found.size);
  parts.metrics.cacheRequests.inc({ outcome: 'miss' }, keys.length - found.size);
  const rest = plan.historicals.map((part) => ({
    ...part,
    segments: part.segments.filter((s) => !found.has(s.id)),
  }));
  return { isUsed: true, hits, rest: rest.filter((part) => part.segments.length > 0) };
}
