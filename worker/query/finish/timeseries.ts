// Finishes a timeseries: order, empty buckets, limit, grand total. Source: druid-query-api.md 6.4.

import { makeState } from '../aggregate/make-state.ts';
import type { TimeseriesQuery } from '../model.ts';
import type { GroupsPartial } from '../partial.ts';
import { allTimestamp, bucketStarts } from './buckets-between.ts';
import { bucketWriter } from './json.ts';
import { EMPTY_SLOT, ResultTable } from './result-table.ts';

/** One JSON element per bucket. */
export function* timeseriesElements(
  query: TimeseriesQuery,
  groups: GroupsPartial,
): Generator<string> {
  const table = new ResultTable(query, groups);
  const { context } = query;
  const writeTime = bucketWriter(query.granularity, context);
  const field =
    context.timestampResultField === null ? null : JSON.stringify(context.timestampResultField);
  const shown: number[] = [];
  let count = 0;
  for (const { ms, slot } of timeseriesRows(query, groups)) {
    if (query.limit !== null && count >= query.limit) break;
    count++;
    if (slot !== EMPTY_SLOT) shown.push(slot);
    const extra = field === null ? '' : `${field}:${ms}`;
    yield `{"timestamp":${writeTime(ms)},"result":${table.objectJson(slot, table.columns, extra)}}`;
  }
  if (context.grandTotal && count === 0) yield `{"timestamp":null,"result":${nothingJson(query)}}`;
  else if (context.grandTotal)
    yield `{"timestamp":null,"result":${totalTable(query, groups, shown).objectJson(0)}}`;
}

const ESTIMATES: readonly string[] = ['cardinality', 'hyperUnique', 'sketch'];

/** The total of no bucket: null, counts included, but for estimates. */
function nothingJson(query: TimeseriesQuery): string {
  const estimates = new Set(
    query.aggregations
      .map((a) => (a.type === 'filtered' ? { ...a.aggregator, name: a.name } : a))
      .filter((a) => ESTIMATES.includes(a.type))
      .map((a) => a.name),
  );
  return `{${[...query.aggregations, ...query.postAggregations]
    .map(({ name }) => `${JSON.stringify(name)}:${estimates.has(name) ? '0' : 'null'}`)
    .join(',')}}`;
}

/** Buckets in answer order with their groups; EMPTY_SLOT where there is none. */
export function* timeseriesRows(
  query: TimeseriesQuery,
  groups: GroupsPartial,
): Generator<{ ms: number; slot: number }> {
  if (query.granularity.type === 'all') {
    if (groups.size === 0 && query.context.skipEmptyBuckets) return;
    yield { ms: allTimestamp(query, groups), slot: groups.size === 0 ? EMPTY_SLOT : 0 };
    return;
  }
  const slots = new Map(Array.from(groups.times, (ms, slot) => [ms, slot]));
  for (const ms of bucketStarts(query, groups, query.descending))
    yield { ms, slot: slots.get(ms) ?? EMPTY_SLOT };
}

/** All returned buckets as one group, post-aggregators recomputed. */
function totalTable(
  query: TimeseriesQuery,
  groups: GroupsPartial,
  shown: readonly number[],
): ResultTable {
  const slots = Int32Array.from(shown);
  const states = query.aggregations.map((aggregator, i) => {
    const total = makeState(aggregator);
    total.reserve(1);
    const from = groups.states[i];
    if (from !== undefined) total.merge(from.pick(slots), new Int32Array(slots.length));
    return total;
  });
  return new ResultTable(query, {
    kind: 'groups',
    extents: [],
    size: 1,
    times: new Float64Array(1),
    keys: [],
    states,
  });
}
