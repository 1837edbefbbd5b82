// A node returns only its best groups of a topN, never fewer than threshold or minTopNThreshold.
// Fed by run-query.ts. Source: druid-query-api.md 6.5.

import { type AggregateState, LongState } from '../aggregate/state.ts';
import { firstOf, nthLeast } from '../finish/first-of.ts';
import { rankedSlots } from '../finish/top-n.ts';
import { ResultTable } from '../finish/result-table.ts';
import type { TopNQuery } from '../model.ts';
import type { GroupsPartial } from '../partial.ts';
import { compareValues } from '../value.ts';

/**
 * The slots of one bucket that can be in the answer, ascending, before any of their texts is looked up. Only for a whole
 * node's rows: pieces that are merged later need all groups. `state` is that of the metric.
 */
export function bestSlots(query: TopNQuery, state: AggregateState, used: Int32Array): Int32Array {
  const most = Math.max(query.threshold, query.context.minTopNThreshold);
  if (used.length <= most) return used;
  const sign = query.metric.inverted ? 1 : -1;
  if (state instanceof LongState) {
    // Nulls come last whichever way the order goes.
    const rounded = state.doubles(used, sign * Number.POSITIVE_INFINITY);
    if (rounded !== null) return bestRounded(rounded, sign, used, most);
  }
  const values = Array.from(used, (slot) => state.value(slot));
  // Nearly all comparisons are decided by the rounded value; nulls come last.
  const rounded = Float64Array.from(values, (value) =>
    value === null ? Number.POSITIVE_INFINITY : sign * Number(value),
  );
  const best = firstOf(
    Int32Array.from(used, (_, i) => i),
    (a, b) => {
      const [x, y] = [rounded[a]!, rounded[b]!];
      if (x < y) return -1;
      if (x > y) return 1;
      const [v, w] = [values[a] ?? null, values[b] ?? null];
      if (v === null || w === null) return v === w ? 0 : v === null ? 1 : -1;
      return sign * compareValues(v, w);
    },
    most,
  );
  return Int32Array.from(best, (i) => used[i]!).sort();
}

/** By values that doubles hold exactly, which are overwritten. */
function bestRounded(
  values: Float64Array,
  sign: number,
  used: Int32Array,
  most: number,
): Int32Array {
  const keys = values;
  for (let i = 0; i < keys.length; i++) keys[i] = sign * keys[i]!;
  // Of those that tie with the last of the best, the first slots are taken.
  const limit = nthLeast(keys, most);
  const better: number[] = [];
  const equal: number[] = [];
  for (let i = 0; i < keys.length; i++) {
    if (keys[i]! < limit) better.push(i);
    else if (keys[i]! === limit && equal.length < most) equal.push(i);
  }
  const best = [...better, ...equal.slice(0, most - better.length)];
  return Int32Array.from(best, (i) => used[i]!).sort();
}

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
