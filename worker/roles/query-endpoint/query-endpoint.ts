// The Druid-compatible query endpoint of every data node and broker: POST /druid/v2, DELETE /druid/v2/<id>,
// /druid/v2/datasources. Headers, errors, time-out, cancel, request log. Source: druid-query-api.md 2 and 15.

import { randomUUID } from 'node:crypto';
import { formatInterval } from '../../../core/model/interval.ts';
import type { Clock } from '../../../core/runtime/clock.ts';
import { Failure, isFailure } from '../../../core/runtime/failure.ts';
import {
  type HttpRequest,
  type HttpResponse,
  jsonResponse,
} from '../../../core/runtime/http-message.ts';
import type { Route } from '../../../core/runtime/http-router.ts';
import type { Logger } from '../../../core/runtime/log.ts';
import type { Metrics } from '../../../core/runtime/metrics.ts';
import { errorAnswer, type Query } from '../../query/query.ts';
import { queryHandle, TIMEOUT_DEFAULT_MS } from '../data-node/node-query.ts';
import type { RunningQueries } from '../data-node/running-queries.ts';
import { answerChunks } from './answer.ts';
import type { ExecutionNotes, QueryExecutor } from './query-executor.ts';
import { type Lookups, readQuery } from './query-text.ts';

const BODY_BYTES_MAX = 10 * 1024 * 1024;
/** Response context header, bytes (druid-query-api.md 2.3). */
const CONTEXT_BYTES_MAX = 7168;
/** Elements of each list of a response context that is too long; so many always fit. */
const CONTEXT_LIST_MAX = 20;
/** Queries that take longer are logged at warn. */
const SLOW_MS = 1000;
/** Queries running at once; more get 429. */
const RUNNING_MAX = 200;

/** What the endpoint works with. */
export interface EndpointParts {
  readonly executor: QueryExecutor;
  readonly lookups: Lookups;
  readonly running: RunningQueries;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** `host:port`, for error bodies. */
  readonly host: string;
}

/** Routes of the endpoint. */
export function queryRoutes(parts: EndpointParts): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/druid/v2',
      accepts: ['application/json'],
      bodyBytesMax: BODY_BYTES_MAX,
      handler: (request) => post(parts, request),
    },
    {
      method: 'DELETE',
      path: '/druid/v2/:id',
      handler: (request) => {
        parts.running.cancel(request.params['id'] ?? '');
        return { status: 202 };
      },
    },
    {
      method: 'GET',
      path: '/druid/v2/datasources',
      handler: () => jsonResponse(200, parts.executor.dataSources()),
    },
    {
      method: 'GET',
      path: '/druid/v2/datasources/:name',
      handler: (request) => columns(parts, request),
    },
    {
      method: 'GET',
      path: '/druid/v2/datasources/:name/dimensions',
      handler: async (request) => pick(await columns(parts, request), 'dimensions'),
    },
    {
      method: 'GET',
      path: '/druid/v2/datasources/:name/metrics',
      handler: async (request) => pick(await columns(parts, request), 'metrics'),
    },
  ];
}

async function post(parts: EndpointParts, request: HttpRequest): Promise<HttpResponse> {
  const startedMs = parts.clock.monotonicMs();
  const sent = Buffer.from(request.body).toString('utf8');
  let queryId: string = randomUUID();
  let query: Query | undefined;
  try {
    const accept = request.headers['accept'] ?? '*/*';
    if (/smile/i.test(accept) && !/json|\*\/\*/i.test(accept))
      return jsonResponse(406, errorAnswer(notAcceptable(accept), parts.host).body);
    const { query: parsed, text } = await readQuery(sent, parts.lookups);
    query = parsed;
    queryId = query.context.queryId ?? queryId;
    if (parts.running.size >= RUNNING_MAX) {
      throw new Failure(
        'transient',
        'QueryCapacityExceeded',
        `${RUNNING_MAX} queries are running; try again later`,
      );
    }
    const handle = queryHandle(parts.clock, timeoutOf(query), request.signal);
    const finish = parts.running.add(queryId, handle);
    const notes: ExecutionNotes = {
      segments: 0,
      missingSegments: [],
      uncovered: [],
      isUncoveredOverflowed: false,
    };
    try {
      const chunks = await answerChunks(
        parts.executor,
        query,
        text,
        handle.cancelWord,
        notes,
        request.query.has('pretty'),
      );
      const done = (error?: unknown): void => {
        finish();
        record(parts, query, queryId, startedMs, notes, error);
      };
      return { status: 200, headers: headersOf(queryId, notes), body: watched(chunks, done) };
    } catch (error) {
      finish();
      throw error;
    }
  } catch (error) {
    record(parts, query, queryId, startedMs, undefined, error);
    const { status, body } = errorAnswer(error, parts.host);
    return jsonResponse(status, body, { 'x-druid-query-id': queryId });
  }
}

