// Dimension specs and extraction functions as queries write them. Source: druid-query-api.md 8.

import type { DimensionSpec, ExtractionFn, SearchSpec, ValueFilter } from '../filter-model.ts';
import { compileExtraction, compileKeep } from '../text/extraction.ts';
import { OUTPUT_TYPES, type OutputType } from '../value.ts';
import { Fields, fieldsOf, invalid, isRecord, refused, scalarText, unknownType } from './fields.ts';
import { parseGranularity } from './granularity.ts';

/** The spec of a bare column name. */
export function plainDimension(name: string): DimensionSpec {
  return {
    dimension: name,
    outputName: name,
    outputType: 'STRING',
    isArray: false,
    extractionFn: null,
    keep: [],
  };
}

/** A name or a spec. @throws Failure `input` QueryInvalid */
export function parseDimension(value: unknown, path: string): DimensionSpec {
  const name = scalarText(value);
  if (name !== null) return plainDimension(name);
  const fields = fieldsOf(value, path);
  const type = fields.optionalText('type') ?? 'default';
  switch (type) {
    case 'default':
      return withOutput(fields, null);
    case 'extraction':
      return withOutput(
        fields,
        parseExtraction(fields.raw('extractionFn'), fields.at('extractionFn')),
      );
    case 'lookup':
      return withOutput(fields, lookupOf(fields));
    case 'listFiltered':
      return kept(fields, {
        type: 'list',
        values: fields.nullableTexts('values'),
        isWhitelist: fields.boolean('isWhitelist', true),
      });
    case 'regexFiltered':
      return kept(fields, { type: 'regex', pattern: fields.text('pattern') });
    case 'prefixFiltered':
      return kept(fields, { type: 'prefix', prefix: fields.text('prefix') });
    default:
      throw unknownType(type, 'DimensionSpec', fields.at('type'));
  }
}

function withOutput(fields: Fields, extractionFn: ExtractionFn | null): DimensionSpec {
  const dimension = fields.text('dimension');
  const type = parseValueType(fields, 'outputType');
  if (type?.isArray === true && extractionFn !== null)
    throw refused(`${fields.at('outputType')}: an array from an extraction function`);
  return {
    dimension,
    outputName: fields.optionalText('outputName') ?? dimension,
    outputType: type?.element ?? 'STRING',
    isArray: type?.isArray ?? false,
    extractionFn,
    keep: [],
  };
}

function kept(fields: Fields, filter: ValueFilter): DimensionSpec {
  const delegate = parseDimension(fields.raw('delegate'), fields.at('delegate'));
  compileKeep([filter]);
  return { ...delegate, keep: [...delegate.keep, filter] };
}

/** A type name in any case, `ARRAY<...>` included; null when absent. @throws Failure `input` QueryInvalid */
export function parseValueType(
  fields: Fields,
  key: string,
): { readonly element: OutputType; readonly isArray: boolean } | null {
  const array = /^ARRAY<(\w+)>$/i.exec(fields.optionalText(key) ?? '');
  const element =
    array === null
      ? parseOutputType(fields, key)
      : parseOutputType(new Fields({ [key]: array[1] ?? '' }, fields.path), key);
  return element === null ? null : { element, isArray: array !== null };
}

/** A dimension of whole lists where only single values will do. @throws Failure `input` QueryInvalid */
export function refuseArray(spec: DimensionSpec, path: string): DimensionSpec {
  if (!spec.isArray) return spec;
  const type = `ARRAY<${spec.outputType}>`;
  throw invalid(
    `${path}.outputType: Cannot create query type helper from invalid type [${type}]; only groupBy groups by arrays`,
  );
}

/** A column type name in any case, null when absent. @throws Failure `input` QueryInvalid */
export function parseOutputType(fields: Fields, key: string): OutputType | null {
  const text = fields.optionalText(key);
  if (text === null) return null;
  if (/^(ARRAY|COMPLEX)/i.test(text)) throw refused(`${fields.at(key)}: type ${text}`);
  const found = OUTPUT_TYPES.find((type) => type === text.toUpperCase());
  if (found === undefined)
    throw invalid(`${fields.at(key)}: '${text}' is none of ${OUTPUT_TYPES.join(', ')}`);
  return found;
}

/** An extraction function, checked by compiling it. @throws Failure `input` QueryInvalid */
function parseExtraction(value: unknown, path: string): ExtractionFn {
  const fn = readExtraction(fieldsOf(value, path));
  compileExtraction(fn);
  return fn;
}

