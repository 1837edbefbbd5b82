// The query context: settings beside the question. Fed by the `context` object of a query; read by roles
// (timeout, cache, priority), by execution and by finish. Source: druid-query-api.md 13.

import { Failure } from '../../core/runtime/failure.ts';
import { Fields, isRecord } from './parse/fields.ts';

/** Known settings with their defaults, and everything as sent. */
export interface QueryContext {
  /** Null = the server makes one. */
  readonly queryId: string | null;
  /** Milliseconds; null = server default, 0 = up to the server's maximum. */
  readonly timeoutMs: number | null;
  readonly priority: number;
  readonly useCache: boolean;
  readonly populateCache: boolean;
  /** False = sketches print as base64 of their bytes. */
  readonly finalize: boolean;
  readonly skipEmptyBuckets: boolean;
  /** True = a result for each segment, not merged. */
  readonly bySegment: boolean;
  readonly grandTotal: boolean;
  readonly minTopNThreshold: number;
  readonly sortByDimsFirst: boolean;
  readonly resultAsArray: boolean;
  readonly serializeDateTimeAsLong: boolean;
  readonly timestampResultField: string | null;
  /** Most rows an ordered scan may hold. */
  readonly maxRowsQueuedForOrdering: number;
  readonly maxSegmentPartitionsOrderedInMemory: number;
  /** Most rows and bytes that nested queries may give together; null = any. */
  readonly maxSubqueryRows: number;
  readonly maxSubqueryBytes: number | null;
  /** Most bytes that a broker takes from data nodes for this query; null = any. */
  readonly maxScatterGatherBytes: number | null;
  /** Most gaps in the intervals that the response context lists; 0 = it lists none. */
  readonly uncoveredIntervalsLimit: number;
  /** Every key as sent, to be carried along. */
  readonly raw: Readonly<Record<string, unknown>>;
}

/**
 * Reads a context object, null or absent = empty. Unknown keys are kept in `raw`.
 *
 * @throws Failure `input` QueryContextInvalid when a known key has the wrong type
 */
export function parseContext(value: unknown): QueryContext {
  const raw = value ?? {};
  if (!isRecord(raw)) throw contextInvalid('context: expected an object');
  try {
    return readContext(new Fields(raw, 'context'), raw);
  } catch (error) {
    throw contextInvalid(error instanceof Error ? error.message : String(error));
  }
}

function contextInvalid(message: string): Failure {
  return new Failure('input', 'QueryContextInvalid', message);
}

/** Druid's default. */
const SUBQUERY_ROWS = 100_000;

/** `auto` and `disabled` leave it to the rows. */
function subqueryBytes(fields: Fields): number | null {
  const text = fields.optionalText('maxSubqueryBytes');
  if (text === null || /^(auto|disabled|unlimited)$/i.test(text)) return null;
  return fields.optionalInteger('maxSubqueryBytes', 0);
}

function readContext(fields: Fields, raw: Readonly<Record<string, unknown>>): QueryContext {
  return {
    queryId: fields.optionalText('queryId'),
    timeoutMs: fields.optionalInteger('timeout', 0),
    priority: fields.number('priority', 0),
    useCache: fields.boolean('useCache', true),
    populateCache: fields.boolean('populateCache', true),
    finalize: fields.boolean('finalize', true),
    skipEmptyBuckets: fields.boolean('skipEmptyBuckets', false),
    bySegment: fields.boolean('bySegment', false),
    grandTotal: fields.boolean('grandTotal', false),
    minTopNThreshold: fields.integer('minTopNThreshold', 0, 1000),
    sortByDimsFirst: fields.boolean('sortByDimsFirst', false),
    resultAsArray: fields.boolean('resultAsArray', false),
    serializeDateTimeAsLong: fields.boolean('serializeDateTimeAsLong', false),
    timestampResultField: fields.optionalText('timestampResultField'),
    maxRowsQueuedForOrdering: fields.integer('maxRowsQueuedForOrdering', 1, 100_000),
    maxSubqueryRows: fields.integer('maxSubqueryRows', 0, SUBQUERY_ROWS),
    maxSubqueryBytes: subqueryBytes(fields),
    maxScatterGatherBytes: fields.optionalInteger('maxScatterGatherBytes', 0),
    uncoveredIntervalsLimit: fields.integer('uncoveredIntervalsLimit', 0, 0),
    maxSegmentPartitionsOrderedInMemory: fields.integer(
      'maxSegmentPartitionsOrderedInMemory',
      1,
      50,
    ),
    raw,
  };
}