/** 0 and null mean the server's own limit. */
function timeoutOf(query: Query): number {
  const asked = query.context.timeoutMs ?? 0;
  return asked === 0 ? TIMEOUT_DEFAULT_MS : asked;
}

function notAcceptable(accept: string): Failure {
  return new Failure(
    'input',
    'QueryInvalid',
    `Accept '${accept}': Smile is not supported; use application/json`,
  );
}

function headersOf(queryId: string, notes: ExecutionNotes): Record<string, string> {
  return {
    'content-type': 'application/json',
    'x-druid-query-id': queryId,
    'x-druid-response-context': contextOf(notes),
    'x-druid-query-segment-count': String(notes.segments),
  };
}

/** The response context; lists that do not fit in a header are cut, and say so. */
function contextOf(notes: ExecutionNotes): string {
  const textOf = (most: number): string => {
    const missingSegments = notes.missingSegments.slice(0, most);
    const uncoveredIntervals = notes.uncovered.slice(0, most).map(formatInterval);
    const isCut = missingSegments.length < notes.missingSegments.length;
    const uncoveredIntervalsOverflowed =
      notes.isUncoveredOverflowed || uncoveredIntervals.length < notes.uncovered.length;
    return JSON.stringify({
      ...(missingSegments.length === 0 ? {} : { missingSegments }),
      ...(uncoveredIntervals.length === 0
        ? {}
        : { uncoveredIntervals, uncoveredIntervalsOverflowed }),
      ...(isCut ? { truncated: true } : {}),
    });
  };
  const whole = textOf(Number.POSITIVE_INFINITY);
  return whole.length > CONTEXT_BYTES_MAX ? textOf(CONTEXT_LIST_MAX) : whole;
}

async function* watched(
  chunks: AsyncIterable<string>,
  done: (error?: unknown) => void,
): AsyncGenerator<string> {
  try {
    yield* chunks;
    done();
  } catch (error) {
    done(error);
    throw error;
  } finally {
    done();
  }
}

/** One line of the request log. The first report of a query counts. */
const reported: WeakSet<Query> = new WeakSet();

function record(
  parts: EndpointParts,
  query: Query | undefined,
  queryId: string,
  startedMs: number,
  notes: ExecutionNotes | undefined,
  error?: unknown,
): void {
  if (query !== undefined) {
    if (reported.has(query)) return;
    reported.add(query);
  }
  const ms = parts.clock.monotonicMs() - startedMs;
  const type = query?.queryType ?? 'unparsed';
  const outcome = error === undefined ? 'success' : isFailure(error) ? error.code : 'InternalError';
  parts.metrics.queries.inc({ type, outcome });
  parts.metrics.querySeconds.observe({ type }, ms / 1000);
  const fields = {
    queryId,
    type,
    ms: Math.round(ms),
    outcome,
    isSlow: ms >= SLOW_MS,
    ...(notes === undefined ? {} : { segments: notes.segments }),
    ...(error === undefined ? {} : { error }),
  };
  if (error !== undefined && !isFailure(error)) parts.log.error('query', fields);
  else if (ms >= SLOW_MS) parts.log.warn('query', fields);
  else parts.log.debug('query', fields);
}

/** Columns of a data source by a segmentMetadata query over everything. Source: druid-query-api.md 15. */
async function columns(parts: EndpointParts, request: HttpRequest): Promise<HttpResponse> {
  const name = request.params['name'] ?? '';
  const text = JSON.stringify({
    queryType: 'segmentMetadata',
    dataSource: name,
    intervals: ['0000-01-01/9999-12-31'],
    merge: true,
    analysisTypes: ['aggregators'],
    lenientAggregatorMerge: true,
  });
  const response = await post(parts, {
    ...request,
    body: Buffer.from(text),
    query: new URLSearchParams(),
  });
  if (
    response.status !== 200 ||
    typeof response.body !== 'object' ||
    response.body instanceof Uint8Array
  )
    return response;
  let json = '';
  for await (const chunk of response.body) json += String(chunk);
  const [merged] = JSON.parse(json) as {
    columns: Record<string, unknown>;
    aggregators: Record<string, unknown> | null;
  }[];
  const metrics = Object.keys(merged?.aggregators ?? {});
  const dimensions = Object.keys(merged?.columns ?? {}).filter(
    (column) => column !== '__time' && !metrics.includes(column),
  );
  return jsonResponse(200, { dimensions, metrics });
}

function pick(response: HttpResponse, key: 'dimensions' | 'metrics'): HttpResponse {
  if (response.status !== 200 || typeof response.body !== 'string') return response;
  const value = JSON.parse(response.body) as Record<string, unknown>;
  return jsonResponse(200, value[key] ?? []);
}
