// What complex columns contribute to a build: those of the metrics asked for, and those that inputs have besides.
// Rows that roll up are combined by the column's aggregator; all others are copied byte for byte, so that types
// nobody here knows survive a merge without rollup. Part of build-plan.ts; rows are put together below.

import { type ComplexKind, complexKind } from '../../core/complex/complex-kind.ts';
import { Failure, isFailure } from '../../core/runtime/failure.ts';
import type { CompiledMetric } from '../../core/spec/compiled.ts';
import { combiningForm } from '../view/metric.ts';
import type { CombiningAggregator, ComplexColumn, View } from '../view/view.ts';
import { JOINS, PIECES_MAX, type Piece, type RowOrder } from './row-merge.ts';

/** A complex metric. */
export interface ObjectPlan {
  readonly kind: 'object';
  readonly name: string;
  readonly typeName: string;
  /** How rows are combined; undefined for a type that is only copied. */
  readonly combine: ComplexKind | undefined;
  /** As metadata names it; undefined when no input says. */
  readonly aggregator: CombiningAggregator | undefined;
  /** Per input; undefined where it has no such column. */
  readonly pieces: readonly (ComplexColumn | undefined)[];
}

/** The plan of a metric that is stored as objects; undefined for metrics that are numbers. */
export function planObjects(
  views: readonly View[],
  metric: CompiledMetric,
): ObjectPlan | undefined {
  const combine = complexKind(metric);
  if (combine === undefined) return undefined;
  const { name } = metric;
  const { typeName } = combine;
  const pieces = views.map((view) => objectsOf(view, name, typeName));
  return { kind: 'object', name, typeName, combine, aggregator: combiningForm(metric), pieces };
}

/**
 * Plans of the complex metrics that inputs have and nobody asked for.
 *
 * @param known  columns that are planned already
 * @throws Failure `config` ColumnNotMergeable for one that rolling up cannot combine
 */
export function planOtherObjects(
  views: readonly View[],
  known: ReadonlySet<string>,
  rollup: boolean,
): ObjectPlan[] {
  const plans = new Map<string, ObjectPlan>();
  for (const view of views) {
    for (const name of view.metrics) {
      if (known.has(name) || plans.has(name)) continue;
      const column = view.column(name);
      if (column?.kind !== 'complex') continue;
      const { typeName } = column;
      const aggregator = aggregatorOf(views, name);
      const combine = aggregator === undefined ? undefined : complexKind(aggregator);
      if (rollup && combine?.typeName !== typeName) {
        const text = `column '${name}': objects of type ${typeName} cannot be combined; merge without rollup, or drop the column`;
        throw new Failure('config', 'ColumnNotMergeable', text);
      }
      const pieces = views.map((other) => objectsOf(other, name, typeName));
      plans.set(name, { kind: 'object', name, typeName, combine, aggregator, pieces });
    }
  }
  return [...plans.values()];
}

function aggregatorOf(views: readonly View[], name: string): CombiningAggregator | undefined {
  for (const view of views) {
    const found = view.metadata.aggregators?.find((aggregator) => aggregator.name === name);
    if (found !== undefined) return found;
  }
  return undefined;
}

function objectsOf(view: View, name: string, typeName: string): ComplexColumn | undefined {
  const column = view.column(name);
  if (column === undefined) return undefined;
  if (column.kind === 'complex' && column.typeName === typeName) return column;
  // A column without any value may be stored as an all-null string column.
  if (column.kind === 'string' && !column.multi && column.dictionary.size <= 1 && column.hasNulls)
    return undefined;
  const found = column.kind === 'complex' ? column.typeName : column.type;
  const text = `column '${name}': an input has it as ${found}, another as ${typeName}; rename one of them`;
  throw new Failure('config', 'ColumnNotMergeable', text);
}

/** Calls `emit` with the object of each row of the result, valid until the call returns. */
export function gatherObjects(
  pieces: readonly Piece[],
  order: RowOrder,
  plan: ObjectPlan,
  emit: (bytes: Uint8Array | undefined) => void,
): void {
  const { entries } = order;
  const next = new Int32Array(pieces.length);
  const { combine } = plan;
  const nothing = combine?.stored(combine.make());
  const read = (p: number): Uint8Array | undefined => {
    const position = next[p]!++;
    const row = pieces[p]?.sorted?.order[position] ?? position;
    return plan.pieces[p]?.readBytes(row);
  };
  for (let j = 0; j < entries.length;) {
    const first = entries[j]! & PIECES_MAX;
    if (combine === undefined || j + 1 === entries.length || (entries[j + 1]! & JOINS) === 0) {
      emit(read(first) ?? nothing);
      j++;
      continue;
    }
    const value = combine.make();
    do {
      const p = entries[j]! & PIECES_MAX;
      const at = next[p]!;
      const bytes = read(p);
      if (bytes !== undefined) foldLocated(() => value.foldBytes(bytes), plan.pieces[p], at);
      j++;
    } while (j < entries.length && (entries[j]! & JOINS) !== 0);
    emit(combine.stored(value));
  }
}

function foldLocated(fold: () => void, column: ComplexColumn | undefined, row: number): void {
  try {
    fold();
  } catch (error) {
    if (!isFailure(error, 'corrupt') || column?.describe === undefined) throw error;
    const text = `${column.describe(row)}: ${error.message}`;
    throw new Failure('corrupt', 'SegmentCorrupt', text, error);
  }
}
