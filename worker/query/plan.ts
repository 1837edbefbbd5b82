// What must be asked before a query can run: nested queries and right sides of joins become inline rows, innermost
// first. A generator, so that the same plan serves a process that has the rows and a broker that asks for them.
// Fed by execute.ts and by the roles' query endpoint. Source: druid-query-api.md 5.

import { ETERNITY } from '../../core/model/interval.ts';
import { limitExceeded } from './control.ts';
import { resultRows } from './finish/result-rows.ts';
import { baseOf, type DataSource, type Query } from './model.ts';
import type { Partial } from './partial.ts';
import type { QueryPiece } from './run/piece.ts';
import { inlineBytes, inlineJson, type InlineSource } from './source/inline-source.ts';
import { inlineView } from './source/inline-view.ts';

/** A query whose left-most rows are in tables or at hand, and the JSON body that says the same. */
export interface PlannedQuery {
  readonly query: Query;
  readonly body: unknown;
}

/** Names of the tables a planned query reads; none when its rows are at hand. */
export function tablesOf({ dataSource }: Query): readonly string[] {
  const base = baseOf(dataSource);
  if (base.type === 'table') return [base.name];
  return base.type === 'union' ? base.names : [];
}

/** The rows of a planned query that reads no table; undefined when it reads some. */
export function piecesAtHand(query: Query): readonly QueryPiece[] | undefined {
  const base = baseOf(query.dataSource);
  if (base.type !== 'inline') return undefined;
  const extent = { firstMs: ETERNITY.startMs, lastMs: ETERNITY.endMs };
  return [{ view: inlineView(base), intervals: query.intervals, extent }];
}

/**
 * Plans a query. Yields the queries to be run before it, planned themselves; expects the merged result of each.
 *
 * @returns the query with everything nested replaced by rows
 * @throws Failure `input` ResourceLimitExceeded when nested results are larger than the context allows
 */
export function* planQuery(
  query: Query,
  body: unknown,
): Generator<PlannedQuery, PlannedQuery, Partial> {
  const limit = new NestedLimit(query);
  const dataSource = yield* planSource(query.dataSource, query, limit);
  if (dataSource === query.dataSource) return { query, body };
  const planned = { ...query, dataSource };
  const base = baseOf(dataSource).type;
  // Only a query that other nodes run needs its rows as JSON.
  if (base !== 'table' && base !== 'union') return { query: planned, body };
  return {
    query: planned,
    body: { ...(body as object), dataSource: sourceJson(dataSource, bodyOf(body, 'dataSource')) },
  };
}

function* planSource(
  source: DataSource,
  outer: Query,
  limit: NestedLimit,
): Generator<PlannedQuery, DataSource, Partial> {
  switch (source.type) {
    case 'table':
    case 'union':
    case 'inline':
      return source;
    case 'query': {
      const planned = limited(yield* planQuery(source.query, source.body), limit.rowsMax);
      const rows = resultRows(planned.query, yield planned, sketchInputs(outer));
      limit.add(rows);
      return withTimes(rows, planned.query, outer);
    }
    case 'join': {
      const left = yield* planSource(source.left, outer, limit);
      const right = yield* planSource(source.right, outer, limit);
      return left === source.left && right === source.right ? source : { ...source, left, right };
    }
  }
}

/** No more rows are asked of a nested scan than it takes to see that there are too many. */
function limited(planned: PlannedQuery, rowsMax: number): PlannedQuery {
  const { query, body } = planned;
  if (query.queryType !== 'scan' || (query.limit !== null && query.limit <= rowsMax))
    return planned;
  const limit = rowsMax + 1;
  return { query: { ...query, limit }, body: { ...(body as object), limit } };
}

/** Fields that aggregators over sketches and means read. */
function sketchInputs(query: Query): ReadonlySet<string> {
  const names = new Set<string>();
  for (let aggregator of 'aggregations' in query ? query.aggregations : []) {
    while (aggregator.type === 'filtered') aggregator = aggregator.aggregator;
    const { type } = aggregator;
    if (type === 'hyperUnique' || type === 'sketch' || type === 'mean')
      names.add(aggregator.fieldName);
  }
  return names;
}

/** A groupBy over a groupBy under `all` sees its rows at the start of the inner interval, any other query at 0. */
function withTimes(rows: InlineSource, inner: Query, outer: Query): InlineSource {
  const isGrouped =
    outer.queryType === 'groupBy' &&
    outer.dataSource.type === 'query' &&
    inner.queryType === 'groupBy';
  return isGrouped ? { ...rows, timeMs: inner.intervals[0]?.startMs ?? 0 } : rows;
}

/** Counts what nested queries of one query gave. */
class NestedLimit {
  readonly #query: Query;
  #rows = 0;
  #bytes = 0;

  constructor(query: Query) {
    this.#query = query;
  }

  /** Most rows that one nested query may still give. */
  get rowsMax(): number {
    return this.#query.context.maxSubqueryRows - this.#rows;
  }

  add(rows: InlineSource): void {
    const { maxSubqueryRows, maxSubqueryBytes } = this.#query.context;
    this.#rows += rows.rows.length;
    if (this.#rows > maxSubqueryRows) throw beyond(`${maxSubqueryRows}] rows`, 'maxSubqueryRows');
    if (maxSubqueryBytes === null) return;
    this.#bytes += inlineBytes(rows);
    if (this.#bytes > maxSubqueryBytes)
      throw beyond(`${maxSubqueryBytes}] bytes`, 'maxSubqueryBytes');
  }
}

function beyond(most: string, key: string): Error {
  return limitExceeded(
    `Cannot issue the query, subqueries generated results beyond maximum[${most}; make them smaller or raise context.${key}`,
  );
}

/** The JSON form of a planned source; parts that did not change keep theirs. */
function sourceJson(source: DataSource, body: unknown): unknown {
  if (source.type === 'inline') return inlineJson(source);
  if (source.type !== 'join') return body;
  return {
    ...(body as object),
    left: sourceJson(source.left, bodyOf(body, 'left')),
    right: sourceJson(source.right, bodyOf(body, 'right')),
  };
}

/** A field of a body that was parsed as an object. */
function bodyOf(body: unknown, key: string): unknown {
  return typeof body === 'object' && body !== null ? Reflect.get(body, key) : undefined;
}
