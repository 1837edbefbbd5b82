// The query parser: any JSON value to a Query with every default filled in, or one clear refusal. Fed by HTTP
// bodies and files; feeds execution. Source: druid-query-api.md 3.1, 5, 6.

import { Failure, messageOf } from '../../../core/runtime/failure.ts';
import { parseContext } from '../context.ts';
import type { LookupTables } from '../expression/function.ts';
import { ANALYSIS_TYPES, type Query } from '../model.ts';
import { parseExactJson } from '../source/exact-json.ts';
import { parseAggregators, parsePostAggregators } from './aggregation.ts';
import {
  checkAggregating,
  checkBySegment,
  checkSize,
  DEFAULT_LIMITS,
  type QueryLimits,
} from './checks.ts';
import { parseDataSource } from './data-source.ts';
import { parseDimension, parseSearchSpec, refuseArray } from './dimension.ts';
import { Fields, fieldsOf, invalid, refused, unknownType } from './fields.ts';
import { parseOptionalFilter } from './filter.ts';
import { parseGranularity } from './granularity.ts';
import {
  parseHaving,
  parseLimitSpec,
  parseOrder,
  parseSubtotals,
  parseTopNMetric,
} from './group-by.ts';
import { parseIntervals } from './instant.ts';
import { parseVirtual, throughFiltered } from './virtual-column.ts';

/** Rows a scan puts into one element when the query does not say. */
const SCAN_BATCH = 20_480;
const SEARCH_LIMIT = 1000;

/**
 * Parses JSON text, keeping integers beyond 2^53 exact.
 *
 * @throws Failure `input` JsonParseFailed, then as {@link parseQuery}
 */
export function parseQueryText(text: string, limits: QueryLimits = DEFAULT_LIMITS): Query {
  let body: unknown;
  try {
    body = parseExactJson(text);
  } catch (error) {
    throw new Failure('input', 'JsonParseFailed', `the body is not JSON: ${messageOf(error)}`);
  }
  return parseQuery(body, limits);
}

/**
 * Parses a query. Scalars are coerced, unknown keys ignored; what is known but not offered is refused by name.
 *
 * @throws Failure `input` QueryInvalid, QueryContextInvalid, or ResourceLimitExceeded for a body beyond `limits`
 */
export function parseQuery(body: unknown, limits: QueryLimits = DEFAULT_LIMITS): Query {
  checkSize(body, limits);
  return checkBySegment(readQuery(fieldsOf(body, '')));
}

function readQuery(fields: Fields): Query {
  const queryType = fields.optionalText('queryType');
  if (queryType === null) throw invalid("missing type id property 'queryType'");
  const base = readBase(fields);
  switch (queryType) {
    case 'timeseries':
    case 'topN':
    case 'groupBy':
      return checkAggregating(readAggregating(queryType, fields, base));
    case 'scan':
      return readScan(fields, base);
    case 'search':
      return {
        queryType,
        ...base,
        granularity: fields.has('granularity')
          ? parseGranularity(fields.raw('granularity'))
          : { type: 'all' },
        searchDimensions: fields.has('searchDimensions')
          ? fields
              .list('searchDimensions')
              .map((d, i) =>
                refuseArray(parseDimension(d, `searchDimensions[${i}]`), `searchDimensions[${i}]`),
              )
          : null,
        query: parseSearchSpec(fields.object('query')),
        limit: fields.integer('limit', 1, SEARCH_LIMIT),
        sort: parseOrder(fields, 'sort'),
      };
    case 'timeBoundary': {
      const bound = fields.optionalText('bound')?.toLowerCase();
      return {
        queryType,
        ...base,
        bound: bound === 'mintime' ? 'minTime' : bound === 'maxtime' ? 'maxTime' : null,
      };
    }
    case 'dataSourceMetadata':
      return { queryType, ...base };
    case 'segmentMetadata':
      return readSegmentMetadata(fields, base);
    case 'select':
      throw refused(`${fields.at('queryType')}: queryType select`, 'use scan');
    default:
      throw unknownType(queryType, 'Query', fields.at('queryType'));
  }
}

type Base = Omit<Query & { queryType: 'dataSourceMetadata' }, 'queryType'>;

function readBase(fields: Fields): Base {
  const { intervals, segments } = parseIntervals(fields.raw('intervals'));
  return {
    dataSource: parseDataSource(fields.raw('dataSource'), 'dataSource', readQuery),
    intervals,
    segments,
    filter: parseOptionalFilter(fields.raw('filter'), 'filter'),
    virtualColumns: fields
      .list('virtualColumns')
      .map((column, i) => parseVirtual(fieldsOf(column, `virtualColumns[${i}]`))),
    lookups: readLookups(fields),
    context: parseContext(fields.raw('context')),
  };
}

/** Entries put beside a query by lookups/expand.ts. */
function readLookups(fields: Fields): LookupTables {
  if (!fields.has('sluiceLookups')) return {};
  const tables = fields.object('sluiceLookups');
  return Object.fromEntries(
    tables.keys().map((name) => {
      return [name, tables.object(name).textMap()];
    }),
  );
}

