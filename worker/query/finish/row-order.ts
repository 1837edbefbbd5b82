// Orders of groupBy rows, over columns read once instead of once a comparison. Fed by group-by.ts.
// Source: druid-query-api.md 6.6, 12.2.

import { LongState } from '../aggregate/state.ts';
import type { GroupByQuery } from '../model.ts';
import { textComparator } from '../text/order.ts';
import { compareValues, textOf, type Value } from '../value.ts';
import type { SlotOrder } from './first-of.ts';
import type { ResultTable } from './result-table.ts';

/** Bucket, then dimensions left to right; dimensions first when the context says so. */
export function defaultOrder(
  query: GroupByQuery,
  table: ResultTable,
  times: Float64Array,
): SlotOrder {
  const columns = table.groups.keys;
  const byTime: SlotOrder = (a, b) => times[a]! - times[b]!;
  const byDimensions: SlotOrder = (a, b) => {
    for (const column of columns) {
      const order = compareValues(column[a] ?? null, column[b] ?? null);
      if (order !== 0) return order;
    }
    return 0;
  };
  return query.context.sortByDimsFirst
    ? (a, b) => byDimensions(a, b) || byTime(a, b)
    : (a, b) => byTime(a, b) || byDimensions(a, b);
}

/** The columns of the limit spec, behind the bucket unless dimensions come first; 0 = tied. */
export function limitOrder(
  query: GroupByQuery,
  table: ResultTable,
  times: Float64Array,
): SlotOrder {
  const columns = query.limitSpec.columns.map(({ dimension, descending, order }): SlotOrder => {
    const sign = descending ? -1 : 1;
    const doubles = exactDoubles(query, table, dimension);
    if (doubles !== null) return (a, b) => sign * (doubles[a]! - doubles[b]!);
    const values = columnValues(table, dimension);
    // Dimensions that are numbers are compared as text by every order but their own.
    const isText = query.dimensions.some(
      (d) => d.outputName === dimension && (d.outputType === 'STRING' || order !== 'numeric'),
    );
    if (!isText) return (a, b) => sign * compareValues(values[a] ?? null, values[b] ?? null);
    const compare = textComparator(order);
    return (a, b) => sign * compare(textOf(values[a] ?? null), textOf(values[b] ?? null));
  });
  const isTimed = query.granularity.type !== 'all' && !query.context.sortByDimsFirst;
  return (a, b) => {
    if (isTimed && times[a] !== times[b]) return times[a]! - times[b]!;
    for (const compare of columns) {
      const order = compare(a, b);
      if (order !== 0) return order;
    }
    return 0;
  };
}

/**
 * An aggregator's longs as doubles where none is rounded; null = compare values. Nulls come first: below all longs, though
 * not at an infinity, whose difference to itself is no number.
 */
function exactDoubles(query: GroupByQuery, table: ResultTable, name: string): Float64Array | null {
  if (table.column(name)?.kind !== 'aggregator') return null;
  const state = table.groups.states[query.aggregations.findIndex((a) => a.name === name)];
  if (!(state instanceof LongState)) return null;
  const slots = new Int32Array(table.groups.size);
  for (let slot = 0; slot < slots.length; slot++) slots[slot] = slot;
  return state.doubles(slots, -Number.MAX_VALUE);
}

/** A column of all groups: dimensions as they are, others computed once. */
function columnValues(table: ResultTable, name: string): readonly Value[] {
  const column = table.column(name);
  if (column === undefined) return [];
  const k = table.columns.indexOf(column);
  const key = column.kind === 'dimension' ? table.groups.keys[k] : undefined;
  return key ?? Array.from({ length: table.groups.size }, (_, slot) => column.value(slot));
}
