// A view over an array of plain rows: the simplest complete implementation of view.ts. Fed by tests and by
// small tools (one row, a handful of rows); read by query and by the segment writer exactly as any other view.

import { complexKind } from '../../core/complex/complex-kind.ts';
import type { Interval } from '../../core/model/interval.ts';
import { druidGranularity, type Granularity } from '../../core/model/granularity.ts';
import { ETERNITY } from '../../core/model/interval.ts';
import type { CompiledMetric } from '../../core/spec/compiled.ts';
import type { DimensionType } from '../../core/spec/realtime-ingestion.ts';
import { combiningForm, metricValueType } from './metric.ts';
import {
  rowComplexColumn,
  rowNumericColumn,
  rowStringColumn,
  type RowValue,
} from './row-columns.ts';
import type { Column, View } from './view.ts';

/** One row: `__time` in epoch ms, and a value per column; what is absent is null. */
export interface Row {
  readonly __time: number;
  readonly [column: string]: RowValue;
}

/** The columns of a {@link rowView} and what it says of itself. */
export interface RowViewSchema {
  /** In order. `type` defaults to string. */
  readonly dimensions: readonly { readonly name: string; readonly type?: DimensionType }[];
  /** In order. Rows hold the metric's stored value under its name (a count of 1 is not implied). */
  readonly metrics?: readonly Omit<CompiledMetric, 'fieldName'>[];
  /** Default `rows`. */
  readonly segmentId?: string;
  /** Default eternity. */
  readonly interval?: Interval;
  /** Default false. */
  readonly rollup?: boolean;
  /** Default none. */
  readonly queryGranularity?: Granularity;
  /** Default true; false = ids in order of first appearance, as in the in-memory index. */
  readonly sortedDictionaries?: boolean;
  /** Default true; false = no bitmaps, as in the in-memory index. */
  readonly bitmaps?: boolean;
}

/**
 * The rows in the order given, as a view. Nothing is sorted, rolled up or truncated.
 *
 * @throws Failure `input` RowInvalid naming the column whose value does not fit its type
 */
export function rowView(rows: readonly Row[], schema: RowViewSchema): View {
  const times = Float64Array.from(rows, (row) => row.__time);
  const columns = makeColumns(rows, schema);
  const metrics = schema.metrics ?? [];
  return {
    segmentId: schema.segmentId ?? 'rows',
    interval: schema.interval ?? ETERNITY,
    rows: rows.length,
    minTimeMs: times.reduce((a, b) => Math.min(a, b), Infinity),
    maxTimeMs: times.reduce((a, b) => Math.max(a, b), -Infinity),
    timeSorted: times.every((time, row) => row === 0 || (times[row - 1] ?? time) <= time),
    sizeBytes: 0,
    dimensions: schema.dimensions.map((dimension) => dimension.name),
    metrics: metrics.map((metric) => metric.name),
    metadata: {
      aggregators: metrics.map(combiningForm),
      queryGranularity: druidGranularity(schema.queryGranularity ?? { type: 'none' }),
      rollup: schema.rollup ?? false,
      timestampSpec: null,
    },
    readTimes(from, count, out) {
      out.set(times.subarray(from, from + count));
    },
    column: (name) => columns.get(name),
  };
}

function makeColumns(rows: readonly Row[], schema: RowViewSchema): Map<string, Column> {
  const columns = new Map<string, Column>();
  const options = { sorted: schema.sortedDictionaries ?? true, bitmaps: schema.bitmaps ?? true };
  for (const { name, type = 'string' } of schema.dimensions) {
    const values = rows.map((row) => row[name]);
    if (type === 'string') columns.set(name, rowStringColumn(name, values, options));
    else columns.set(name, rowNumericColumn(name, NUMERIC_TYPES[type], values));
  }
  for (const metric of schema.metrics ?? []) {
    const values = rows.map((row) => row[metric.name]);
    const kind = complexKind(metric);
    columns.set(
      metric.name,
      kind === undefined
        ? rowNumericColumn(metric.name, metricValueType(metric.type), values)
        : rowComplexColumn(metric.name, kind.typeName, values),
    );
  }
  return columns;
}

const NUMERIC_TYPES = { long: 'LONG', double: 'DOUBLE', float: 'FLOAT' } as const;
