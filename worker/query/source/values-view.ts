// Columns of values as a view: what inline rows and results of queries have in common. Fed by inline-view.ts and
// result-view.ts; read by run/. Source: druid-query-api.md 5.

import { ETERNITY } from '../../../core/model/interval.ts';
import type { Column, View } from '../../view/view.ts';

/** What the view is made of; `times` are the rows'. */
interface ValuesViewParts {
  readonly segmentId: string;
  readonly times: Float64Array;
  readonly dimensions: readonly string[];
  /** Makes a column, once; undefined for a name that is none. */
  make(name: string): Column | undefined;
}

/** The view. */
export function valuesView({ segmentId, times, dimensions, make }: ValuesViewParts): View {
  const columns = new Map<string, Column>();
  return {
    segmentId,
    interval: ETERNITY,
    rows: times.length,
    minTimeMs: times.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
    maxTimeMs: times.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY),
    timeSorted: times.every((time, row) => row === 0 || time >= times[row - 1]!),
    sizeBytes: 0,
    dimensions,
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
