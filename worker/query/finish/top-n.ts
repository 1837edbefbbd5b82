// Finishes a topN: ranks the groups of each bucket and keeps the best. Source: druid-query-api.md 6.5.

import type { TopNQuery } from '../model.ts';
import type { GroupsPartial } from '../partial.ts';
import { textComparator } from '../text/order.ts';
import { compareValues, textOf, type Value } from '../value.ts';
import { allTimestamp, bucketStarts, dataRanges } from './buckets-between.ts';
import { firstOf } from './first-of.ts';
import { bucketWriter } from './json.ts';
import { ResultTable } from './result-table.ts';

/** One JSON element per bucket. */
export function* topNElements(query: TopNQuery, groups: GroupsPartial): Generator<string> {
  const table = new ResultTable(query, groups);
  const ranked = rankedSlots(query, groups, table, query.threshold);
  // Druid writes topN buckets in UTC whatever the zone of the granularity.
  const writeTime = bucketWriter({ type: 'all' }, query.context);
  const isAll = query.granularity.type === 'all';
  if (isAll && groups.size === 0 && dataRanges(query, groups).length === 0) return;
  const starts = isAll ? [allTimestamp(query, groups)] : bucketStarts(query, groups, false);
  for (const ms of starts) {
    const slots = ranked.get(isAll ? 0 : ms) ?? [];
    yield `{"timestamp":${writeTime(ms)},"result":[${slots.map((slot) => table.objectJson(slot)).join(',')}]}`;
  }
}

/** Best slots per bucket start, at most `most` each. */
export function rankedSlots(
  query: TopNQuery,
  groups: GroupsPartial,
  table: ResultTable,
  most: number,
): Map<number, number[]> {
  const byBucket = new Map<number, number[]>();
  const passes = stopTest(query, groups);
  for (let slot = 0; slot < groups.size; slot++) {
    if (!passes(slot)) continue;
    const ms = groups.times[slot] ?? 0;
    const slots = byBucket.get(ms);
    if (slots === undefined) byBucket.set(ms, [slot]);
    else slots.push(slot);
  }
  const compare = slotComparator(query, groups, table);
  for (const [ms, slots] of byBucket) byBucket.set(ms, firstOf(slots, compare, most));
  return byBucket;
}

/** Only values after `previousStop`, in the direction of the order. */
function stopTest(query: TopNQuery, groups: GroupsPartial): (slot: number) => boolean {
  const { metric } = query;
  if (metric.type !== 'dimension' || metric.previousStop === null) return () => true;
  const compare = textComparator(metric.ordering);
  const sign = metric.inverted ? -1 : 1;
  const stop = metric.previousStop;
  return (slot) => compare(textOf(groups.keys[0]?.[slot] ?? null), stop) * sign > 0;
}

function slotComparator(
  query: TopNQuery,
  groups: GroupsPartial,
  table: ResultTable,
): (a: number, b: number) => number {
  const keys = groups.keys[0] ?? [];
  const { metric } = query;
  const byKey = (a: number, b: number): number => compareValues(keys[a] ?? null, keys[b] ?? null);
  if (metric.type === 'dimension') {
    const sign = metric.inverted ? -1 : 1;
    // Numbers are compared as text by every order but their own.
    const isByValue = metric.ordering === 'numeric' && query.dimension.outputType !== 'STRING';
    if (isByValue) {
      return (a, b) =>
        (keys[a] ?? null) === null || (keys[b] ?? null) === null ? byKey(a, b) : sign * byKey(a, b);
    }
    const compare = textComparator(metric.ordering);
    return (a, b) => {
      const [x, y] = [textOf(keys[a] ?? null), textOf(keys[b] ?? null)];
      // Null comes first in both directions.
      return x === null || y === null ? compare(x, y) : sign * compare(x, y);
    };
  }
  // Each metric is computed once, not once a comparison.
  const column = table.column(metric.metric);
  const values = Array.from(
    { length: groups.size },
    (_, slot): Value => column?.value(slot) ?? null,
  );
  const sign = metric.inverted ? 1 : -1;
  return (a, b) => {
    const x = values[a] ?? null;
    const y = values[b] ?? null;
    if (x === null || y === null) return x === y ? byKey(a, b) : x === null ? 1 : -1;
    return sign * compareValues(x, y) || byKey(a, b);
  };
}
