// Data sources as queries write them: tables, unions, nested queries, inline rows, joins. Lookups by name have been
// replaced by their rows before (lookups/expand.ts). Source: druid-query-api.md 5.

import type { DataSource, JoinSource, Query } from '../model.ts';
import type { InlineSource } from '../source/inline-source.ts';
import { parseJoinCondition } from '../source/join-condition.ts';
import { convert, OUTPUT_TYPES, type OutputType, type Value } from '../value.ts';
import {
  type Fields,
  fieldsOf,
  invalid,
  isRecord,
  refused,
  scalarText,
  unknownType,
} from './fields.ts';
import { parseOptionalFilter } from './filter.ts';

/** Query types whose results can be read by another query. */
const NESTABLE: ReadonlySet<string> = new Set(['groupBy', 'timeseries', 'topN', 'scan']);

/** Reads a nested query. */
export type QueryReader = (fields: Fields) => Query;

/** A name or an object. @throws Failure `input` QueryInvalid naming the field */
export function parseDataSource(value: unknown, path: string, readQuery: QueryReader): DataSource {
  const name = scalarText(value);
  if (name !== null) return { type: 'table', name };
  if (!isRecord(value)) throw invalid(`${path}: missing; name a data source`);
  const fields = fieldsOf(value, path);
  const type = fields.type('DataSource');
  switch (type) {
    case 'table':
    // Every node reads a table where its segments are, so that broadcast tables need nothing of their own.
    case 'globalTable':
      return { type: 'table', name: fields.text('name') };
    case 'union':
      return parseUnion(fields, readQuery);
    case 'query':
      return parseNested(fields, readQuery);
    case 'inline':
      return parseInline(fields);
    case 'lookup':
      throw invalid(`${path}: Lookup [${fields.text('lookup')}] not found`);
    case 'join':
      return parseJoin(fields, readQuery);
    case 'unnest':
    case 'filter':
    case 'restrict':
      throw refused(`${fields.at('type')}: data source ${type}`);
    default:
      throw unknownType(type, 'DataSource', fields.at('type'));
  }
}

function parseUnion(fields: Fields, readQuery: QueryReader): DataSource {
  const names = fields.list('dataSources').map((member, i) => {
    const at = `${fields.at('dataSources')}[${i}]`;
    const source = parseDataSource(member, at, readQuery);
    if (source.type !== 'table')
      throw refused(`${at}: a union of anything but tables`, 'name tables only');
    return source.name;
  });
  if (names.length === 0) throw invalid(`${fields.at('dataSources')}: give at least one`);
  return { type: 'union', names };
}

function parseNested(fields: Fields, readQuery: QueryReader): DataSource {
  const query = readQuery(fields.object('query'));
  if (!NESTABLE.has(query.queryType)) {
    throw refused(
      `${fields.at('query')}: Query type '${query.queryType}' does not support returning results as arrays; it inside a query data source`,
      `nest one of ${[...NESTABLE].join(', ')}`,
    );
  }
  if (query.context.bySegment)
    throw refused(`${fields.at('query')}.context.bySegment of a nested query`, 'leave it out');
  return { type: 'query', query, body: fields.raw('query') };
}

function parseInline(fields: Fields): InlineSource {
  const names = fields.texts('columnNames');
  if (new Set(names).size < names.length)
    throw invalid(`${fields.at('columnNames')}: a name appears twice`);
  const types = fields.has('columnTypes') ? fields.list('columnTypes') : names.map(() => null);
  if (types.length !== names.length) {
    throw invalid(
      `${fields.at('columnTypes')}: columnNames and columnTypes must be the same length, got ${names.length} and ${types.length}`,
    );
  }
  const columns = names.map((name, i) => ({
    name,
    type: columnType(types[i], `${fields.at('columnTypes')}[${i}]`),
  }));
  const rows = fields.list('rows').map((row, r) => {
    const at = `${fields.at('rows')}[${r}]`;
    if (!Array.isArray(row) || row.length !== names.length)
      throw invalid(`${at}: expected an array of ${names.length} values, one per column`);
    return row.map((value: unknown, c) => inlineValue(value, columns[c]?.type ?? null, at));
  });
  return {
    type: 'inline',
    name: fields.optionalText('sluiceName') ?? 'inline',
    columns,
    rows,
    timeMs: fields.number('sluiceTime', 0),
  };
}

function columnType(value: unknown, path: string): OutputType | null {
  if (value === null || value === undefined) return null;
  const text = scalarText(value);
  const found = OUTPUT_TYPES.find((type) => type === text?.toUpperCase());
  if (found === undefined)
    throw invalid(`${path}: '${text ?? 'object'}' is none of ${OUTPUT_TYPES.join(', ')}`);
  return found;
}

function inlineValue(value: unknown, type: OutputType | null, path: string): Value {
  const plain = plainValue(value, path);
  if (type === null || plain === null) return plain;
  if (Array.isArray(plain)) {
    if (type !== 'STRING') throw invalid(`${path}: a list in a column of type ${type}`);
    return plain.map((item: Value) => convert(item, type));
  }
  return convert(plain, type);
}

function plainValue(value: unknown, path: string): Value {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string' || typeof value === 'bigint') return value;
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return value.map((item: unknown) => plainValue(item, path));
  throw invalid(`${path}: objects are no values of rows`);
}

function parseJoin(fields: Fields, readQuery: QueryReader): DataSource {
  const left = parseDataSource(fields.raw('left'), fields.at('left'), readQuery);
  const right = parseDataSource(fields.raw('right'), fields.at('right'), readQuery);
  if (right.type !== 'inline' && right.type !== 'query') {
    throw refused(
      `${fields.at('right')}: a ${right.type} on the right side of a join`,
      'give a lookup, an inline data source or a query, which may read the table',
    );
  }
  const rightPrefix = fields.text('rightPrefix');
  checkPrefix(rightPrefix, left, fields);
  const joinType = fields.text('joinType').toUpperCase();
  if (joinType === 'RIGHT' || joinType === 'FULL')
    throw refused(`${fields.at('joinType')}: ${joinType}`, 'use INNER or LEFT');
  if (joinType !== 'INNER' && joinType !== 'LEFT')
    throw invalid(`${fields.at('joinType')}: '${joinType}' is neither INNER nor LEFT`);
  const condition = fields.text('condition');
  return {
    type: 'join',
    left,
    right,
    rightPrefix,
    condition: parseJoinCondition(condition, rightPrefix, fields.at('condition')),
    joinType,
    leftFilter: parseOptionalFilter(fields.raw('leftFilter'), fields.at('leftFilter')),
  };
}

function checkPrefix(prefix: string, left: DataSource, fields: Fields): void {
  const at = fields.at('rightPrefix');
  if (prefix === '') throw invalid(`${at}: Join clause cannot have null or empty prefix`);
  if ('__time'.startsWith(prefix))
    throw invalid(`${at}: Join clause cannot have prefix[${prefix}], since it would shadow __time`);
  for (let source = left; source.type === 'join'; source = source.left) {
    const other: JoinSource['rightPrefix'] = source.rightPrefix;
    if (other === prefix)
      throw invalid(`${at}: Detected duplicate prefix in join clauses: [${prefix}]`);
    if (other.startsWith(prefix) || prefix.startsWith(other))
      throw invalid(`${at}: Detected conflicting prefixes in join clauses: [${prefix}, ${other}]`);
  }
}
