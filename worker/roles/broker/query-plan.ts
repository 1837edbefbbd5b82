// Where a query's segments are read: published ones on one historical each, everything fresh of a group on one of its
// replicas. Pure; fed by the inventory. Source: architecture.md 5.9, protocol.md 7. Invariant I2: an id is planned once.

import { parseSegmentId } from '../../../core/model/data-segment.ts';
import type { Interval } from '../../../core/model/interval.ts';
import type { Query } from '../../query/query.ts';
import type { FreshGroup, PublishedSegment } from '../../timeline/inventory.ts';
import { uncoveredParts, visibleSegments } from '../../timeline/timeline.ts';

/** Published segments to ask of one historical. */
export interface HistoricalPart {
  readonly server: string;
  readonly address: string;
  readonly segments: readonly {
    readonly id: string;
    readonly path: string;
    readonly intervals: readonly Interval[];
  }[];
}

/** What to ask of one worker. */
export interface FreshPart {
  readonly server: string;
  readonly address: string;
  readonly group: string;
  /** Ids that historicals answer for. */
  readonly except: readonly string[];
  readonly intervals: readonly Interval[];
}

/** The plan of one data source. */
export interface QueryPlan {
  readonly historicals: readonly HistoricalPart[];
  readonly fresh: readonly FreshPart[];
}

/** A week: how far back segmentMetadata looks when it names no interval (druid-query-api.md 6.3). */
const DEFAULT_HISTORY_MS = 604_800_000;

/** Plans one data source. `avoid` = servers that just failed; used only when nobody else serves. */
export function planQuery(
  query: Query,
  published: readonly PublishedSegment[],
  groups: readonly FreshGroup[],
  avoid: ReadonlySet<string>,
): QueryPlan {
  const intervals = intervalsOf(query, published);
  const wanted = query.segments === null ? published : published.filter((s) => isNamed(query, s));
  const load = new Map<string, number>();
  const byServer = new Map<
    string,
    { address: string; segments: { id: string; path: string; intervals: readonly Interval[] }[] }
  >();
  const planned: string[] = [];
  for (const { segment, intervals: parts } of visibleSegments(wanted, intervals)) {
    const copy = chooseCopy(segment, avoid, load);
    if (copy === undefined) continue;
    const [server, { address, path }] = copy;
    load.set(server, (load.get(server) ?? 0) + 1);
    const part = byServer.get(server) ?? { address, segments: [] };
    part.segments.push({ id: segment.id, path, intervals: parts });
    byServer.set(server, part);
    planned.push(segment.id);
  }
  // Workers are told of every published id, visible or not: what a historical serves is never read from them.
  const except = published.map((s) => s.id);
  return {
    historicals: [...byServer].map(([server, part]) => ({ server, ...part })),
    fresh:
      query.segments === null
        ? groups.flatMap((group) => freshPart(group, except, intervals, avoid) ?? [])
        : [],
  };
}

/** The parts of the query's intervals of which nobody serves a segment; none when the query names its segments. */
export function uncoveredIntervals(
  query: Query,
  dataSource: string,
  published: readonly PublishedSegment[],
  groups: readonly FreshGroup[],
): readonly Interval[] {
  if (query.segments !== null) return [];
  const fresh = groups.flatMap(({ ids }) => [...ids].map((id) => parseSegmentId(id, dataSource)));
  const served = [...published.map(({ segmentId }) => segmentId), ...fresh];
  return uncoveredParts(
    query.intervals,
    served.map(({ interval }) => interval),
  );
}

function intervalsOf(query: Query, published: readonly PublishedSegment[]): readonly Interval[] {
  if (query.queryType !== 'segmentMetadata' || !query.usesDefaultInterval || published.length === 0)
    return query.intervals;
  const endMs = Math.max(...published.map((s) => s.segmentId.interval.endMs));
  // Fresh segments may be newer still; they are always included.
  return [{ startMs: endMs - DEFAULT_HISTORY_MS, endMs: Number.MAX_SAFE_INTEGER }];
}

function isNamed(query: Query, segment: PublishedSegment): boolean {
  const { interval, version, partition } = segment.segmentId;
  return (query.segments ?? []).some(
    (s) =>
      s.version === version &&
      s.partition === partition &&
      s.interval.startMs < interval.endMs &&
      interval.startMs < s.interval.endMs,
  );
}

/** The copy on the server with the fewest segments of this plan. */
function chooseCopy(
  segment: PublishedSegment,
  avoid: ReadonlySet<string>,
  load: ReadonlyMap<string, number>,
): [string, { address: string; path: string }] | undefined {
  const copies = [...segment.copies];
  const healthy = copies.filter(([server]) => !avoid.has(server));
  return (healthy.length > 0 ? healthy : copies).toSorted(
    ([a], [b]) => (load.get(a) ?? 0) - (load.get(b) ?? 0) || (a < b ? -1 : 1),
  )[0];
}

/** All unpublished segments of a group always from one replica (history 18). */
function freshPart(
  group: FreshGroup,
  except: readonly string[],
  intervals: readonly Interval[],
  avoid: ReadonlySet<string>,
): FreshPart | undefined {
  const replicas = [...group.replicas].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const [server, address] = replicas.find(([id]) => !avoid.has(id)) ?? replicas[0] ?? [];
  if (server === undefined || address === undefined) return undefined;
  return { server, address, group: group.group, except, intervals };
}