function readAggregating(
  queryType: 'timeseries' | 'topN' | 'groupBy',
  fields: Fields,
  base: Base,
): Query {
  if (!fields.has('intervals')) throw invalid('intervals: missing; give start/end');
  const common = {
    ...base,
    granularity: parseGranularity(fields.raw('granularity')),
    aggregations: parseAggregators(fields),
    postAggregations: parsePostAggregators(fields),
  };
  if (queryType === 'timeseries') {
    return {
      queryType,
      ...common,
      descending: fields.boolean('descending', false),
      limit: fields.optionalInteger('limit', 1),
    };
  }
  if (queryType === 'topN') {
    const threshold = fields.optionalInteger('threshold', 1);
    if (threshold === null) throw invalid('threshold: missing; give a number above 0');
    return {
      queryType,
      ...common,
      dimension: throughFiltered(
        refuseArray(parseDimension(fields.raw('dimension'), 'dimension'), 'dimension'),
        fields,
      ),
      metric: parseTopNMetric(fields.raw('metric'), 'metric'),
      threshold,
    };
  }
  const dimensions = fields
    .list('dimensions')
    .map((d, i) => throughFiltered(parseDimension(d, `dimensions[${i}]`), fields));
  const outputs = new Set([
    ...dimensions.map((d) => d.outputName),
    ...common.aggregations.map((a) => a.name),
    ...common.postAggregations.map((p) => p.name),
  ]);
  return {
    queryType,
    ...common,
    dimensions,
    having: fields.has('having') ? parseHaving(fields.raw('having'), 'having') : null,
    limitSpec: parseLimitSpec(fields.raw('limitSpec'), 'limitSpec', outputs),
    subtotals: parseSubtotals(fields, dimensions),
  };
}

function readScan(fields: Fields, base: Base): Query {
  if (!fields.has('intervals')) throw invalid('intervals: missing; give start/end');
  if (fields.boolean('legacy', false))
    throw refused(`${fields.at('legacy')}: scan with legacy: true`, 'leave it out');
  const format = fields.choice('resultFormat', ['list', 'compactedList', 'valueVector'], 'list');
  if (format === 'valueVector')
    throw refused(
      `${fields.at('resultFormat')}: resultFormat valueVector`,
      'use list or compactedList',
    );
  const columns = fields.has('columns') ? fields.texts('columns') : [];
  const order = scanOrder(fields);
  if (order !== 'none' && columns.length > 0 && !columns.includes('__time')) {
    throw invalid(`order '${order}': the __time column must be among columns`);
  }
  return {
    queryType: 'scan',
    ...base,
    columns: columns.length === 0 ? null : columns,
    compacted: format === 'compactedList',
    batchSize: fields.integer('batchSize', 1, SCAN_BATCH),
    limit: fields.optionalInteger('limit', 1),
    offset: fields.integer('offset', 0, 0),
    order,
  };
}

function scanOrder(fields: Fields): 'none' | 'ascending' | 'descending' {
  const columns = fields.list('orderBy').map((column, i) => fieldsOf(column, `orderBy[${i}]`));
  const [first] = columns;
  if (first === undefined)
    return fields.choice('order', ['none', 'ascending', 'descending'], 'none');
  if (columns.length > 1 || first.text('columnName') !== '__time')
    throw refused(`${fields.at('orderBy')}: orderBy on other columns than __time`);
  return first.choice('order', ['ascending', 'descending'], 'ascending');
}

function readSegmentMetadata(fields: Fields, base: Base): Query {
  if (base.dataSource.type !== 'table' && base.dataSource.type !== 'union')
    throw invalid('dataSource: segmentMetadata needs a table or a union');
  const include = fields.has('toInclude')
    ? fields.object('toInclude')
    : new Fields({ type: 'all' }, 'toInclude');
  const kind = include.type('ColumnIncluderator');
  if (!['all', 'none', 'list'].includes(kind))
    throw unknownType(kind, 'ColumnIncluderator', include.at('type'));
  const lenient = fields.has('lenientAggregatorMerge');
  if (lenient && fields.has('aggregatorMergeStrategy')) {
    throw invalid('give aggregatorMergeStrategy or lenientAggregatorMerge, not both');
  }
  const analyses = fields.has('analysisTypes')
    ? fields.texts('analysisTypes')
    : ['cardinality', 'interval', 'minmax'];
  return {
    queryType: 'segmentMetadata',
    ...base,
    columns: kind === 'all' ? null : kind === 'none' ? [] : include.texts('columns'),
    merge: fields.boolean('merge', false),
    analysisTypes: analyses.map((text) => {
      const found = ANALYSIS_TYPES.find((type) => type.toLowerCase() === text.toLowerCase());
      if (found === undefined)
        throw invalid(`analysisTypes: '${text}' is none of ${ANALYSIS_TYPES.join(', ')}`);
      return found;
    }),
    aggregatorMergeStrategy: lenient
      ? fields.boolean('lenientAggregatorMerge', false)
        ? 'lenient'
        : 'strict'
      : fields.choice(
          'aggregatorMergeStrategy',
          ['strict', 'lenient', 'earliest', 'latest'],
          'strict',
        ),
    usesDefaultInterval: !fields.has('intervals'),
  };
}
