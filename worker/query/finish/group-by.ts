// Finishes a groupBy: having, order, offset and limit, subtotals. Source: druid-query-api.md 6.6, 12.

import { ETERNITY } from '../../../core/model/interval.ts';
import { makeState } from '../aggregate/make-state.ts';
import { Selection } from '../engine/selection.ts';
import { SourceSet } from '../engine/source.ts';
import { mergeGroups } from '../merge-groups.ts';
import type { GroupByQuery, Having } from '../model.ts';
import type { GroupsPartial } from '../partial.ts';
import { textComparator } from '../text/order.ts';
import {
  compareDoubles,
  compareValues,
  doubleOf,
  longOfText,
  textOf,
  type Value,
} from '../value.ts';
import { bucketWriter, valueJson } from './json.ts';
import { ResultTable } from './result-table.ts';
import { tableView } from './result-view.ts';

/** Bucket time stamp of a group: under `all` the start of the first query interval. */
export function groupTimes(query: GroupByQuery, groups: GroupsPartial): Float64Array {
  if (query.granularity.type !== 'all') return groups.times;
  return new Float64Array(groups.size).fill(query.intervals[0]?.startMs ?? 0);
}

/** A finished row. */
interface Row {
  readonly table: ResultTable;
  readonly slot: number;
  readonly ms: number;
}

/** One JSON element per row. */
export function* groupByElements(query: GroupByQuery, groups: GroupsPartial): Generator<string> {
  const writeTime = bucketWriter(query.granularity, query.context);
  const isAll = query.granularity.type === 'all';
  for (const { table, slot, ms } of finishedRows(query, groups)) {
    if (query.context.resultAsArray) {
      const cells = table.columns.map((column) => column.json(slot));
      yield `[${(isAll ? cells : [valueJson(BigInt(ms)), ...cells]).join(',')}]`;
    } else yield `{"version":"v1","timestamp":${writeTime(ms)},"event":${table.objectJson(slot)}}`;
  }
}

/** The rows in answer order, after having and limit. */
function finishedRows(query: GroupByQuery, groups: GroupsPartial): Row[] {
  const tables =
    query.subtotals === null
      ? [withEmptyRow(query, groups)]
      : query.subtotals.map((kept) => subtotal(query, groups, kept));
  const rows = tables.flatMap((part) => {
    const table = new ResultTable(query, part);
    const times = groupTimes(query, part);
    const all = Array.from({ length: part.size }, (_, slot): Row => ({
      table,
      slot,
      ms: times[slot] ?? 0,
    }));
    return havingRows(query, table, times, all).sort(defaultOrder(query));
  });
  if (query.limitSpec.columns.length > 0) rows.sort(limitOrder(query));
  const { offset, limit } = query.limitSpec;
  return rows.slice(offset, limit === null ? undefined : offset + limit);
}

/** The groups after having, order and limit, as one table in answer order: the rows of an outer query. */
export function finishedTable(
  query: GroupByQuery,
  groups: GroupsPartial,
): { table: ResultTable; times: Float64Array } {
  if (query.subtotals !== null) throw new TypeError('subtotals cannot be nested');
  const rows = finishedRows(query, groups);
  const source = rows[0]?.table.groups ?? groups;
  const slots = Int32Array.from(rows, (row) => row.slot);
  const picked: GroupsPartial = {
    kind: 'groups',
    extents: [],
    size: slots.length,
    times: Float64Array.from(slots, (slot) => source.times[slot] ?? 0),
    keys: source.keys.map((column) => Array.from(slots, (slot) => column[slot] ?? null)),
    states: source.states.map((state) => state.pick(slots)),
  };
  return { table: new ResultTable(query, picked), times: Float64Array.from(rows, (row) => row.ms) };
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

function havingRows(
  query: GroupByQuery,
  table: ResultTable,
  times: Float64Array,
  rows: Row[],
): Row[] {
  if (query.having === null) return rows;
  const passes = compileHaving(query.having, table, times);
  return rows.filter((row) => passes(row.slot));
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
      const sources = new SourceSet(tableView(table, times), []);
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

type RowOrder = (a: Row, b: Row) => number;

/** Bucket, then dimensions left to right; dimensions first when the context says so. */
function defaultOrder(query: GroupByQuery): RowOrder {
  const names = query.dimensions.map((dimension) => dimension.outputName);
  const byDimensions: RowOrder = (a, b) => {
    for (const name of names) {
      const order = compareValues(a.table.value(name, a.slot), b.table.value(name, b.slot));
      if (order !== 0) return order;
    }
    return 0;
  };
  return query.context.sortByDimsFirst
    ? (a, b) => byDimensions(a, b) || a.ms - b.ms
    : (a, b) => a.ms - b.ms || byDimensions(a, b);
}

/** The columns of the limit spec, behind the bucket unless dimensions come first. The sort is stable. */
function limitOrder(query: GroupByQuery): RowOrder {
  const columns = query.limitSpec.columns.map(({ dimension, descending, order }) => {
    const spec = query.dimensions.find((d) => d.outputName === dimension);
    const isText = spec !== undefined && spec.outputType === 'STRING';
    const compareText = textComparator(order);
    const sign = descending ? -1 : 1;
    return (a: Row, b: Row): number => {
      const [x, y] = [a.table.value(dimension, a.slot), b.table.value(dimension, b.slot)];
      return sign * (isText ? compareText(textOf(x), textOf(y)) : compareValues(x, y));
    };
  });
  const isTimed = query.granularity.type !== 'all' && !query.context.sortByDimsFirst;
  return (a, b) => {
    if (isTimed && a.ms !== b.ms) return a.ms - b.ms;
    for (const compare of columns) {
      const order = compare(a, b);
      if (order !== 0) return order;
    }
    return 0;
  };
}
