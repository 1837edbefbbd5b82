// Groups that the order of a limit spec cannot tell apart ("A" and "a" in alphanumeric) become one, as in Druid: where it
// pushes a limit down, it merges rows by that order alone, after the cut. Fed by group-by.ts.
// Source: druid-query-api.md 6.6.

import { makeState } from '../aggregate/make-state.ts';
import type { GroupByQuery } from '../model.ts';
import type { GroupsPartial } from '../partial.ts';
import { compareValues } from '../value.ts';
import type { SlotOrder } from './first-of.ts';

/** True when Druid pushes the limit down (it orders by dimensions alone, and no row is left out after) and ties matter. */
export function joinsTied(query: GroupByQuery): boolean {
  const { limit, columns } = query.limitSpec;
  if (limit === null || query.having !== null || query.subtotals !== null) return false;
  // No other order takes two texts for equal.
  if (!columns.some(({ order }) => order === 'alphanumeric' || order === 'version')) return false;
  const names = new Set(query.dimensions.map(({ outputName }) => outputName));
  return columns.length > 0 && columns.every(({ dimension }) => names.has(dimension));
}

/**
 * Adds up neighbours that `byLimit` and the dimensions it does not look at leave tied; the first gives its values.
 *
 * @param groups  the groups that the limit leaves, in answer order
 * @returns `groups` itself when none are tied
 */
export function joinTied(
  query: GroupByQuery,
  groups: GroupsPartial,
  byLimit: SlotOrder,
): GroupsPartial {
  const ordered = new Set(query.limitSpec.columns.map(({ dimension }) => dimension));
  const others = groups.keys.filter((_, k) => !ordered.has(query.dimensions[k]?.outputName ?? ''));
  const isTied = (a: number, b: number): boolean =>
    groups.times[a] === groups.times[b] &&
    byLimit(a, b) === 0 &&
    others.every((column) => compareValues(column[a] ?? null, column[b] ?? null) === 0);
  const slots = new Int32Array(groups.size);
  const firsts: number[] = [];
  for (let i = 0; i < groups.size; i++) {
    if (i === 0 || !isTied(i - 1, i)) firsts.push(i);
    slots[i] = firsts.length - 1;
  }
  if (firsts.length === groups.size) return groups;
  const states = query.aggregations.map(makeState);
  states.forEach((state, s) => {
    state.reserve(firsts.length);
    const from = groups.states[s];
    if (from !== undefined) state.merge(from, slots);
  });
  return {
    ...groups,
    size: firsts.length,
    times: Float64Array.from(firsts, (i) => groups.times[i] ?? 0),
    keys: groups.keys.map((column) => firsts.map((i) => column[i] ?? null)),
    states,
  };
}
