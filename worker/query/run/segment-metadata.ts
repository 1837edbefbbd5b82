// What segmentMetadata says of a view, and how two answers merge. Fed by run-query.ts and merge.ts.
// Source: druid-query-api.md 6.3, 17.

import { condense } from '../../../core/model/interval.ts';
import { isFailure } from '../../../core/runtime/failure.ts';
import { parseSegmentId } from '../../../core/model/data-segment.ts';
import type { Column, CombiningAggregator, View } from '../../view/view.ts';
import type { DataSource, SegmentMetadataQuery } from '../model.ts';
import type { ColumnAnalysis, SegmentAnalysis } from '../partial.ts';
import { compareText } from '../value.ts';

/** Analyses one view. Looks at metadata and dictionaries only, never at rows. */
export function analyseView(query: SegmentMetadataQuery, view: View): SegmentAnalysis {
  const wants = (type: (typeof query.analysisTypes)[number]): boolean =>
    query.analysisTypes.includes(type);
  const names = [
    '__time',
    ...view.dimensions,
    ...view.metrics.filter((name) => !view.dimensions.includes(name)),
  ];
  const columns: Record<string, ColumnAnalysis> = {};
  for (const name of names) {
    if (query.columns !== null && !query.columns.includes(name)) continue;
    const column = name === '__time' ? undefined : view.column(name);
    if (name === '__time') columns[name] = analysis('LONG', 'LONG');
    else
      columns[name] =
        column === undefined
          ? { ...analysis('STRING', 'STRING'), hasNulls: true }
          : analyseColumn(column, wants('cardinality'), wants('minmax'));
  }
  const { metadata } = view;
  return {
    id: view.segmentId,
    intervals: wants('interval') ? [view.interval] : null,
    columns,
    size: wants('size') ? view.sizeBytes : 0,
    numRows: view.rows,
    aggregators:
      wants('aggregators') && metadata.aggregators !== null ? byName(metadata.aggregators) : null,
    timestampSpec: wants('timestampSpec') ? metadata.timestampSpec : null,
    queryGranularity: wants('queryGranularity') ? metadata.queryGranularity : null,
    rollup: wants('rollup') ? metadata.rollup : null,
  };
}

function byName(aggregators: readonly CombiningAggregator[]): Record<string, CombiningAggregator> {
  return Object.fromEntries(aggregators.map((aggregator) => [aggregator.name, aggregator]));
}

function analysis(typeSignature: string, type: string): ColumnAnalysis {
  return {
    typeSignature,
    type,
    hasMultipleValues: false,
    hasNulls: false,
    size: 0,
    cardinality: null,
    minValue: null,
    maxValue: null,
    errorMessage: null,
  };
}

function analyseColumn(column: Column, cardinality: boolean, minmax: boolean): ColumnAnalysis {
  if (column.kind === 'complex') {
    return {
      ...analysis(`COMPLEX<${column.typeName}>`, column.typeName),
      hasNulls: column.hasNulls,
    };
  }
  if (column.kind === 'numeric')
    return { ...analysis(column.type, column.type), hasNulls: column.hasNulls };
  const { dictionary } = column;
  return {
    ...analysis('STRING', 'STRING'),
    hasMultipleValues: column.multi,
    hasNulls: column.hasNulls,
    cardinality: cardinality ? dictionary.size : 0,
    minValue: minmax ? extremeValue(column, -1) : null,
    maxValue: minmax ? extremeValue(column, 1) : null,
  };
}

/** Least or greatest entry; the null entry is the least. */
function extremeValue(column: Column & { kind: 'string' }, sign: 1 | -1): string | null {
  const { dictionary } = column;
  if (dictionary.size === 0) return null;
  if (dictionary.sorted) return dictionary.value(sign < 0 ? 0 : dictionary.size - 1);
  if (sign < 0 && dictionary.idOf(null) >= 0) return null;
  let best: string | null = null;
  for (let id = 0; id < dictionary.size; id++) {
    const value = dictionary.value(id);
    if (value !== null && (best === null || compareText(value, best) * sign > 0)) best = value;
  }
  return best;
}

/** One analysis per segment id, or a single one when the query merges. Order of first appearance. */
export function mergeAnalyses(
  query: SegmentMetadataQuery,
  analyses: readonly SegmentAnalysis[],
): SegmentAnalysis[] {
  if (query.merge) {
    const [first, ...others] = analyses;
    return first === undefined ? [] : [others.reduce((a, b) => mergeTwo(query, a, b), first)];
  }
  const byId = new Map<string, SegmentAnalysis>();
  for (const next of analyses) {
    const known = byId.get(next.id);
    byId.set(next.id, known === undefined ? next : mergeTwo(query, known, next));
  }
  return [...byId.values()];
}

