// Filters, dimensions and extraction functions of a parsed query: plain JSON-able data. Fed by parse/; compiled
// by filter/, text/ and engine/. Source: druid-query-api.md 7, 8.

import type { Granularity } from '../../core/model/granularity.ts';
import type { Interval } from '../../core/model/interval.ts';
import type { SortOrder } from './text/order.ts';
import type { OutputType } from './value.ts';

/** Search conditions on text. Source: 7.2. */
export type SearchSpec =
  | { readonly type: 'contains'; readonly value: string; readonly caseSensitive: boolean }
  | {
      readonly type: 'fragment';
      readonly values: readonly string[];
      readonly caseSensitive: boolean;
    }
  | { readonly type: 'regex'; readonly pattern: string }
  | { readonly type: 'all' };

/** Functions from text to text. Source: 8. */
export type ExtractionFn =
  | {
      readonly type: 'timeFormat';
      readonly format: string | null;
      readonly timeZone: string;
      readonly granularity: Granularity | null;
      readonly asMillis: boolean;
    }
  | {
      readonly type: 'regex';
      readonly expr: string;
      readonly index: number;
      readonly replaceMissingValue: boolean;
      readonly replaceMissingValueWith: string | null;
    }
  | { readonly type: 'partial'; readonly expr: string }
  | { readonly type: 'searchQuery'; readonly query: SearchSpec }
  | { readonly type: 'substring'; readonly index: number; readonly length: number | null }
  | { readonly type: 'strlen' }
  | { readonly type: 'upper' }
  | { readonly type: 'lower' }
  | { readonly type: 'bucket'; readonly size: number; readonly offset: number }
  | {
      readonly type: 'stringFormat';
      readonly format: string;
      readonly nullHandling: 'nullString' | 'emptyString' | 'returnNull';
    }
  | {
      readonly type: 'lookup';
      readonly map: Readonly<Record<string, string | null>>;
      readonly retainMissingValue: boolean;
      readonly replaceMissingValueWith: string | null;
    }
  | { readonly type: 'cascade'; readonly extractionFns: readonly ExtractionFn[] };

/** Which single values of a dimension stay. Source: 8, listFiltered and its siblings. */
export type ValueFilter =
  | {
      readonly type: 'list';
      readonly values: readonly (string | null)[];
      readonly isWhitelist: boolean;
    }
  | { readonly type: 'regex'; readonly pattern: string }
  | { readonly type: 'prefix'; readonly prefix: string };

/** A dimension of the answer. `keep` applies to extracted values. */
export interface DimensionSpec {
  readonly dimension: string;
  readonly outputName: string;
  readonly outputType: OutputType;
  /** True for `ARRAY<outputType>`: groups are whole lists. */
  readonly isArray: boolean;
  readonly extractionFn: ExtractionFn | null;
  readonly keep: readonly ValueFilter[];
}

/** A filter with one text column as input. */
interface OnDimension {
  readonly dimension: string;
  readonly extractionFn: ExtractionFn | null;
}

/** Filters that test one column. Numbers are kept as decimal text, exact. */
export type LeafFilter =
  | ({ readonly type: 'selector'; readonly value: string | null } & OnDimension)
  | ({ readonly type: 'in'; readonly values: readonly (string | null)[] } & OnDimension)
  | ({
      readonly type: 'bound';
      readonly lower: string | null;
      readonly upper: string | null;
      readonly lowerStrict: boolean;
      readonly upperStrict: boolean;
      readonly ordering: SortOrder;
    } & OnDimension)
  | ({
      readonly type: 'range';
      readonly matchValueType: OutputType;
      readonly lower: string | null;
      readonly upper: string | null;
      readonly lowerStrict: boolean;
      readonly upperStrict: boolean;
    } & OnDimension)
  | ({
      readonly type: 'equals';
      readonly matchValueType: OutputType;
      readonly value: string;
    } & OnDimension)
  | ({ readonly type: 'null' } & OnDimension)
  | ({
      readonly type: 'like';
      readonly pattern: string;
      readonly escape: string | null;
    } & OnDimension)
  | ({ readonly type: 'regex'; readonly pattern: string } & OnDimension)
  | ({ readonly type: 'search'; readonly query: SearchSpec } & OnDimension)
  | ({ readonly type: 'interval'; readonly intervals: readonly Interval[] } & OnDimension);

/** Any filter. Source: 7. */
export type Filter =
  | LeafFilter
  | { readonly type: 'true' }
  | { readonly type: 'false' }
  | { readonly type: 'and' | 'or'; readonly fields: readonly Filter[] }
  | { readonly type: 'not'; readonly field: Filter }
  | { readonly type: 'expression'; readonly expression: string }
  | { readonly type: 'columnComparison'; readonly dimensions: readonly DimensionSpec[] }
  | ArrayFilter;

/** Filters on whole lists; a scalar counts as a list of one. Values are decimal text, exact. */
export type ArrayFilter = { readonly column: string; readonly elementType: OutputType } & (
  | { readonly type: 'arrayEquals'; readonly values: readonly (string | null)[] }
  | { readonly type: 'arrayContains'; readonly value: string | null }
);
