// The plan of a build: for every column of the segment, what each input contributes, and the key that orders
// rows. Merges the dictionaries. Fed by build.ts; used by the merge and by build-columns.ts.

import type { CompiledDimension, CompiledMetric } from '../../core/spec/compiled.ts';
import { metricValueType } from '../view/metric.ts';
import type { View } from '../view/view.ts';
import { type MergedDictionary, mergeDictionaries } from './dictionary-merge.ts';
import type { NumberType } from './block-numbers.ts';
import { type ObjectPlan, planObjects, planOtherObjects } from './object-plan.ts';
import { numbersOf, PieceIds, PieceNumbers, stringsOf } from './piece-column.ts';
import type { Fold } from './row-gather.ts';
import type { KeyColumn, KeySource } from './row-keys.ts';

/** A string dimension. */
export interface StringPlan {
  readonly kind: 'string';
  readonly name: string;
  readonly hasBitmaps: boolean;
  readonly dictionary: MergedDictionary;
  readonly pieces: readonly PieceIds[];
}

/** A numeric dimension or a metric. */
export interface NumberPlan {
  readonly kind: 'number';
  readonly name: string;
  readonly type: NumberType;
  readonly fold: Fold;
  readonly pieces: readonly PieceNumbers[];
}

/** The plan. Lists that are per input follow the order of the inputs. */
export interface Plan {
  readonly dimensions: readonly (StringPlan | NumberPlan)[];
  /** Sorted by name, as Druid stores them. */
  readonly metrics: readonly (NumberPlan | ObjectPlan)[];
  /** Dimensions, then without rollup metrics of numbers. Place i < dimensions.length is dimension i. */
  readonly keyColumns: readonly KeyColumn[];
  /** Per input, per key column. */
  readonly keySources: readonly (readonly KeySource[])[];
}

/** Plans all columns. */
export function planColumns(
  views: readonly View[],
  options: {
    readonly dimensions: readonly CompiledDimension[];
    readonly metrics: readonly CompiledMetric[];
    readonly rollup: boolean;
  },
): Plan {
  const dimensions = options.dimensions.map((dimension) => planDimension(views, dimension));
  const planned = options.metrics.map((metric) => {
    const type = metricValueType(metric.type);
    return planObjects(views, metric) ?? planNumbers(views, metric.name, type, foldOf(metric));
  });
  const known = new Set([...dimensions, ...planned].map((column) => column.name));
  const others = planOtherObjects(views, known, options.rollup);
  const metrics = [...planned, ...others].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const numbers = metrics.filter((metric) => metric.kind === 'number');
  const keys = options.rollup ? dimensions : [...dimensions, ...numbers];
  const keyColumns = keys.map(keyColumnOf);
  const keySources = views.map((_, p) =>
    keys.map((column, c) => keySourceOf(column, keyColumns[c], p)),
  );
  return { dimensions, metrics, keyColumns, keySources };
}

const NUMBER_TYPES = { long: 'LONG', double: 'DOUBLE', float: 'FLOAT' } as const;

function planDimension(
  views: readonly View[],
  dimension: CompiledDimension,
): StringPlan | NumberPlan {
  const { name, type } = dimension;
  if (type !== 'string') return planNumbers(views, name, NUMBER_TYPES[type], 'first');
  const columns = views.map((view) => stringsOf(view, name));
  const rows = views.map((view) => view.rows);
  const handling = dimension.multiValueHandling;
  const dictionary = mergeDictionaries(columns, rows, handling === 'sorted_set');
  const pieces = columns.map((column, p) => {
    const remap = dictionary.remaps[p] ?? new Int32Array(0);
    return new PieceIds(column, remap, dictionary.hasNull, handling);
  });
  return { kind: 'string', name, hasBitmaps: dimension.createBitmapIndex, dictionary, pieces };
}

function planNumbers(
  views: readonly View[],
  name: string,
  type: NumberType,
  fold: Fold,
): NumberPlan {
  const pieces = views.map((view) => new PieceNumbers(numbersOf(view, name, type)));
  return { kind: 'number', name, type, fold, pieces };
}

function foldOf(metric: CompiledMetric): Fold {
  if (metric.type.endsWith('Min')) return 'min';
  return metric.type.endsWith('Max') ? 'max' : 'sum';
}

function keyColumnOf(column: StringPlan | NumberPlan): KeyColumn {
  if (column.kind === 'number') return { kind: column.type === 'LONG' ? 'longs' : 'doubles' };
  const { hasNull, values, isMulti } = column.dictionary;
  return isMulti
    ? { kind: 'lists', hasNull }
    : { kind: 'ids', cardinality: values.size + (hasNull ? 1 : 0) };
}

function keySourceOf(
  column: StringPlan | NumberPlan,
  key: KeyColumn | undefined,
  p: number,
): KeySource {
  if (column.kind === 'number') {
    const kind = key?.kind === 'longs' ? 'longs' : 'doubles';
    return { kind, numbers: column.pieces[p] ?? new PieceNumbers(undefined) };
  }
  const kind = key?.kind === 'lists' ? 'lists' : 'ids';
  return {
    kind,
    ids: column.pieces[p] ?? new PieceIds(undefined, new Int32Array(0), true, 'array'),
  };
}
