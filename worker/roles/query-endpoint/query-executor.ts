// The port between the Druid-compatible endpoint and whoever finds the rows: a data node asks its own threads, the
// broker asks data nodes.

import type { Interval } from '../../../core/model/interval.ts';
import type { Partial, Query } from '../../query/query.ts';

/** What an execution says beside its rows. */
export interface ExecutionNotes {
  /** Segments asked. */
  segments: number;
  /** Segments of the timeline that could not be read, as Druid's response context lists them. */
  missingSegments: { readonly itvl: string; readonly ver: string; readonly part: number }[];
  /** Parts of the intervals without a segment, as many as context.uncoveredIntervalsLimit allows. */
  uncovered: Interval[];
  /** True when there are more of them. */
  isUncoveredOverflowed: boolean;
}

/** Notes parts without a segment: as many as the query's context allows, its data sources together. */
export function noteUncovered(
  query: Query,
  uncovered: readonly Interval[],
  notes: ExecutionNotes,
): void {
  const most = query.context.uncoveredIntervalsLimit;
  if (most === 0) return;
  const room = most - notes.uncovered.length;
  notes.uncovered.push(...uncovered.slice(0, room));
  if (uncovered.length > room) notes.isUncoveredOverflowed = true;
}

/** The port. */
export interface QueryExecutor {
  /**
   * Partial results of a query on tables; to be merged by the caller. `text` is the same query as JSON text.
   *
   * @throws Failure with the codes of query errors (QueryTimeout, QueryCancelled, ResourceLimitExceeded, ...)
   */
  execute(
    query: Query,
    text: string,
    cancelWord: Int32Array,
    notes: ExecutionNotes,
  ): AsyncIterable<Partial>;
  /** Names of data sources that can be asked. */
  dataSources(): readonly string[];
}
