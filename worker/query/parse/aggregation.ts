// Aggregators and post-aggregators as queries write them. Source: druid-query-api.md 10, 11.

import { parseExpression } from '../expression/parser.ts';
import type { Aggregator, NumericAggregator, PostAggregator } from '../model.ts';
import { parseDimension, parseValueType, refuseArray } from './dimension.ts';
import { type Fields, fieldsOf, invalid, refused, unknownType } from './fields.ts';
import { parseFilter } from './filter.ts';
import { parseSketch, parseSketchPost, SKETCH_AGGREGATOR, SKETCH_POST } from './sketch.ts';

const REFUSED =
  /^(approxHistogram|fixedBucketsHistogram|tDigestSketch|arrayOfDoublesSketch|variance|expression|min|max|histogram)/;
const NUMERIC = /^(long|double|float)(Sum|Min|Max)$/;
const PICK = /^(long|double|float|string)(First|Last|Any)$/;
/** Bytes a stringFirst keeps of a value when the query does not say. */
const STRING_BYTES = 1024;

/** @throws Failure `input` QueryInvalid naming the field or the refused type */
export function parseAggregators(fields: Fields): Aggregator[] {
  return fields.list('aggregations').map((value, i) => {
    const path = `${fields.at('aggregations')}[${i}]`;
    return parseAggregator(fieldsOf(value, path), null);
  });
}

/** `outerName` names an inner aggregator that has no name of its own. */
function parseAggregator(fields: Fields, outerName: string | null): Aggregator {
  const type = fields.type('AggregatorFactory');
  if (type === 'filtered') return parseFiltered(fields, outerName);
  const name = fields.optionalText('name') ?? outerName;
  if (name === null) throw invalid(`${fields.at('name')}: missing; name the output`);
  if (type === 'count') return { type, name };
  const numeric = NUMERIC.exec(type);
  if (numeric !== null) return parseNumeric(fields, name, numeric);
  const pick = PICK.exec(type);
  if (pick !== null) return parsePick(fields, name, pick);
  switch (type) {
    case 'cardinality':
      return parseCardinality(fields, name);
    case 'hyperUnique':
      return {
        type,
        name,
        fieldName: fields.text('fieldName'),
        round: fields.boolean('round', false),
      };
    case 'doubleMean':
      return { type: 'mean', name, fieldName: fields.text('fieldName') };
    case 'grouping':
      return { type, name, groupings: parseGroupings(fields) };
    case 'javascript':
      throw refused(`${fields.at('type')}: aggregator javascript`, 'JavaScript is disabled');
    default:
      if (SKETCH_AGGREGATOR.test(type)) return parseSketch(fields, name, type);
      if (REFUSED.test(type)) throw refused(`${fields.at('type')}: aggregator ${type}`);
      throw unknownType(type, 'AggregatorFactory', fields.at('type'));
  }
}

function parseFiltered(fields: Fields, outerName: string | null): Aggregator {
  const ownName = fields.optionalText('name');
  const aggregator = parseAggregator(fields.object('aggregator'), ownName ?? outerName);
  return {
    type: 'filtered',
    name: ownName !== null && ownName !== '' ? ownName : aggregator.name,
    filter: parseFilter(fields.raw('filter'), fields.at('filter')),
    aggregator,
  };
}

function parseNumeric(fields: Fields, name: string, match: RegExpExecArray): NumericAggregator {
  const fieldName = fields.optionalText('fieldName');
  const expression = fields.optionalText('expression');
  if ((fieldName === null) === (expression === null))
    throw invalid(`${fields.path}: give fieldName or expression`);
  if (expression !== null) parseExpression(expression);
  return {
    type: 'numeric',
    name,
    valueType: valueTypeOf(match[1]),
    operation: match[2] === 'Sum' ? 'sum' : match[2] === 'Min' ? 'min' : 'max',
    fieldName,
    expression,
  };
}

function valueTypeOf(word: string | undefined): 'LONG' | 'DOUBLE' | 'FLOAT' {
  return word === 'long' ? 'LONG' : word === 'double' ? 'DOUBLE' : 'FLOAT';
}

function parsePick(fields: Fields, name: string, match: RegExpExecArray): Aggregator {
  return {
    type: 'pick',
    name,
    valueType: match[1] === 'string' ? 'STRING' : valueTypeOf(match[1]),
    operation: match[2] === 'First' ? 'first' : match[2] === 'Last' ? 'last' : 'any',
    fieldName: fields.text('fieldName'),
    timeColumn: fields.optionalText('timeColumn') ?? '__time',
    maxStringBytes: fields.integer('maxStringBytes', 0, STRING_BYTES),
  };
}

