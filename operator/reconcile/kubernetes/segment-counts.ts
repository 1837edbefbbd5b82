// Segments of a data source by phase, from the coordinator's live copy. Feeds status.

import type { Clock } from '../../../core/runtime/clock.ts';
import type { Coordinator } from '../../coordinator/coordinator.ts';
import type { SegmentCounts } from './controller-parts.ts';

/** Counted at most this often, for all data sources in one walk. */
const FRESH_MS = 5000;

interface Count {
  published: number;
  available: number;
}

/** Counts by data source; undefined before the coordinator runs here. */
export function segmentCounts(coordinator: Coordinator, clock: Clock): SegmentCounts {
  let counts: ReadonlyMap<string, Count> = new Map();
  let countedMs = -Infinity;
  return (dataSource) => {
    if (coordinator.fleet === undefined) return undefined;
    if (clock.monotonicMs() - countedMs > FRESH_MS) {
      counts = countAll(coordinator.fleet);
      countedMs = clock.monotonicMs();
    }
    return counts.get(dataSource) ?? { published: 0, available: 0 };
  };
}

function countAll(fleet: NonNullable<Coordinator['fleet']>): ReadonlyMap<string, Count> {
  const loaded = new Set<string>();
  for (const segments of fleet.served.values())
    // A worker serves its own copy without a path; that is not available to a restart of it.
    for (const [id, { path }] of segments) if (path !== null) loaded.add(id);
  const counts = new Map<string, Count>();
  for (const [id, { dataSource, value }] of fleet.segments) {
    if (value.state !== 'used') continue;
    const count = counts.get(dataSource) ?? { published: 0, available: 0 };
    if (loaded.has(id)) count.available++;
    else count.published++;
    counts.set(dataSource, count);
  }
  return counts;
}