function mergeTwo(
  query: SegmentMetadataQuery,
  left: SegmentAnalysis,
  right: SegmentAnalysis,
): SegmentAnalysis {
  // The later-ending one comes first: its column order and its interval stay.
  const isLater = isAfter(query.dataSource, right.id, left.id);
  const [a, b] = isLater ? [right, left] : [left, right];
  const columns: Record<string, ColumnAnalysis> = { ...a.columns };
  for (const [name, column] of Object.entries(b.columns)) {
    const known = columns[name];
    columns[name] = known === undefined ? column : mergeColumns(known, column);
  }
  const intervals = [...(a.intervals ?? []), ...(b.intervals ?? [])];
  return {
    id: mergedId(query.dataSource, a.id, b.id),
    intervals: a.intervals === null && b.intervals === null ? null : condense(intervals),
    columns,
    size: a.size + b.size,
    numRows: a.numRows + b.numRows,
    aggregators: mergeAggregators(query, a.aggregators, b.aggregators),
    timestampSpec: same(a.timestampSpec, b.timestampSpec),
    queryGranularity: same(a.queryGranularity, b.queryGranularity),
    rollup: a.rollup === b.rollup ? a.rollup : null,
  };
}

function namesOf(dataSource: DataSource): readonly string[] {
  return dataSource.type === 'table'
    ? [dataSource.name]
    : dataSource.type === 'union'
      ? dataSource.names
      : [];
}

/** Ends later, or at the same time and is a later partition. */
function isAfter(dataSource: DataSource, id: string, other: string): boolean {
  const [a, b] = [parsedId(dataSource, id), parsedId(dataSource, other)];
  const end = a?.interval.endMs ?? Number.NEGATIVE_INFINITY;
  const otherEnd = b?.interval.endMs ?? Number.NEGATIVE_INFINITY;
  return end > otherEnd || (end === otherEnd && (a?.partition ?? 0) > (b?.partition ?? 0));
}

function parsedId(
  dataSource: DataSource,
  id: string,
): ReturnType<typeof parseSegmentId> | undefined {
  for (const name of namesOf(dataSource)) {
    try {
      return parseSegmentId(id, name);
    } catch (error) {
      // Not an id of this data source, or no segment id at all.
      if (!isFailure(error, 'input')) throw error;
    }
  }
  return undefined;
}

/** `<ds>_<start>_<end>_merged[_n]` from the later segment, or the word alone. */
function mergedId(dataSource: DataSource, a: string, b: string): string {
  if (a === b) return a;
  const later = parsedId(dataSource, a);
  if (later === undefined) return 'merged';
  const [version] = later.version.split('_');
  return a.replace(`_${version}`, '_merged');
}

function same(a: unknown, b: unknown): unknown {
  return JSON.stringify(a) === JSON.stringify(b) ? a : null;
}

function mergeColumns(a: ColumnAnalysis, b: ColumnAnalysis): ColumnAnalysis {
  if (a.errorMessage !== null) return a;
  if (b.errorMessage !== null) return b;
  if (a.typeSignature !== b.typeSignature) {
    return {
      ...analysis('STRING', 'STRING'),
      size: -1,
      errorMessage: `error:cannot_merge_diff_types: [${a.type}] and [${b.type}]`,
    };
  }
  const [minA, minB] = [a.minValue, b.minValue];
  const [maxA, maxB] = [a.maxValue, b.maxValue];
  return {
    ...a,
    hasMultipleValues: a.hasMultipleValues || b.hasMultipleValues,
    hasNulls: a.hasNulls || b.hasNulls,
    size: a.size + b.size,
    cardinality:
      a.cardinality === null ? b.cardinality : Math.max(a.cardinality, b.cardinality ?? 0),
    minValue: minA === null || minB === null ? null : compareText(minA, minB) <= 0 ? minA : minB,
    maxValue: maxA === null ? maxB : maxB === null || compareText(maxA, maxB) >= 0 ? maxA : maxB,
  };
}

type Aggregators = Readonly<Record<string, CombiningAggregator>> | null;

function mergeAggregators(
  query: SegmentMetadataQuery,
  a: Aggregators,
  b: Aggregators,
): Aggregators {
  switch (query.aggregatorMergeStrategy) {
    case 'strict':
      return same(sorted(a), sorted(b)) === null ? null : a;
    case 'lenient': {
      if (a === null || b === null) return a ?? b;
      const merged = Object.entries({ ...a, ...b }).filter(([name]) => {
        const [x, y] = [a[name], b[name]];
        return x === undefined || y === undefined || JSON.stringify(x) === JSON.stringify(y);
      });
      return Object.fromEntries(merged);
    }
    case 'earliest':
      return b === null ? a : { ...a, ...b };
    case 'latest':
      return a === null ? b : { ...b, ...a };
  }
}

function sorted(aggregators: Aggregators): unknown {
  return aggregators === null
    ? null
    : Object.entries(aggregators).toSorted(([x], [y]) => compareText(x, y));
}
