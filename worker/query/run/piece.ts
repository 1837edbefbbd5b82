// What a query runs on: a view and the part of time it answers for. Fed by the roles' timeline and sinks.

import type { Interval } from '../../../core/model/interval.ts';
import type { View } from '../../view/view.ts';

/** One view and the intervals it answers for, already clipped to query and timeline; sorted, no overlap. */
export interface QueryPiece {
  readonly view: View;
  readonly intervals: readonly Interval[];
  /** First and last time that count as data when empty buckets are filled; those of the view unless given. */
  readonly extent?: { readonly firstMs: number; readonly lastMs: number };
}
