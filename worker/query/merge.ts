// Merges intermediate results: within a node over its pieces, and at the broker over nodes. Associative.
// Fed by run-query.ts and decoded partials; feeds finish/. Source: druid-query-api.md 1, 6.

import { mergeGroups } from './merge-groups.ts';
import type { Query, ScanQuery, SearchQuery } from './model.ts';
import type { Partial, ScanBatch, ScanPartial, SearchHit, SearchPartial } from './partial.ts';
import { mergeAnalyses } from './run/segment-metadata.ts';
import { cutBatches, mergeOrdered } from './run/scan-order.ts';

/**
 * One result from several. The order of `partials` decides ties only (ordered scans, first and last).
 *
 * @throws TypeError when a partial is of another query type
 */
export function mergePartials(query: Query, partials: readonly Partial[]): Partial {
  if (query.context.bySegment) {
    // Each segment's parts are merged once all are there: few are of the same segment.
    return { kind: 'segments', parts: ofKind(partials, 'segments').flatMap((p) => p.parts) };
  }
  switch (query.queryType) {
    case 'timeseries':
    case 'topN':
    case 'groupBy':
      return mergeGroups(query, ofKind(partials, 'groups'));
    case 'scan':
      return mergeScans(query, ofKind(partials, 'scan'));
    case 'search':
      return mergeSearches(query, ofKind(partials, 'search'));
    case 'timeBoundary':
    case 'dataSourceMetadata': {
      const parts = ofKind(partials, 'boundary');
      const times = (key: 'minMs' | 'maxMs') =>
        parts.map((part) => part[key]).filter((ms) => ms !== null);
      const [mins, maxes] = [times('minMs'), times('maxMs')];
      return {
        kind: 'boundary',
        minMs: mins.length === 0 ? null : Math.min(...mins),
        maxMs: maxes.length === 0 ? null : Math.max(...maxes),
      };
    }
    case 'segmentMetadata':
      return {
        kind: 'metadata',
        segments: mergeAnalyses(
          query,
          ofKind(partials, 'metadata').flatMap((part) => part.segments),
        ),
      };
  }
}

/** The result over no data. */
export function emptyPartial(query: Query): Partial {
  return mergePartials(query, []);
}

function ofKind<K extends Partial['kind']>(
  partials: readonly Partial[],
  kind: K,
): (Partial & { kind: K })[] {
  return partials.map((partial) => {
    if (!isKind(partial, kind))
      throw new TypeError(`a ${partial.kind} result cannot answer this query`);
    return partial;
  });
}

function isKind<K extends Partial['kind']>(
  partial: Partial,
  kind: K,
): partial is Partial & { kind: K } {
  return partial.kind === kind;
}

function mergeScans(query: ScanQuery, parts: readonly ScanPartial[]): ScanPartial {
  const batches: readonly ScanBatch[] = parts.flatMap((part) => part.batches);
  const most = query.limit === null ? Number.POSITIVE_INFINITY : query.limit + query.offset;
  if (query.order === 'none') return { kind: 'scan', batches: cutBatches(batches, 0, most) };
  return { kind: 'scan', batches: mergeOrdered(parts, query, most) };
}

function mergeSearches(query: SearchQuery, parts: readonly SearchPartial[]): SearchPartial {
  const hits = new Map<string, SearchHit>();
  const isAll = query.granularity.type === 'all';
  const starts = parts.flatMap((part) => part.buckets);
  const firstMs = Math.min(...starts);
  for (const found of parts.flatMap((part) => part.hits)) {
    const hit = isAll ? { ...found, timeMs: firstMs } : found;
    const key = `${hit.timeMs}|${hit.dimension.length}:${hit.dimension}${hit.value === null ? '' : `|${hit.value}`}`;
    const known = hits.get(key);
    hits.set(key, known === undefined ? hit : { ...known, count: known.count + hit.count });
  }
  const buckets = isAll
    ? starts.length === 0
      ? []
      : [firstMs]
    : [...new Set(starts)].toSorted((a, b) => a - b);
  return { kind: 'search', buckets, hits: [...hits.values()] };
}

/** Results merged at once when there are so many. */
const FOLD = 16;

/**
 * All results, merged to a few while they come, so that many do not have to be held.
 *
 * @param check  called for each; what it throws ends it
 */
export async function foldPartials(
  query: Query,
  results: AsyncIterable<Partial>,
  check: () => void,
): Promise<readonly Partial[]> {
  let partials: Partial[] = [];
  for await (const partial of results) {
    check();
    partials.push(partial);
    if (partials.length >= FOLD) partials = [mergePartials(query, partials)];
  }
  check();
  return partials;
}
