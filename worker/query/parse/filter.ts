// Filters as queries write them. Source: druid-query-api.md 7.

import { parseExpression } from '../expression/parser.ts';
import type { Filter, LeafFilter } from '../filter-model.ts';
import type { OutputType } from '../value.ts';
import { javaRegex } from '../text/java-regex.ts';
import { SORT_ORDERS } from '../text/order.ts';
import { searchTest } from '../text/text-predicate.ts';
import {
  parseDimension,
  parseOptionalExtraction,
  parseOutputType,
  parseSearchSpec,
  parseValueType,
} from './dimension.ts';
import { type Fields, fieldsOf, invalid, refused, scalarText, unknownType } from './fields.ts';
import { parseIntervals } from './instant.ts';

const REFUSED = new Set(['spatial', 'bloom', 'isfalse', 'istrue', 'inType']);

/** Null and absent = no filter. @throws Failure `input` QueryInvalid */
export function parseOptionalFilter(value: unknown, path: string): Filter | null {
  return value === null || value === undefined ? null : parseFilter(value, path);
}

/** @throws Failure `input` QueryInvalid naming the field */
export function parseFilter(value: unknown, path: string): Filter {
  const fields = fieldsOf(value, path);
  const type = fields.type('DimFilter');
  switch (type) {
    case 'true':
    case 'false':
      return { type };
    case 'and':
    case 'or':
      return {
        type,
        fields: fields
          .list('fields')
          .map((field, i) => parseFilter(field, `${fields.at('fields')}[${i}]`)),
      };
    case 'not':
      return { type, field: parseFilter(fields.raw('field'), fields.at('field')) };
    case 'expression': {
      const expression = fields.text('expression');
      parseExpression(expression);
      return { type, expression };
    }
    case 'columnComparison': {
      const dimensions = fields
        .list('dimensions')
        .map((d, i) => parseDimension(d, `${fields.at('dimensions')}[${i}]`));
      if (dimensions.length < 2) throw invalid(`${fields.at('dimensions')}: give at least two`);
      return { type, dimensions };
    }
    case 'arrayContainsElement':
      return {
        type: 'arrayContains',
        column: fields.text('column'),
        elementType: elementType(fields),
        value: fields.optionalText('elementMatchValue'),
      };
    case 'equals': {
      const type = parseValueType(fields, 'matchValueType');
      if (type?.isArray !== true) return parseLeaf('equals', fields);
      return {
        type: 'arrayEquals',
        column: fields.text('column'),
        elementType: type.element,
        values: fields.nullableTexts('matchValue'),
      };
    }
    case 'javascript':
      throw refused(`${fields.at('type')}: filter javascript`, 'JavaScript is disabled');
    default:
      if (REFUSED.has(type)) throw refused(`${fields.at('type')}: filter ${type}`);
      return parseLeaf(type, fields);
  }
}

function parseLeaf(type: string, fields: Fields): LeafFilter {
  switch (type) {
    case 'selector':
      return { type, ...onDimension(fields), value: fields.optionalText('value') };
    case 'extraction':
      return { type: 'selector', ...onDimension(fields), value: fields.optionalText('value') };
    case 'in':
      if (fields.has('column'))
        throw refused(`${fields.at('column')}: filter in with column`, 'send dimension and values');
      return { type, ...onDimension(fields), values: fields.nullableTexts('values') };
    case 'bound':
      return {
        type,
        ...onDimension(fields),
        lower: fields.optionalText('lower'),
        upper: fields.optionalText('upper'),
        lowerStrict: fields.boolean('lowerStrict', false),
        upperStrict: fields.boolean('upperStrict', false),
        ordering: fields.choice(
          'ordering',
          SORT_ORDERS,
          fields.boolean('alphaNumeric', false) ? 'alphanumeric' : 'lexicographic',
        ),
      };
    case 'range':
      return parseRange(fields);
    case 'equals':
      return {
        type,
        ...onColumn(fields),
        matchValueType: matchValueType(fields),
        value: matchText(fields, 'matchValue'),
      };
    case 'null':
      return { type, ...onColumn(fields) };
    case 'like':
      return {
        type,
        ...onDimension(fields),
        pattern: fields.text('pattern'),
        escape: escapeOf(fields),
      };
    case 'regex': {
      const pattern = fields.text('pattern');
      javaRegex(pattern);
      return { type, ...onDimension(fields), pattern };
    }
    case 'search': {
      const query = parseSearchSpec(fields.object('query'));
      searchTest(query);
      return { type, ...onDimension(fields), query };
    }
    case 'interval':
      return {
        type,
        ...onDimension(fields),
        intervals: parseIntervals(fields.list('intervals'), fields.at('intervals')).intervals,
      };
    default:
      throw unknownType(type, 'DimFilter', fields.at('type'));
  }
}

function onDimension(fields: Fields): Pick<LeafFilter, 'dimension' | 'extractionFn'> {
  return { dimension: fields.text('dimension'), extractionFn: parseOptionalExtraction(fields) };
}

function onColumn(fields: Fields): Pick<LeafFilter, 'dimension' | 'extractionFn'> {
  return { dimension: fields.text('column'), extractionFn: null };
}

function matchValueType(fields: Fields): 'STRING' | 'LONG' | 'DOUBLE' | 'FLOAT' {
  const type = parseOutputType(fields, 'matchValueType');
  if (type === null)
    throw invalid(`${fields.at('matchValueType')}: missing; give STRING, LONG or DOUBLE`);
  return type;
}

function elementType(fields: Fields): OutputType {
  const type = parseOutputType(fields, 'elementMatchValueType');
  if (type === null)
    throw invalid(`${fields.at('elementMatchValueType')}: missing; give STRING, LONG or DOUBLE`);
  return type;
}

function matchText(fields: Fields, key: string): string {
  const text = scalarText(fields.raw(key));
  if (text === null)
    throw invalid(`${fields.at(key)}: a value is needed; for null use the null filter`);
  return text;
}

function parseRange(fields: Fields): LeafFilter {
  const lower = fields.optionalText('lower');
  const upper = fields.optionalText('upper');
  if (lower === null && upper === null) throw invalid(`${fields.path}: range needs lower or upper`);
  return {
    type: 'range',
    ...onColumn(fields),
    matchValueType: matchValueType(fields),
    lower,
    upper,
    lowerStrict: fields.boolean('lowerOpen', false),
    upperStrict: fields.boolean('upperOpen', false),
  };
}

function escapeOf(fields: Fields): string | null {
  const escape = fields.optionalText('escape');
  if (escape === null || escape === '') return null;
  if (Array.from(escape).length > 1) throw invalid(`${fields.at('escape')}: give one character`);
  return escape;
}