function parseCardinality(fields: Fields, name: string): Aggregator {
  const key = fields.has('fields') ? 'fields' : 'fieldNames';
  const inputs = fields.list(key).map((field, i) => {
    const at = `${fields.at(key)}[${i}]`;
    return refuseArray(parseDimension(field, at), at);
  });
  if (inputs.length === 0) throw invalid(`${fields.at(key)}: give at least one column`);
  return {
    type: 'cardinality',
    name,
    fields: inputs,
    byRow: fields.boolean('byRow', false),
    round: fields.boolean('round', false),
  };
}

/** Names of which each takes a bit of a LONG that is not negative. */
const GROUPINGS_MAX = 63;

function parseGroupings(fields: Fields): string[] {
  const groupings = fields.texts('groupings');
  if (groupings.length === 0 || groupings.length > GROUPINGS_MAX)
    throw invalid(
      `${fields.at('groupings')}: ${groupings.length} names; give 1 to ${GROUPINGS_MAX}`,
    );
  return groupings;
}

const REFUSED_POST = /^(quantiles?|javascript)$/;

/** @throws Failure `input` QueryInvalid naming the field or the refused type */
export function parsePostAggregators(fields: Fields): PostAggregator[] {
  return fields.list('postAggregations').map((value, i) => {
    const post = parsePost(fieldsOf(value, `${fields.at('postAggregations')}[${i}]`));
    if (post.name === '')
      throw invalid(`${fields.at('postAggregations')}[${i}].name: missing; name the output`);
    return post;
  });
}

function parsePost(fields: Fields): PostAggregator {
  const type = fields.type('PostAggregator');
  const name = fields.optionalText('name') ?? '';
  switch (type) {
    case 'arithmetic':
      return parseArithmetic(fields, name);
    case 'fieldAccess':
    case 'finalizingFieldAccess':
    case 'hyperUniqueCardinality': {
      const fieldName = fields.text('fieldName');
      return { type, name: name === '' ? fieldName : name, fieldName };
    }
    case 'constant': {
      const value = fields.text('value');
      if (value.trim() === '' || Number.isNaN(Number(value)))
        throw invalid(`${fields.at('value')}: '${value}' is not a number`);
      return { type, name, value, isLong: /^[+-]?\d+$/.test(value) };
    }
    case 'doubleGreatest':
    case 'doubleLeast':
    case 'longGreatest':
    case 'longLeast':
      return {
        type: 'extreme',
        name,
        valueType: type.startsWith('long') ? 'LONG' : 'DOUBLE',
        operation: type.endsWith('Greatest') ? 'greatest' : 'least',
        fields: nested(fields),
      };
    case 'expression': {
      const expression = fields.text('expression');
      parseExpression(expression);
      const outputType = parseValueType(fields, 'outputType');
      // Lists stay whole in the answer whatever the type of their values.
      return { type, name, expression, outputType: outputType?.element ?? null };
    }
    default:
      if (SKETCH_POST.test(type)) return parseSketchPost(fields, name, type, parsePost);
      if (REFUSED_POST.test(type))
        throw refused(
          `${fields.at('type')}: post-aggregator ${type}`,
          type === 'javascript' ? 'JavaScript is disabled' : '',
        );
      throw unknownType(type, 'PostAggregator', fields.at('type'));
  }
}

function nested(fields: Fields): PostAggregator[] {
  return fields
    .list('fields')
    .map((value, i) => parsePost(fieldsOf(value, `${fields.at('fields')}[${i}]`)));
}

function parseArithmetic(fields: Fields, name: string): PostAggregator {
  const fn = fields.text('fn');
  const known = (['+', '-', '*', '/', 'quotient', 'pow'] as const).find((word) => word === fn);
  if (known === undefined)
    throw invalid(`${fields.at('fn')}: '${fn}' is none of + - * / quotient pow`);
  const inputs = nested(fields);
  if (inputs.length < 2)
    throw invalid(`${fields.at('fields')}: give at least two, got ${inputs.length}`);
  return {
    type: 'arithmetic',
    name,
    fn: known,
    fields: inputs,
    numericFirst: fields.optionalText('ordering') === 'numericFirst',
  };
}
