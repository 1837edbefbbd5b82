// The parts only groupBy and topN have: having, limitSpec, subtotals, topN metric. Source: druid-query-api.md 6.5, 6.6, 12.

import type { DimensionSpec } from '../filter-model.ts';
import type { Having, LimitSpec, OrderColumn, TopNMetric } from '../model.ts';
import { SORT_ORDERS } from '../text/order.ts';
import { doubleOfText } from '../value.ts';
import { type Fields, fieldsOf, invalid, isRecord, scalarText, unknownType } from './fields.ts';
import { parseFilter } from './filter.ts';

/** @throws Failure `input` QueryInvalid */
export function parseHaving(value: unknown, path: string): Having {
  const fields = fieldsOf(value, path);
  const type = fields.type('HavingSpec');
  switch (type) {
    case 'filter':
      return { type, filter: parseFilter(fields.raw('filter'), fields.at('filter')) };
    case 'equalTo':
      return { type: 'compare', operation: 'eq', ...compared(fields) };
    case 'greaterThan':
      return { type: 'compare', operation: 'gt', ...compared(fields) };
    case 'lessThan':
      return { type: 'compare', operation: 'lt', ...compared(fields) };
    case 'dimSelector':
      return { type, dimension: fields.text('dimension'), value: fields.optionalText('value') };
    case 'and':
    case 'or':
      return {
        type,
        havingSpecs: fields
          .list('havingSpecs')
          .map((spec, i) => parseHaving(spec, `${fields.at('havingSpecs')}[${i}]`)),
      };
    case 'not':
      return { type, havingSpec: parseHaving(fields.raw('havingSpec'), fields.at('havingSpec')) };
    case 'always':
    case 'never':
      return { type };
    default:
      throw unknownType(type, 'HavingSpec', fields.at('type'));
  }
}

function compared(fields: Fields): { aggregation: string; value: string } {
  const value = fields.text('value');
  if (doubleOfText(value) === null)
    throw invalid(`${fields.at('value')}: '${value}' is not a number`);
  return { aggregation: fields.text('aggregation'), value };
}

/** `outputs` are the names that may be sorted by; numeric dimensions sort as numbers. */
export function parseLimitSpec(
  value: unknown,
  path: string,
  outputs: ReadonlySet<string>,
): LimitSpec {
  if (value === null || value === undefined) return { limit: null, offset: 0, columns: [] };
  const fields = fieldsOf(value, path);
  const type = fields.optionalText('type') ?? 'default';
  if (type === 'NoopLimitSpec') return { limit: null, offset: 0, columns: [] };
  if (type !== 'default') throw unknownType(type, 'LimitSpec', fields.at('type'));
  const columns = fields
    .list('columns')
    .map((column, i) => parseOrderColumn(column, `${fields.at('columns')}[${i}]`));
  for (const { dimension } of columns) {
    if (!outputs.has(dimension))
      throw invalid(
        `Unknown column in order clause[${dimension}]: it is no dimension, aggregator or post-aggregator`,
      );
  }
  return {
    limit: fields.optionalInteger('limit', 1),
    offset: fields.integer('offset', 0, 0),
    columns,
  };
}

function parseOrderColumn(value: unknown, path: string): OrderColumn {
  const name = scalarText(value);
  if (name !== null) return { dimension: name, descending: false, order: 'lexicographic' };
  const fields = fieldsOf(value, path);
  const direction = (fields.optionalText('direction') ?? 'ascending').toLowerCase();
  if (!['ascending', 'asc', 'descending', 'desc'].includes(direction)) {
    throw invalid(`${fields.at('direction')}: '${direction}' is neither ascending nor descending`);
  }
  return {
    dimension: fields.text('dimension'),
    descending: direction.startsWith('desc'),
    order: parseOrder(fields, 'dimensionOrder'),
  };
}

/** A sort order as text or `{"type":...}`; absent = lexicographic. */
export function parseOrder(fields: Fields, key: string): (typeof SORT_ORDERS)[number] {
  const raw = fields.raw(key);
  if (!isRecord(raw)) return fields.choice(key, SORT_ORDERS, 'lexicographic');
  return fields.object(key).choice('type', SORT_ORDERS, 'lexicographic');
}

/** Lists of output names as indexes into `dimensions`. */
export function parseSubtotals(
  fields: Fields,
  dimensions: readonly DimensionSpec[],
): number[][] | null {
  if (!fields.has('subtotalsSpec')) return null;
  return fields.list('subtotalsSpec').map((names) => {
    if (!Array.isArray(names))
      throw invalid(`${fields.at('subtotalsSpec')}: expected a list of lists of output names`);
    const indexes = names.map((name) => {
      const index = dimensions.findIndex((dimension) => dimension.outputName === scalarText(name));
      if (index < 0)
        throw invalid(
          `${fields.at('subtotalsSpec')}: '${scalarText(name)}' is no output name of dimensions`,
        );
      return index;
    });
    return indexes.toSorted((a, b) => a - b);
  });
}

/** A name or an ordering spec. */
export function parseTopNMetric(value: unknown, path: string): TopNMetric {
  const name = scalarText(value);
  if (name !== null) return { type: 'numeric', metric: name, inverted: false };
  const fields = fieldsOf(value, path);
  const type = fields.type('TopNMetricSpec');
  const previousStop = fields.optionalText('previousStop');
  switch (type) {
    case 'numeric':
      return { type, metric: fields.text('metric'), inverted: false };
    case 'dimension':
      return { type, ordering: parseOrder(fields, 'ordering'), previousStop, inverted: false };
    case 'lexicographic':
      return { type: 'dimension', ordering: 'lexicographic', previousStop, inverted: false };
    case 'alphaNumeric':
      return { type: 'dimension', ordering: 'alphanumeric', previousStop, inverted: false };
    case 'inverted': {
      const inner = parseTopNMetric(fields.raw('metric'), fields.at('metric'));
      return { ...inner, inverted: !inner.inverted };
    }
    default:
      throw unknownType(type, 'TopNMetricSpec', fields.at('type'));
  }
}
