// Merges group results with equal bucket and dimensions. Fed by merge.ts, by group-rows.ts for pieces whose
// dimensions explode, and by subtotals. Source: druid-query-api.md 6.

import { makeState } from './aggregate/make-state.ts';
import { type AggregatingQuery, dimensionsOf, type Query } from './model.ts';
import type { Extent, GroupsPartial } from './partial.ts';
import { identityText, type Value } from './value.ts';

/** Merges groups with equal bucket and dimensions. A single partial is returned as it is unless `always`. */
export function mergeGroups(
  query: AggregatingQuery,
  parts: readonly GroupsPartial[],
  always = false,
): GroupsPartial {
  const [only] = parts;
  if (only !== undefined && parts.length === 1 && !always) return only;
  const dimensions = dimensionsOf(query).length;
  const index = new Map<string | number, number>();
  const times: number[] = [];
  const keys: Value[][] = Array.from({ length: dimensions }, () => []);
  const states = query.aggregations.map(makeState);
  for (const part of parts) {
    const slots = new Int32Array(part.size);
    for (let i = 0; i < part.size; i++) {
      const time = part.times[i]!;
      const key = dimensions === 0 ? time : keyText(time, part.keys, i);
      let slot = index.get(key);
      if (slot === undefined) {
        slot = times.push(time) - 1;
        index.set(key, slot);
        for (let k = 0; k < dimensions; k++) keys[k]?.push(part.keys[k]?.[i] ?? null);
      }
      slots[i] = slot;
    }
    states.forEach((state, s) => {
      state.reserve(times.length);
      const from = part.states[s];
      if (from !== undefined) state.merge(from, slots);
    });
  }
  const extents = mergeExtents(
    query,
    parts.flatMap((part) => part.extents),
  );
  return {
    kind: 'groups',
    extents,
    size: times.length,
    times: Float64Array.from(times),
    keys,
    states,
  };
}

/** Text that differs whenever bucket or a dimension value differs. */
function keyText(time: number, keys: readonly (readonly Value[])[], i: number): string {
  let text = String(time);
  for (const column of keys) text += identityText(column[i] ?? null);
  return text;
}

/** One extent per query interval that was asked of a view with rows. */
export function mergeExtents(query: Query, extents: readonly Extent[]): Extent[] {
  return query.intervals.flatMap((interval) => {
    const inside = extents.filter((e) => e.atMs >= interval.startMs && e.atMs < interval.endMs);
    if (inside.length === 0) return [];
    const firstMs = inside.reduce(
      (least, e) => Math.min(least, e.firstMs),
      Number.POSITIVE_INFINITY,
    );
    const lastMs = inside.reduce((most, e) => Math.max(most, e.lastMs), Number.NEGATIVE_INFINITY);
    return [{ atMs: interval.startMs, firstMs, lastMs }];
  });
}
