// Writes the internal files of a planned and ordered build in Druid's order: time, metrics, dimensions, index,
// metadata. One column is in memory at a time. Fed by build.ts.

import { combiningForm } from '../view/metric.ts';
import type { BuildOptions } from './build-options.ts';
import type { BuildEncoding } from './build-checks.ts';
import type { NumberPlan, Plan, StringPlan } from './build-plan.ts';
import { writeSegmentIndex } from './index-drd.ts';
import { writeSegmentMetadata } from './metadata-drd.ts';
import { writeNumberColumn } from './number-writer.ts';
import { gatherObjects, type ObjectPlan } from './object-plan.ts';
import { writeObjectColumn } from './object-writer.ts';
import { gatherIds, gatherLists, gatherNumbers, gatherTimes } from './row-gather.ts';
import type { Piece, RowOrder } from './row-merge.ts';
import type { SmooshWriter } from './smoosh-writer.ts';
import { writeNullColumn, writeStringColumn } from './string-writer.ts';

/** Room for one column of the result; longs and doubles are the same bytes, ids and scratch the halves of them. */
export interface BuildArrays {
  readonly longs: BigInt64Array;
  readonly doubles: Float64Array;
  readonly ids: Int32Array;
  readonly scratch: Int32Array;
  readonly nulls: Uint8Array;
}

/** Everything the columns are written from. */
interface BuildState {
  readonly options: BuildOptions;
  readonly plan: Plan;
  readonly pieces: readonly Piece[];
  readonly order: RowOrder;
  readonly encoding: BuildEncoding;
  readonly arrays: BuildArrays;
  readonly checkStop: () => void;
}

/** Writes all internal files. */
export function writeColumns(out: SmooshWriter, state: BuildState): void {
  const { options, plan, order, arrays, encoding } = state;
  out.begin('__time');
  gatherTimes(state.pieces, order, arrays.longs);
  const time = { type: 'LONG', values: arrays.longs, nulls: undefined, rows: order.rows } as const;
  writeNumberColumn(out, time, encoding);
  out.end();
  for (const metric of plan.metrics) {
    if (metric.kind === 'number') writeNumbers(out, metric, state);
    else writeObjects(out, metric, state);
  }
  const allNull = new Set<string>();
  plan.dimensions.forEach((dimension, place) => {
    if (dimension.kind === 'number') writeNumbers(out, dimension, state);
    else if (!isAllNull(dimension)) writeStrings(out, dimension, place, state);
    else {
      allNull.add(dimension.name);
      out.begin(dimension.name);
      writeNullColumn(out, order.rows, encoding.bitmaps.json);
      out.end();
    }
  });
  const metrics = plan.metrics.map((metric) => metric.name);
  const dimensions = plan.dimensions.map((dimension) => dimension.name);
  out.begin('index.drd');
  const index = { interval: options.interval, metrics, dimensions };
  writeSegmentIndex(out, index, allNull, encoding.bitmaps.json);
  out.end();
  const byName = new Map(options.metrics.map((metric) => [metric.name, combiningForm(metric)]));
  const aggregators = plan.metrics
    .map((metric) => (metric.kind === 'object' ? metric.aggregator : byName.get(metric.name)))
    .filter((form) => form !== undefined);
  const { timestampSpec, queryGranularity, rollup } = options;
  out.begin('metadata.drd');
  out.bytes(
    writeSegmentMetadata({ aggregators, timestampSpec, queryGranularity, rollup, dimensions }),
  );
  out.end();
}

/** Empty lists are kept apart from nulls, so a column that has some is written like any other. */
function isAllNull({ dictionary }: StringPlan): boolean {
  return dictionary.values.size === 0 && !dictionary.isMulti;
}

function writeObjects(out: SmooshWriter, column: ObjectPlan, state: BuildState): void {
  const { order, pieces } = state;
  state.checkStop();
  out.begin(column.name);
  writeObjectColumn(out, column.typeName, order.rows, (emit) =>
    gatherObjects(pieces, order, column, emit),
  );
  out.end();
}

function writeNumbers(out: SmooshWriter, column: NumberPlan, state: BuildState): void {
  const { arrays, order, pieces, encoding } = state;
  state.checkStop();
  const values = column.type === 'LONG' ? arrays.longs : arrays.doubles;
  const fold = { how: column.fold, isFloat: column.type === 'FLOAT' };
  const hasNulls = gatherNumbers(pieces, order, column.pieces, fold, values, arrays.nulls);
  out.begin(column.name);
  const nulls = hasNulls ? arrays.nulls : undefined;
  writeNumberColumn(out, { type: column.type, values, nulls, rows: order.rows }, encoding);
  out.end();
}

function writeStrings(
  out: SmooshWriter,
  column: StringPlan,
  place: number,
  state: BuildState,
): void {
  const { arrays, order, pieces, encoding } = state;
  const { dictionary, hasBitmaps } = column;
  state.checkStop();
  const common = {
    rows: order.rows,
    hasNull: dictionary.hasNull,
    values: dictionary.values,
    hasBitmaps,
    scratch: arrays.scratch,
    compression: encoding.dimensions,
    bitmaps: encoding.bitmaps,
  };
  out.begin(column.name);
  if (dictionary.isMulti) {
    const { ids, offsets } = gatherLists(pieces, order, column.pieces, place);
    writeStringColumn(out, { ...common, ids, offsets });
  } else {
    gatherIds(pieces, order, column.pieces, place, arrays.ids);
    writeStringColumn(out, { ...common, ids: arrays.ids, offsets: undefined });
  }
  out.end();
}
