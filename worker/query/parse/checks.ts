// What a query must satisfy beyond its shape: size of the body, unique output names, inputs that exist.
// Source: druid-query-api.md 6.

import { Failure } from '../../../core/runtime/failure.ts';
import { parseExpression } from '../expression/parser.ts';
import { type AggregatingQuery, baseOf, type PostAggregator, type Query } from '../model.ts';
import { invalid, refused } from './fields.ts';

/** Most levels and values of a query body. */
export interface QueryLimits {
  readonly depthMax: number;
  readonly valuesMax: number;
}

/** A filter of a hundred levels or a million values is no honest query. */
export const DEFAULT_LIMITS: QueryLimits = { depthMax: 100, valuesMax: 1_000_000 };

/** For queries that another node of ours has checked and put nested results into. */
export const INTERNAL_LIMITS: QueryLimits = { depthMax: 120, valuesMax: 20_000_000 };

/** @throws Failure `input` ResourceLimitExceeded */
export function checkSize(body: unknown, limits: QueryLimits): void {
  let level: unknown[] = [body];
  let values = 0;
  for (let depth = 0; level.length > 0; depth++) {
    values += level.length;
    if (depth > limits.depthMax) throw tooLarge(`nested deeper than ${limits.depthMax} levels`);
    if (values > limits.valuesMax) throw tooLarge(`more than ${limits.valuesMax} values`);
    const next: unknown[] = [];
    for (const value of level) {
      if (typeof value === 'object' && value !== null)
        for (const child of Object.values(value)) next.push(child);
    }
    level = next;
  }
}

function tooLarge(what: string): Failure {
  return new Failure('input', 'ResourceLimitExceeded', `the query is ${what}; make it smaller`);
}

/** Returns the query when its names are sound. @throws Failure `input` QueryInvalid */
export function checkAggregating(query: Query): Query {
  if (!('aggregations' in query)) return query;
  checkNames(query);
  const known = new Set(query.aggregations.map((a) => a.name));
  for (const post of query.postAggregations) {
    checkInputs(post, known);
    known.add(post.name);
  }
  if (
    query.queryType === 'topN' &&
    query.metric.type === 'numeric' &&
    !known.has(query.metric.metric)
  ) {
    throw invalid(
      `metric: '${query.metric.metric}' is no aggregator or post-aggregator of this query`,
    );
  }
  return query;
}

/** Names of the dimensions a query returns. */
function dimensionNames(query: AggregatingQuery): string[] {
  if (query.queryType === 'timeseries') return [];
  return (query.queryType === 'topN' ? [query.dimension] : query.dimensions).map(
    (d) => d.outputName,
  );
}

function checkNames(query: AggregatingQuery): void {
  const seen = new Set<string>();
  const outputs = [...query.aggregations, ...query.postAggregations].map((output) => output.name);
  for (const name of [...dimensionNames(query), ...outputs]) {
    // Druid lets timeseries and topN use the name.
    if (name === '__time' && query.queryType === 'groupBy')
      throw invalid(
        "'__time' cannot be used as an output name for dimensions, aggregators, or post-aggregators",
      );
    if (seen.has(name))
      throw invalid(
        `Duplicate output name[${name}]: dimensions, aggregators and post-aggregators must differ`,
      );
    seen.add(name);
  }
}

function checkInputs(post: PostAggregator, known: ReadonlySet<string>): void {
  switch (post.type) {
    case 'arithmetic':
    case 'extreme':
    case 'thetaSketchEstimate':
    case 'thetaSketchSetOp':
    case 'HLLSketchEstimate':
    case 'HLLSketchEstimateWithBounds':
    case 'HLLSketchUnion':
    case 'quantiles':
      for (const field of post.fields) checkInputs(field, known);
      return;
    case 'fieldAccess':
    case 'finalizingFieldAccess':
    case 'hyperUniqueCardinality':
      if (!known.has(post.fieldName)) throw missing(post.fieldName, post.name);
      return;
    case 'expression':
      parseExpression(post.expression);
      return;
    case 'constant':
      return;
  }
}

function missing(fieldName: string, name: string): Failure {
  return invalid(
    `Missing fields [[${fieldName}]] for postAggregator [${name}]: it is no aggregator or earlier post-aggregator`,
  );
}

/** @throws Failure `input` QueryInvalid for what has no result by segment, in Druid neither */
export function checkBySegment(query: Query): Query {
  const { bySegment, grandTotal } = query.context;
  if (!bySegment) return query;
  if (query.queryType === 'scan') throw refused('context.bySegment of a scan', 'leave it out');
  if (grandTotal) throw refused('context.bySegment with context.grandTotal', 'leave one out');
  const base = baseOf(query.dataSource);
  if (base.type !== 'table' && base.type !== 'union')
    throw refused(`context.bySegment over a data source of type ${base.type}`, 'ask a table');
  return query;
}