/** Absent = null. */
export function parseOptionalExtraction(fields: Fields): ExtractionFn | null {
  return fields.has('extractionFn')
    ? parseExtraction(fields.raw('extractionFn'), fields.at('extractionFn'))
    : null;
}

function readExtraction(fields: Fields): ExtractionFn {
  const type = fields.type('ExtractionFn');
  switch (type) {
    case 'timeFormat':
      return {
        type,
        format: fields.optionalText('format'),
        timeZone: fields.optionalText('timeZone') ?? 'UTC',
        granularity: fields.has('granularity')
          ? parseGranularity(fields.raw('granularity'), fields.at('granularity'))
          : null,
        asMillis: fields.boolean('asMillis', false),
      };
    case 'regex':
      return {
        type,
        expr: fields.text('expr'),
        index: fields.integer('index', 0, 1),
        replaceMissingValue: fields.boolean('replaceMissingValue', false),
        replaceMissingValueWith: fields.optionalText('replaceMissingValueWith'),
      };
    case 'partial':
      return { type, expr: fields.text('expr') };
    case 'searchQuery':
      return { type, query: parseSearchSpec(fields.object('query')) };
    case 'substring':
      return {
        type,
        index: fields.integer('index', 0, 0),
        length: fields.optionalInteger('length', 1),
      };
    case 'strlen':
    case 'upper':
    case 'lower':
      return { type };
    case 'bucket': {
      const size = fields.number('size', 1);
      if (size <= 0) throw invalid(`${fields.at('size')}: ${size} must be above 0`);
      return { type, size, offset: fields.number('offset', 0) };
    }
    case 'stringFormat':
      return {
        type,
        format: fields.text('format'),
        nullHandling: fields.choice(
          'nullHandling',
          ['nullString', 'emptyString', 'returnNull'],
          'nullString',
        ),
      };
    case 'lookup':
      return lookupOf(fields);
    case 'cascade':
      return {
        type,
        extractionFns: fields
          .list('extractionFns')
          .map((fn, i) => readExtraction(fieldsOf(fn, `${fields.at('extractionFns')}[${i}]`))),
      };
    case 'javascript':
      throw refused(`${fields.at('type')}: extractionFn javascript`, 'JavaScript is disabled');
    case 'registeredLookup':
      throw invalid(`${fields.at('lookup')}: Lookup [${fields.text('lookup')}] not found`);
    case 'time':
      throw refused(`${fields.at('type')}: extractionFn ${type}`);
    default:
      throw unknownType(type, 'ExtractionFn', fields.at('type'));
  }
}

function lookupOf(fields: Fields): ExtractionFn {
  // Names that are registered have been replaced by entries before (lookups/expand.ts).
  const raw = fields.raw('lookup');
  if (!isRecord(raw)) {
    const name = scalarText(raw) ?? fields.optionalText('name');
    if (name !== null) throw invalid(`${fields.at('lookup')}: Lookup [${name}] not found`);
    throw invalid(`${fields.at('lookup')}: missing; give a lookup, or the name of one`);
  }
  if (fields.has('name')) throw invalid(`${fields.at('name')}: give lookup or name, not both`);
  const lookup = fieldsOf(raw, fields.at('lookup'));
  if (lookup.type('LookupExtractor') !== 'map')
    throw refused(`${lookup.at('type')}: lookup type ${lookup.type('LookupExtractor')}`);
  const map = lookup.object('map');
  const retainMissingValue = fields.boolean('retainMissingValue', false);
  const replaceMissingValueWith = fields.optionalText('replaceMissingValueWith');
  if (retainMissingValue && replaceMissingValueWith !== null) {
    throw invalid(`${fields.path}: give retainMissingValue or replaceMissingValueWith, not both`);
  }
  return {
    type: 'lookup',
    map: map.textMap(),
    retainMissingValue,
    replaceMissingValueWith,
  };
}

/** A search condition. Source: 7.2. @throws Failure `input` QueryInvalid */
export function parseSearchSpec(fields: Fields): SearchSpec {
  const type = fields.type('SearchQuerySpec');
  switch (type) {
    case 'contains':
      return {
        type,
        value: fields.text('value'),
        caseSensitive: fields.boolean('caseSensitive', false),
      };
    case 'insensitive_contains':
      return { type: 'contains', value: fields.text('value'), caseSensitive: false };
    case 'fragment':
      return {
        type,
        values: fields.texts('values'),
        caseSensitive: fields.boolean('caseSensitive', false),
      };
    case 'regex':
      return { type, pattern: fields.text('pattern') };
    case 'all':
      return { type };
    default:
      throw unknownType(type, 'SearchQuerySpec', fields.at('type'));
  }
}
