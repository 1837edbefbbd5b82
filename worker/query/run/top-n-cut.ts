// A node returns only its best groups of a topN, never fewer than threshold or minTopNThreshold.
// Fed by run-query.ts. Source: druid-query-api.md 6.5.

import { rankedSlots } from '../finish/top-n.ts';
import { ResultTable } from '../finish/result-table.ts';
import type { TopNQuery } from '../model.ts';
import type { GroupsPartial } from '../partial.ts';

/** The best groups per bucket; the partial itself when it is small. */
export function cutTopN(query: TopNQuery, groups: GroupsPartial): GroupsPartial {
  const most = Math.max(query.threshold, query.context.minTopNThreshold);
  if (groups.size <= most) return groups;
  const ranked = rankedSlots(query, groups, new ResultTable(query, groups), most);
  const slots = Int32Array.from([...ranked.values()].flat());
  return {
    ...groups,
    size: slots.length,
    times: Float64Array.from(slots, (slot) => groups.times[slot] ?? 0),
    keys: groups.keys.map((column) => Array.from(slots, (slot) => column[slot] ?? null)),
    states: groups.states.map((state) => state.pick(slots)),
  };
}
