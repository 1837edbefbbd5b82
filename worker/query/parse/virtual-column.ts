// Virtual columns as queries write them: expressions, and columns of several values of which only some stay.
// Source: druid-query-api.md 9.

import { parseExpression } from '../expression/parser.ts';
import type { DimensionSpec, ValueFilter } from '../filter-model.ts';
import type { VirtualColumn } from '../model.ts';
import { parseDimension, parseValueType } from './dimension.ts';
import { type Fields, fieldsOf, refused, unknownType } from './fields.ts';

/** @throws Failure `input` QueryInvalid naming the field or the refused type */
export function parseVirtual(fields: Fields): VirtualColumn {
  const type = fields.type('VirtualColumn');
  const name = fields.text('name');
  if (type === 'mv-filtered')
    return { name, expression: filteredExpression(fields), outputType: 'STRING', isArray: false };
  if (type === 'nested-field') throw refused(`${fields.at('type')}: virtual column ${type}`);
  if (type !== 'expression') throw unknownType(type, 'VirtualColumn', fields.at('type'));
  const expression = fields.text('expression');
  parseExpression(expression);
  const outputType = parseValueType(fields, 'outputType');
  return {
    name,
    expression,
    outputType: outputType?.element ?? null,
    isArray: outputType?.isArray ?? false,
  };
}

/** What filters and scans read of a filtered column. */
function filteredExpression(fields: Fields): string {
  const { dimension, filter } = filtered(fields);
  const values = filter.values.map((value) =>
    value === null ? 'null' : `'${escaped(value, "'")}'`,
  );
  const fn = filter.isWhitelist ? 'mv_filter_only' : 'mv_filter_none';
  return `${fn}("${escaped(dimension, '"')}", <STRING>[${values.join(',')}])`;
}

function escaped(text: string, quote: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll(quote, `\\${quote}`);
}

function filtered(fields: Fields): {
  readonly dimension: string;
  readonly filter: ValueFilter & { type: 'list' };
} {
  const delegate = parseDimension(fields.raw('delegate'), fields.at('delegate'));
  if (delegate.extractionFn !== null || delegate.keep.length > 0)
    throw refused(`${fields.at('delegate')}: anything but a plain column`);
  return {
    dimension: delegate.dimension,
    filter: {
      type: 'list',
      values: fields.nullableTexts('values'),
      isWhitelist: fields.boolean('isAllowList', true),
    },
  };
}

/** A dimension over a filtered column of the query as one over the column itself that keeps the same values. */
export function throughFiltered(spec: DimensionSpec, query: Fields): DimensionSpec {
  const columns = query.list('virtualColumns').map((column) => fieldsOf(column, 'virtualColumns'));
  const column = columns.find(
    (fields) => fields.raw('type') === 'mv-filtered' && fields.raw('name') === spec.dimension,
  );
  if (column === undefined || spec.extractionFn !== null) return spec;
  const { dimension, filter } = filtered(column);
  return { ...spec, dimension, keep: [filter, ...spec.keep] };
}
