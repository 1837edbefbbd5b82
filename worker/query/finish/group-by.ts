// Finishes a groupBy: having, order, offset and limit, subtotals. Source: druid-query-api.md 6.6, 12.

import { ETERNITY } from '../../../core/model/interval.ts';
import { GroupingState } from '../aggregate/grouping-state.ts';
import { makeState } from '../aggregate/make-state.ts';
import { Selection } from '../engine/selection.ts';
import { SourceSet } from '../engine/source.ts';
import { mergeGroups } from '../merge-groups.ts';
import type { Aggregator, GroupByQuery, Having } from '../model.ts';
import type { GroupsPartial } from '../partial.ts';
import {
  compareDoubles,
  compareValues,
  doubleOf,
  longOfText,
  textOf,
  type Value,
} from '../value.ts';
import { firstOf, type SlotOrder } from './first-of.ts';
import { bucketWriter, valueJson } from './json.ts';
import { defaultOrder, limitOrder } from './row-order.ts';
import { ResultTable } from './result-table.ts';
import { tableView } from './result-view.ts';
import { joinsTied, joinTied } from './tied-groups.ts';

/** Bucket time stamp of a group: under `all` the start of the first query interval. */
function groupTimes(query: GroupByQuery, groups: GroupsPartial): Float64Array {
  if (query.granularity.type !== 'all') return groups.times;
  return new Float64Array(groups.size).fill(query.intervals[0]?.startMs ?? 0);
}

/** Finished rows of one table, in answer order. */
interface Part {
  readonly table: ResultTable;
  readonly times: Float64Array;
  readonly slots: readonly number[];
}

/** One JSON element per row. */
export function* groupByElements(query: GroupByQuery, groups: GroupsPartial): Generator<string> {
  const writeTime = bucketWriter(query.granularity, query.context);
  const isAll = query.granularity.type === 'all';
  for (const { table, times, slots } of finishedParts(query, groups)) {
    for (const slot of slots) {
      const ms = times[slot] ?? 0;
      if (query.context.resultAsArray) {
        const cells = table.columns.map((column) => column.json(slot));
        yield `[${(isAll ? cells : [valueJson(BigInt(ms)), ...cells]).join(',')}]`;
      } else {
        yield `{"version":"v1","timestamp":${writeTime(ms)},"event":${table.objectJson(slot)}}`;
      }
    }
  }
}

/** The rows in answer order, after having and limit. */
function finishedParts(query: GroupByQuery, groups: GroupsPartial): Part[] {
  const { offset, limit, columns } = query.limitSpec;
  const most = limit === null ? Number.POSITIVE_INFINITY : offset + limit;
  if (query.subtotals !== null) return finishedSubtotals(query, groups, query.subtotals);
  const part = withEmptyRow(query, groups);
  const table = new ResultTable(query, part);
  const times = groupTimes(query, part);
  const byDefault = defaultOrder(query, table, times);
  const byLimit = columns.length === 0 ? null : limitOrder(query, table, times);
  const order: SlotOrder =
    byLimit === null ? byDefault : (a, b) => byLimit(a, b) || byDefault(a, b);
  const slots = firstOf(havingSlots(query, table, times), order, most);
  if (byLimit === null || !joinsTied(query)) return [{ table, times, slots: slots.slice(offset) }];
  return [joinedPart(query, part, slots, offset)];
}

/** The groups in `slots`, less the first `offset`, tied ones as one. */
function joinedPart(
  query: GroupByQuery,
  part: GroupsPartial,
  slots: readonly number[],
  offset: number,
): Part {
  const picked = pickGroups(part, slots);
  const before = new ResultTable(query, picked);
  const byLimit = limitOrder(query, before, groupTimes(query, picked));
  const joined = joinTied(query, picked, byLimit);
  const table = joined === picked ? before : new ResultTable(query, joined);
  const rest = Array.from({ length: Math.max(0, joined.size - offset) }, (_, i) => offset + i);
  return { table, times: groupTimes(query, joined), slots: rest };
}

/** Groupings one after the other; order and limit of the query go over all of them together. */
function finishedSubtotals(
  query: GroupByQuery,
  groups: GroupsPartial,
  subtotals: readonly (readonly number[])[],
): Part[] {
  const parts = subtotals.map((kept): GroupsPartial => {
    const part = withGrouping(query, withEmptyRow(query, subtotal(query, groups, kept)), kept);
    const table = new ResultTable(query, part);
    const times = groupTimes(query, part);
    const slots = firstOf(
      havingSlots(query, table, times),
      defaultOrder(query, table, times),
      Number.POSITIVE_INFINITY,
    );
    return pickGroups(part, slots);
  });
  const all = concatGroups(query, parts);
  const table = new ResultTable(query, all);
  const times = groupTimes(query, all);
  const { offset, limit, columns } = query.limitSpec;
  const slots = Array.from({ length: all.size }, (_, slot) => slot);
  // Sorting is stable, so ties stay in the order of the groupings.
  if (columns.length > 0) slots.sort(limitOrder(query, table, times));
  return [
    { table, times, slots: slots.slice(offset, limit === null ? undefined : offset + limit) },
  ];
}

function pickGroups(groups: GroupsPartial, slots: readonly number[]): GroupsPartial {
  const picked = Int32Array.from(slots);
  return {
    ...groups,
    size: picked.length,
    times: Float64Array.from(picked, (slot) => groups.times[slot] ?? 0),
    keys: groups.keys.map((column) => Array.from(picked, (slot) => column[slot] ?? null)),
    states: groups.states.map((state) => state.pick(picked)),
  };
}

