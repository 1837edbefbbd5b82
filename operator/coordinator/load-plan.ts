// Which historical loads or drops which segment. Pure: fleet and wishes in, orders out; the coordinator writes them.
// A segment goes to the least-loaded server of the tier that has room. Source: ingestion.md 16.

import { type DataSegment, uniquePathOf } from '../../core/model/data-segment.ts';
import type { Fleet } from './fleet.ts';

/** One order to write. */
export interface PlannedOrder {
  readonly server: string;
  readonly action: 'load' | 'drop';
  readonly segment: DataSegment;
}

/** A used segment and the replicas its tiers want. */
export interface Wish {
  readonly segment: DataSegment;
  readonly replicas: ReadonlyMap<string, number>;
}

/** Figures of one plan, for metrics and endpoints. */
export interface LoadPlan {
  readonly orders: readonly PlannedOrder[];
  /** Wanted segments that no historical serves, by data source. */
  readonly unavailable: ReadonlyMap<string, number>;
  /** Replicas missing, by data source. */
  readonly underReplicated: ReadonlyMap<string, number>;
  /** Segments that fit no server of their tier. */
  readonly unplaced: readonly string[];
}

/** Orders given to one server before it has worked some off. */
const QUEUE_MAX = 100;

/** Plans orders for every wish, and drops for what is served without a wish. */
export function planLoads(fleet: Fleet, wishes: readonly Wish[]): LoadPlan {
  const tiers = historicalsByTier(fleet);
  const load = loads(fleet);
  const orders: PlannedOrder[] = [];
  const unplaced: string[] = [];
  const unavailable = new Map<string, number>();
  const underReplicated = new Map<string, number>();
  const wanted = new Map(wishes.map((wish) => [wish.segment.identifier, wish]));
  for (const { segment, replicas } of wishes) {
    let serving = 0;
    for (const [tier, count] of replicas) {
      const servers = tiers.get(tier) ?? [];
      const holders = servers.filter((server) => holds(fleet, server, segment));
      serving += holders.filter((server) => serves(fleet, server, segment)).length;
      let missing = count - holders.length;
      add(underReplicated, segment.dataSource, Math.max(0, missing));
      const free = servers.filter(
        (server) => !holders.includes(server) && !hasOrder(fleet, server, segment.identifier),
      );
      for (; missing > 0; missing--) {
        const target = leastLoaded(fleet, free, load, segment.size);
        if (target === undefined) {
          unplaced.push(segment.identifier);
          break;
        }
        free.splice(free.indexOf(target), 1);
        load.set(target, (load.get(target) ?? 0) + segment.size);
        orders.push({ server: target, action: 'load', segment });
      }
      for (const extra of holders.slice(count))
        if (serves(fleet, extra, segment)) orders.push({ server: extra, action: 'drop', segment });
    }
    add(unavailable, segment.dataSource, serving === 0 && replicas.size > 0 ? 1 : 0);
  }
  orders.push(...strays(fleet, wanted));
  return { orders, unavailable, underReplicated, unplaced };
}

function add(counts: Map<string, number>, dataSource: string, amount: number): void {
  counts.set(dataSource, (counts.get(dataSource) ?? 0) + amount);
}

/** Segments served, or ordered, that no wish names by id and path. */
function strays(fleet: Fleet, wanted: ReadonlyMap<string, Wish>): PlannedOrder[] {
  const orders: PlannedOrder[] = [];
  for (const [server, served] of fleet.served) {
    if (fleet.servers.get(server)?.role !== 'historical') continue;
    for (const [id, { path }] of served) {
      const wish = wanted.get(id);
      if (
        path === null ||
        (wish !== undefined && uniquePathOf(wish.segment) === path) ||
        hasOrder(fleet, server, id)
      )
        continue;
      const known = fleet.segments.get(id)?.value.segment ?? wish?.segment;
      if (known !== undefined) orders.push({ server, action: 'drop', segment: known });
    }
  }
  return orders;
}

function historicalsByTier(fleet: Fleet): ReadonlyMap<string, readonly string[]> {
  const historicals = [...fleet.servers.values()].filter((s) => s.role === 'historical');
  return new Map(
    [...Map.groupBy(historicals, (s) => s.tier)].map(([tier, servers]) => [
      tier,
      servers.map((s) => s.id),
    ]),
  );
}

/** Bytes served and ordered, by server. */
function loads(fleet: Fleet): Map<string, number> {
  const out = new Map<string, number>();
  for (const [server, served] of fleet.served) {
    let bytes = 0;
    for (const id of served.keys()) bytes += fleet.segments.get(id)?.value.segment.size ?? 0;
    out.set(server, bytes);
  }
  for (const [server, orders] of fleet.orders) {
    for (const { value } of orders.values())
      if (value.action === 'load') out.set(server, (out.get(server) ?? 0) + value.segment.size);
  }
  return out;
}

/** Serves the segment's very file, or has been told to load it. */
function holds(fleet: Fleet, server: string, segment: DataSegment): boolean {
  const order = fleet.orders.get(server)?.get(segment.identifier)?.value;
  return serves(fleet, server, segment) || (order?.action === 'load' && order.failed === undefined);
}

function serves(fleet: Fleet, server: string, segment: DataSegment): boolean {
  return fleet.served.get(server)?.get(segment.identifier)?.path === uniquePathOf(segment);
}

function hasOrder(fleet: Fleet, server: string, id: string): boolean {
  return fleet.orders.get(server)?.has(id) === true;
}

function leastLoaded(
  fleet: Fleet,
  servers: readonly string[],
  load: ReadonlyMap<string, number>,
  bytes: number,
): string | undefined {
  const fitting = servers.filter((server) => {
    const room = (fleet.servers.get(server)?.bytesMax ?? 0) - (load.get(server) ?? 0);
    return room >= bytes && (fleet.orders.get(server)?.size ?? 0) < QUEUE_MAX;
  });
  return fitting.toSorted((a, b) => (load.get(a) ?? 0) - (load.get(b) ?? 0) || (a < b ? -1 : 1))[0];
}
