// What a parsed query is: plain JSON-able data with every default filled in, so that it can be posted between
// threads and printed as a cache key. Fed by parse/; feeds execution, merge and finish.
// Source: druid-query-api.md 5 to 12.

import type { Granularity } from '../../core/model/granularity.ts';
import type { Interval } from '../../core/model/interval.ts';
import type { QueryContext } from './context.ts';
import type { LookupTables } from './expression/function.ts';
import type { DimensionSpec, Filter, SearchSpec } from './filter-model.ts';
import type { InlineSource } from './source/inline-source.ts';
import type { JoinCondition } from './source/join-condition.ts';
import type { SketchAggregator, SketchPost } from './sketch-model.ts';
import type { SortOrder } from './text/order.ts';
import type { OutputType } from './value.ts';

/** Where rows come from. `union` reads all; `query` reads the result rows of another query. */
export type DataSource =
  | { readonly type: 'table'; readonly name: string }
  | { readonly type: 'union'; readonly names: readonly string[] }
  /** `body` is the query as it was sent. */
  | { readonly type: 'query'; readonly query: Query; readonly body: unknown }
  | InlineSource
  | JoinSource;

/** Rows of `left`, each with the columns of the rows of `right` that meet the condition, under `rightPrefix`. */
export interface JoinSource {
  readonly type: 'join';
  readonly left: DataSource;
  readonly right: DataSource;
  readonly rightPrefix: string;
  readonly condition: JoinCondition;
  readonly joinType: 'INNER' | 'LEFT';
  /** Rows of the left that take part. */
  readonly leftFilter: Filter | null;
}

/** A computed column. `outputType` null = what the expression returns. */
export interface VirtualColumn {
  readonly name: string;
  readonly expression: string;
  readonly outputType: OutputType | null;
  /** True for `ARRAY<outputType>`: a list is one value, not several. */
  readonly isArray: boolean;
}

/** What a numeric aggregator reads: a column or an expression. */
interface AggregatorInput {
  readonly fieldName: string | null;
  readonly expression: string | null;
}

/** Names of the aggregators over one number: value type, then operation. */
export interface NumericAggregator extends AggregatorInput {
  readonly type: 'numeric';
  readonly name: string;
  readonly valueType: 'LONG' | 'DOUBLE' | 'FLOAT';
  readonly operation: 'sum' | 'min' | 'max';
}

/** Aggregators. Source: 10. */
export type Aggregator =
  | { readonly type: 'count'; readonly name: string }
  | NumericAggregator
  | {
      readonly type: 'pick';
      readonly name: string;
      readonly valueType: OutputType;
      readonly operation: 'first' | 'last' | 'any';
      readonly fieldName: string;
      readonly timeColumn: string;
      readonly maxStringBytes: number;
    }
  | {
      readonly type: 'cardinality';
      readonly name: string;
      readonly fields: readonly DimensionSpec[];
      readonly byRow: boolean;
      readonly round: boolean;
    }
  | {
      readonly type: 'hyperUnique';
      readonly name: string;
      readonly fieldName: string;
      readonly round: boolean;
    }
  | SketchAggregator
  | { readonly type: 'mean'; readonly name: string; readonly fieldName: string }
  /** Tells the groupings of subtotals apart; `groupings` name the columns that dimensions read. */
  | { readonly type: 'grouping'; readonly name: string; readonly groupings: readonly string[] }
  | {
      readonly type: 'filtered';
      readonly name: string;
      readonly filter: Filter;
      readonly aggregator: Aggregator;
    };

/** Post-aggregators; nested ones may have no name (empty). Source: 11. */
export type PostAggregator =
  | {
      readonly type: 'arithmetic';
      readonly name: string;
      readonly fn: '+' | '-' | '*' | '/' | 'quotient' | 'pow';
      readonly fields: readonly PostAggregator[];
      readonly numericFirst: boolean;
    }
  | { readonly type: 'fieldAccess'; readonly name: string; readonly fieldName: string }
  | { readonly type: 'finalizingFieldAccess'; readonly name: string; readonly fieldName: string }
  | (SketchPost & { readonly fields: readonly PostAggregator[] })
  | { readonly type: 'hyperUniqueCardinality'; readonly name: string; readonly fieldName: string }
  | {
      readonly type: 'constant';
      readonly name: string;
      readonly value: string;
      readonly isLong: boolean;
    }
  | {
      readonly type: 'extreme';
      readonly name: string;
      readonly valueType: 'LONG' | 'DOUBLE';
      readonly operation: 'greatest' | 'least';
      readonly fields: readonly PostAggregator[];
    }
  | {
      readonly type: 'expression';
      readonly name: string;
      readonly expression: string;
      readonly outputType: OutputType | null;
    };

/** Conditions on a finished group. Source: 12.1. */
export type Having =
  | { readonly type: 'filter'; readonly filter: Filter }
  | {
      readonly type: 'compare';
      readonly aggregation: string;
      readonly operation: 'eq' | 'gt' | 'lt';
      readonly value: string;
    }
  | { readonly type: 'dimSelector'; readonly dimension: string; readonly value: string | null }
  | { readonly type: 'and' | 'or'; readonly havingSpecs: readonly Having[] }
  | { readonly type: 'not'; readonly havingSpec: Having }
  | { readonly type: 'always' | 'never' };

