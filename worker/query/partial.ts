// Intermediate results: what data nodes send to the broker and what is cached per segment. Associative under
// merge.ts. Fed by run/; read by merge, codec and finish.

import type { Interval } from '../../core/model/interval.ts';
import type { AggregateState } from './aggregate/state.ts';
import type { CombiningAggregator } from '../view/view.ts';
import type { Value } from './value.ts';

/**
 * First and last row time, inclusive, epoch ms, of the views asked for the query interval that holds `atMs`. Not
 * clipped to it: only then are the bounds the same however rows are cut into views. Tells which buckets to fill.
 */
export interface Extent {
  readonly atMs: number;
  readonly firstMs: number;
  readonly lastMs: number;
}

/** Groups of timeseries, topN and groupBy, column by column. */
export interface GroupsPartial {
  readonly kind: 'groups';
  readonly extents: readonly Extent[];
  readonly size: number;
  /** Bucket start per group; 0 under granularity `all`. */
  readonly times: Float64Array;
  /** Per dimension, a value per group. */
  readonly keys: readonly (readonly Value[])[];
  /** Per aggregator, a cell per group. */
  readonly states: readonly AggregateState[];
}

/** Rows of a scan. `times` has the rows' `__time` when the scan is ordered, else it is empty. */
export interface ScanBatch {
  readonly segmentId: string;
  readonly columns: readonly string[];
  /** Druid's type names, null = unknown column. */
  readonly types: readonly (string | null)[];
  readonly size: number;
  readonly times: Float64Array;
  /** Per column, a value per row. */
  readonly values: readonly (readonly Value[])[];
}

/** Batches in answer order. */
export interface ScanPartial {
  readonly kind: 'scan';
  readonly batches: readonly ScanBatch[];
}

/** A value a search found. */
export interface SearchHit {
  readonly timeMs: number;
  readonly dimension: string;
  readonly value: string | null;
  readonly count: number;
}

/** Hits per bucket; `buckets` lists the buckets with data, hit or not. */
export interface SearchPartial {
  readonly kind: 'search';
  readonly buckets: readonly number[];
  readonly hits: readonly SearchHit[];
}

/** Least and greatest row time; null = no rows. */
export interface BoundaryPartial {
  readonly kind: 'boundary';
  readonly minMs: number | null;
  readonly maxMs: number | null;
}

/** What segmentMetadata says of a column. Key order is Druid's. */
export interface ColumnAnalysis {
  readonly typeSignature: string;
  readonly type: string;
  readonly hasMultipleValues: boolean;
  readonly hasNulls: boolean;
  readonly size: number;
  readonly cardinality: number | null;
  readonly minValue: string | null;
  readonly maxValue: string | null;
  readonly errorMessage: string | null;
}

/** What segmentMetadata says of a segment. */
export interface SegmentAnalysis {
  readonly id: string;
  readonly intervals: readonly Interval[] | null;
  readonly columns: Readonly<Record<string, ColumnAnalysis>>;
  readonly size: number;
  readonly numRows: number;
  readonly aggregators: Readonly<Record<string, CombiningAggregator>> | null;
  readonly timestampSpec: unknown;
  readonly queryGranularity: unknown;
  readonly rollup: boolean | null;
}

/** One element per segment. */
interface MetadataPartial {
  readonly kind: 'metadata';
  readonly segments: readonly SegmentAnalysis[];
}

/** Results of a query with context.bySegment; several parts of one segment and interval are to be merged. */
export interface SegmentsPartial {
  readonly kind: 'segments';
  readonly parts: readonly {
    readonly segment: string;
    /** Start of the segment. */
    readonly startMs: number;
    /** What was asked of it. */
    readonly interval: Interval;
    readonly partial: Partial;
  }[];
}

/** Any intermediate result. */
export type Partial =
  | SegmentsPartial
  | GroupsPartial
  | ScanPartial
  | SearchPartial
  | BoundaryPartial
  | MetadataPartial;
