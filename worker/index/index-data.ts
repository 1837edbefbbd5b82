// What a snapshot of the in-memory index consists of: shared arrays and plain values, so that it can be posted to
// another thread as it is. Made by the index, wrapped by the index view.

import type { Interval } from '../../core/model/interval.ts';
import type { ListData } from './list-dictionary.ts';
import type { MetricData } from './metric-column.ts';
import type { ObjectData } from './object-column.ts';
import type { DictionaryData } from './text-dictionary.ts';

/** One dimension of the snapshot. */
export interface DimensionData {
  readonly name: string;
  readonly type: 'string' | 'long' | 'double' | 'float';
  /** First int in the key. String: id, or -1 - list. Numeric: null flag, then 64 bits. */
  readonly at: number;
  readonly hasNulls: boolean;
  readonly isMulti: boolean;
  readonly dictionary: DictionaryData;
  readonly lists: ListData;
}

/** Rows `0 .. rows-1` of an index at one moment. */
export interface IndexData {
  readonly segmentId: string;
  readonly interval: Interval;
  readonly rows: number;
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  /** Row-major keys, `stride` ints a row: time low, time high, dimensions. */
  readonly facts: Int32Array;
  readonly stride: number;
  readonly dimensions: readonly DimensionData[];
  readonly metrics: readonly ({ readonly name: string } & (MetricData | ObjectData))[];
}