/** All groups of all parts, none merged. */
function concatGroups(query: GroupByQuery, parts: readonly GroupsPartial[]): GroupsPartial {
  const size = parts.reduce((sum, part) => sum + part.size, 0);
  const states = query.aggregations.map(makeState);
  let from = 0;
  for (const part of parts) {
    const slots = Int32Array.from({ length: part.size }, (_, i) => from + i);
    from += part.size;
    states.forEach((state, s) => {
      state.reserve(from);
      const other = part.states[s];
      if (other !== undefined) state.merge(other, slots);
    });
  }
  return {
    kind: 'groups',
    extents: [],
    size,
    times: Float64Array.from(
      parts.flatMap((part) => Array.from(part.times.subarray(0, part.size))),
    ),
    keys: query.dimensions.map((_, k) => parts.flatMap((part) => [...(part.keys[k] ?? [])])),
    states,
  };
}

/** The groups after having, order and limit, as one table in answer order: the rows of an outer query. */
export function finishedTable(
  query: GroupByQuery,
  groups: GroupsPartial,
): { table: ResultTable; times: Float64Array } {
  const [part] = finishedParts(query, groups);
  if (part === undefined) throw new TypeError('a groupBy has one finished part');
  const picked = pickGroups(part.table.groups, part.slots);
  return {
    table: new ResultTable(query, picked),
    times: Float64Array.from(part.slots, (slot) => part.times[slot] ?? 0),
  };
}

/** No dimensions and no buckets always give one row. */
function withEmptyRow(query: GroupByQuery, groups: GroupsPartial): GroupsPartial {
  if (query.dimensions.length > 0 || query.granularity.type !== 'all' || groups.size > 0)
    return groups;
  const states = query.aggregations.map((aggregator) => {
    const state = makeState(aggregator);
    state.reserve(1);
    return state;
  });
  return { ...groups, size: 1, times: new Float64Array(1), states };
}

function subtotal(
  query: GroupByQuery,
  groups: GroupsPartial,
  kept: readonly number[],
): GroupsPartial {
  const nulls = Array.from({ length: groups.size }, () => null);
  const keys = groups.keys.map((column, k) => (kept.includes(k) ? column : nulls));
  return mergeGroups(query, [{ ...groups, keys }], true);
}

/** `grouping` aggregators set to what a grouping that keeps the dimensions `kept` leaves out. */
function withGrouping(
  query: GroupByQuery,
  groups: GroupsPartial,
  kept: readonly number[],
): GroupsPartial {
  const names = new Set(kept.map((k) => query.dimensions[k]?.dimension));
  const states = groups.states.map((state, s) => {
    const groupings = groupingsOf(query.aggregations[s]);
    if (groupings === null) return state;
    const bits = groupings.map((name) => (names.has(name) ? '0' : '1')).join('');
    return GroupingState.filled(groups.size, BigInt(`0b${bits}`));
  });
  return { ...groups, states };
}

function groupingsOf(aggregator: Aggregator | undefined): readonly string[] | null {
  if (aggregator?.type === 'filtered') return groupingsOf(aggregator.aggregator);
  return aggregator?.type === 'grouping' ? aggregator.groupings : null;
}

/** Slots that pass, ascending. */
function havingSlots(query: GroupByQuery, table: ResultTable, times: Float64Array): number[] {
  const slots: number[] = [];
  for (let slot = 0; slot < table.groups.size; slot++) slots.push(slot);
  return query.having === null ? slots : slots.filter(compileHaving(query.having, table, times));
}

function compileHaving(
  having: Having,
  table: ResultTable,
  times: Float64Array,
): (slot: number) => boolean {
  switch (having.type) {
    case 'always':
      return () => true;
    case 'never':
      return () => false;
    case 'not': {
      const inner = compileHaving(having.havingSpec, table, times);
      return (slot) => !inner(slot);
    }
    case 'and':
    case 'or': {
      const specs = having.havingSpecs.map((spec) => compileHaving(spec, table, times));
      return having.type === 'and'
        ? (slot) => specs.every((spec) => spec(slot))
        : (slot) => specs.some((spec) => spec(slot));
    }
    case 'dimSelector':
      return (slot) => textOf(table.value(having.dimension, slot)) === having.value;
    case 'compare': {
      const wanted = longOfText(having.value) ?? doubleOf(having.value) ?? 0;
      return (slot) => compares(having.operation, table.value(having.aggregation, slot), wanted);
    }
    case 'filter': {
      const sources = new SourceSet(tableView(table, times), [], table.lookups);
      const passing = new Set<number>();
      for (const { rows, count } of new Selection(sources, having.filter, [ETERNITY]).batches()) {
        for (let i = 0; i < count; i++) passing.add(sources.cursor.from + rows[i]!);
      }
      return (slot) => passing.has(slot);
    }
  }
}

/** Null never satisfies a numeric condition. */
function compares(operation: 'eq' | 'gt' | 'lt', value: Value, wanted: bigint | number): boolean {
  if (value === null) return false;
  const exact = typeof value === 'bigint' && typeof wanted === 'bigint';
  const order = exact
    ? compareValues(value, wanted)
    : compareDoubles(doubleOf(value) ?? Number.NaN, Number(wanted));
  return operation === 'eq' ? order === 0 : operation === 'gt' ? order > 0 : order < 0;
}
