// A finished result as inline rows: what a query over another query reads. Fed by merge.ts through plan.ts; the columns
// are those Druid gives such results. Source: druid-query-api.md 5, 17.

import { ComplexState } from '../aggregate/complex-state.ts';
import { makeState } from '../aggregate/make-state.ts';
import { MeanState } from '../aggregate/mean-state.ts';
import { SketchState } from '../aggregate/sketch-state.ts';
import type { AggregatingQuery, Query, ScanQuery } from '../model.ts';
import type { Partial, ScanPartial } from '../partial.ts';
import type { InlineColumn, InlineSource } from '../source/inline-source.ts';
import type { OutputType, Value } from '../value.ts';
import { OUTPUT_TYPES } from '../value.ts';
import { allTimestamp, bucketStarts } from './buckets-between.ts';
import { finishedTable } from './group-by.ts';
import { ResultTable } from './result-table.ts';
import { timeseriesRows } from './timeseries.ts';
import { rankedSlots } from './top-n.ts';

const TIME: InlineColumn = { name: '__time', type: 'LONG' };

/**
 * The rows of the answer to `query`, finalised, in answer order. A groupBy under `all` has no `__time`.
 *
 * @param unfinished aggregators whose sketches are wanted as they are
 * @throws TypeError for query types that cannot be nested; the parser refuses them
 */
export function resultRows(
  query: Query,
  partial: Partial,
  unfinished: ReadonlySet<string>,
): InlineSource {
  if (query.queryType === 'scan' && partial.kind === 'scan') return scanRows(query, partial);
  if (partial.kind !== 'groups') throw new TypeError(`a ${query.queryType} cannot be nested`);
  switch (query.queryType) {
    case 'groupBy': {
      const { table, times } = finishedTable(query, partial);
      const isAll = query.granularity.type === 'all';
      const slots = Array.from(times, (ms, slot) => ({ ms, slot }));
      return tableRows(table, slots, !isAll, unfinished);
    }
    case 'timeseries': {
      const rows = [...timeseriesRows(query, partial)].slice(0, query.limit ?? undefined);
      return tableRows(new ResultTable(query, partial), rows, true, unfinished);
    }
    case 'topN': {
      const table = new ResultTable(query, partial);
      const ranked = rankedSlots(query, partial, table, query.threshold);
      const isAll = query.granularity.type === 'all';
      const starts = isAll
        ? [allTimestamp(query, partial)]
        : [...bucketStarts(query, partial, false)];
      const slots = starts.flatMap((ms) =>
        (ranked.get(isAll ? 0 : ms) ?? []).map((slot) => ({ ms, slot })),
      );
      return tableRows(table, slots, true, unfinished);
    }
    default:
      throw new TypeError(`a ${query.queryType} cannot be nested`);
  }
}

function tableRows(
  table: ResultTable,
  slots: readonly { readonly ms: number; readonly slot: number }[],
  withTime: boolean,
  unfinished: ReadonlySet<string>,
): InlineSource {
  const columns = table.columns.filter(({ name }) => name !== '__time');
  const objects = columns.map(({ name }) =>
    unfinished.has(name) ? objectsOf(table.query, name) : undefined,
  );
  const own = columns.map(({ name, type }, c): InlineColumn => {
    const complex = objects[c];
    return complex === undefined ? { name, type } : { name, type: null, complex };
  });
  return {
    type: 'inline',
    name: 'inline',
    columns: withTime ? [TIME, ...own] : own,
    rows: slots.map(({ ms, slot }) => {
      const values = columns.map((column, c) =>
        owned(objects[c] === undefined ? column.value(slot) : table.raw(column.name, slot)),
      );
      return withTime ? [BigInt(ms), ...values] : values;
    }),
    timeMs: 0,
  };
}

/** Druid's name of the sketches an aggregator makes; undefined when it makes none. */
function objectsOf(query: AggregatingQuery, name: string): string | undefined {
  const aggregator = query.aggregations.find((known) => known.name === name);
  if (aggregator === undefined) return undefined;
  const state = makeState(aggregator);
  if (state instanceof ComplexState) return state.kind.typeName;
  if (state instanceof MeanState) return 'doubleMean';
  return state instanceof SketchState ? 'hyperUnique' : undefined;
}

/** Sketch bytes may be read into the same buffer again. */
function owned(value: Value): Value {
  return value instanceof Uint8Array ? Uint8Array.from(value) : value;
}

function scanRows(query: ScanQuery, { batches }: ScanPartial): InlineSource {
  const types = new Map<string, OutputType | null>();
  for (const name of query.columns ?? []) types.set(name, null);
  const objectTypes = new Map<string, string>();
  for (const batch of batches) {
    for (const [c, name] of batch.columns.entries()) {
      const type = batch.types[c] ?? null;
      types.set(name, types.get(name) ?? typeOf(type));
      const objects = /^COMPLEX<(.*)>$/.exec(type ?? '')?.[1];
      if (objects !== undefined) objectTypes.set(name, objects);
    }
  }
  const names = [...types.keys()];
  const rows = batches.flatMap((batch) => {
    const at = names.map((name) => batch.columns.indexOf(name));
    return Array.from({ length: batch.size }, (_, row) =>
      at.map((c): Value => batch.values[c]?.[row] ?? null),
    );
  });
  const end = query.limit === null ? undefined : query.offset + query.limit;
  return {
    type: 'inline',
    name: 'inline',
    columns: names.map((name) => {
      const complex = objectTypes.get(name);
      const type = types.get(name) ?? null;
      return complex === undefined ? { name, type } : { name, type, complex };
    }),
    rows: rows.slice(query.offset, end),
    timeMs: 0,
  };
}

function typeOf(type: string | null): OutputType | null {
  return OUTPUT_TYPES.find((known) => known === type) ?? null;
}
