// A group result as a view, so that filters and outer queries read it like any other rows. Fed by groupBy's
// having and by nested queries. Source: druid-query-api.md 5, 12.1.

import { ETERNITY } from '../../../core/model/interval.ts';
import type { Column, View } from '../../view/view.ts';
import { valueColumn } from '../source/value-column.ts';
import type { ResultTable } from './result-table.ts';

/** The groups as rows: `times` become `__time`, output columns keep their names. */
export function tableView(table: ResultTable, times: Float64Array): View {
  const columns = new Map<string, Column>();
  const names = table.columns.map((column) => column.name);
  const make = (name: string): Column | undefined => {
    const output = table.column(name);
    if (output === undefined) return undefined;
    return valueColumn(name, table.values(output), output.type);
  };
  return {
    segmentId: 'result',
    interval: ETERNITY,
    rows: times.length,
    minTimeMs: times.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
    maxTimeMs: times.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY),
    timeSorted: times.every((time, row) => row === 0 || time >= times[row - 1]!),
    sizeBytes: 0,
    dimensions: names,
    metrics: [],
    metadata: { aggregators: null, queryGranularity: null, rollup: null, timestampSpec: null },
    readTimes(from, count, out) {
      out.set(times.subarray(from, from + count));
    },
    column(name) {
      const known = columns.get(name);
      if (known !== undefined) return known;
      const column = make(name);
      if (column !== undefined) columns.set(name, column);
      return column;
    },
  };
}