/** One sort key of a groupBy. */
export interface OrderColumn {
  readonly dimension: string;
  readonly descending: boolean;
  readonly order: SortOrder;
}

/** Limit of a groupBy; `limit` null = none. Source: 12.2. */
export interface LimitSpec {
  readonly limit: number | null;
  readonly offset: number;
  readonly columns: readonly OrderColumn[];
}

/** topN ordering, `inverted` applied. `previousStop` only for dimension order. */
export type TopNMetric =
  | { readonly type: 'numeric'; readonly metric: string; readonly inverted: boolean }
  | {
      readonly type: 'dimension';
      readonly ordering: SortOrder;
      readonly previousStop: string | null;
      readonly inverted: boolean;
    };

interface QueryBase {
  readonly dataSource: DataSource;
  /** Condensed: sorted, no overlap. Eternity when the query names none. */
  readonly intervals: readonly Interval[];
  /** Exactly these segments, when a broker names them; null = whatever the intervals hold. */
  readonly segments: readonly SegmentDescriptor[] | null;
  readonly filter: Filter | null;
  readonly virtualColumns: readonly VirtualColumn[];
  /** Entries of the lookups that expressions name, by name of the lookup. */
  readonly lookups: LookupTables;
  readonly context: QueryContext;
}

/** A part of a segment, as a broker asks for it. Source: 4.1 form 5. */
export interface SegmentDescriptor {
  readonly interval: Interval;
  readonly version: string;
  readonly partition: number;
}

interface AggregatingBase extends QueryBase {
  readonly granularity: Granularity;
  readonly aggregations: readonly Aggregator[];
  readonly postAggregations: readonly PostAggregator[];
}

/** Source: 6.4. */
export interface TimeseriesQuery extends AggregatingBase {
  readonly queryType: 'timeseries';
  readonly descending: boolean;
  readonly limit: number | null;
}

/** Source: 6.5. */
export interface TopNQuery extends AggregatingBase {
  readonly queryType: 'topN';
  readonly dimension: DimensionSpec;
  readonly metric: TopNMetric;
  readonly threshold: number;
}

/** Source: 6.6. `subtotals` lists indexes into `dimensions`. */
export interface GroupByQuery extends AggregatingBase {
  readonly queryType: 'groupBy';
  readonly dimensions: readonly DimensionSpec[];
  readonly having: Having | null;
  readonly limitSpec: LimitSpec;
  readonly subtotals: readonly (readonly number[])[] | null;
}

/** Source: 6.7. `columns` null = all. */
export interface ScanQuery extends QueryBase {
  readonly queryType: 'scan';
  readonly columns: readonly string[] | null;
  readonly compacted: boolean;
  readonly batchSize: number;
  readonly limit: number | null;
  readonly offset: number;
  readonly order: 'none' | 'ascending' | 'descending';
}

/** Source: 6.8. `searchDimensions` null = all string dimensions. */
export interface SearchQuery extends QueryBase {
  readonly queryType: 'search';
  readonly granularity: Granularity;
  readonly searchDimensions: readonly DimensionSpec[] | null;
  readonly query: SearchSpec;
  readonly limit: number;
  readonly sort: SortOrder;
}

/** Source: 6.1. */
export interface TimeBoundaryQuery extends QueryBase {
  readonly queryType: 'timeBoundary';
  readonly bound: 'minTime' | 'maxTime' | null;
}

/** Source: 6.2. */
interface DataSourceMetadataQuery extends QueryBase {
  readonly queryType: 'dataSourceMetadata';
}

/** Analyses a segmentMetadata query can ask for. `projections` is accepted and answers null. */
export const ANALYSIS_TYPES = [
  'cardinality',
  'interval',
  'minmax',
  'size',
  'timestampSpec',
  'queryGranularity',
  'aggregators',
  'rollup',
  'projections',
] as const;
/** One of {@link ANALYSIS_TYPES}. */
type AnalysisType = (typeof ANALYSIS_TYPES)[number];

/** Source: 6.3. `columns` null = all. `usesDefaultInterval` = the query names no interval. */
export interface SegmentMetadataQuery extends QueryBase {
  readonly queryType: 'segmentMetadata';
  readonly columns: readonly string[] | null;
  readonly merge: boolean;
  readonly analysisTypes: readonly AnalysisType[];
  readonly aggregatorMergeStrategy: 'strict' | 'lenient' | 'earliest' | 'latest';
  readonly usesDefaultInterval: boolean;
}

/** The query types that group rows. */
export type AggregatingQuery = TimeseriesQuery | TopNQuery | GroupByQuery;

/** A parsed query. */
export type Query =
  | AggregatingQuery
  | ScanQuery
  | SearchQuery
  | TimeBoundaryQuery
  | DataSourceMetadataQuery
  | SegmentMetadataQuery;

/** Dimensions of a query, in order. */
export function dimensionsOf(query: AggregatingQuery): readonly DimensionSpec[] {
  if (query.queryType === 'timeseries') return [];
  return query.queryType === 'topN' ? [query.dimension] : query.dimensions;
}

/** The data source that gives the rows, joined or not. */
export function baseOf(source: DataSource): Exclude<DataSource, JoinSource> {
  return source.type === 'join' ? baseOf(source.left) : source;
}
