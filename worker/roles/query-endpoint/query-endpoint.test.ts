import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../core/runtime/clock.ts';
import { Failure } from '../../../core/runtime/failure.ts';
import { type HttpServer, startHttpServer } from '../../../core/runtime/http-server.ts';
import { NO_LOG } from '../../../core/runtime/log.ts';
import { createMetrics } from '../../../core/runtime/metrics.ts';
import { type Partial, type Query, tablesOf, UNLIMITED } from '../../query/query.ts';
import { runToEnd } from '../../query/run/run-query.ts';
import { rowView } from '../../view/row-view.ts';
import { checkCancelled } from '../data-node/node-query.ts';
import { RunningQueries } from '../data-node/running-queries.ts';
import type { QueryExecutor } from './query-executor.ts';
import { queryRoutes } from './query-endpoint.ts';

// The HTTP contract of druid-query-api.md 2: one test a row of the error table 2.4, headers, media types, gzip,
// pretty, cancel, time-out and a failure after the first bytes.

const DAY = { startMs: Date.UTC(2024, 0, 1), endMs: Date.UTC(2024, 0, 2) };
const view = rowView(
  Array.from({ length: 200 }, (_, i) => ({ __time: DAY.startMs + i, page: `page-${i}`, n: i })),
  {
    dimensions: [{ name: 'page' }],
    metrics: [{ name: 'n', type: 'longSum' }],
    segmentId: 'rows_2024-01-01T00:00:00.000Z_2024-01-02T00:00:00.000Z_v1',
    interval: DAY,
  },
);

/** What each data source does when it is asked. */
const BEHAVIOUR: Readonly<Record<string, (word: Int32Array) => Promise<never>>> = {
  async waits(word) {
    for (;;) {
      checkCancelled(word);
      await systemClock.sleep(5, AbortSignal.timeout(1000));
    }
  },
  breaks: () => Promise.reject(new Error('a thing nobody foresaw')),
  alone: () => Promise.reject(new Failure('transient', 'NodeUnavailable', 'server x is gone')),
  interrupted: () => Promise.reject(new Failure('transient', 'QueryInterrupted', 'interrupted')),
  unsupported: () =>
    Promise.reject(new Failure('input', 'QueryUnsupported', 'this node cannot run it')),
  wide: () =>
    Promise.reject(new Failure('input', 'ResourceLimitExceeded', 'more rows than allowed')),
};

async function* execute(query: Query, word: Int32Array): AsyncGenerator<Partial> {
  for (const name of tablesOf(query)) {
    const behaviour = BEHAVIOUR[name];
    if (behaviour !== undefined) await behaviour(word);
    if (name === 'nothing') continue;
    yield runToEnd(query, [{ view, intervals: [DAY] }], UNLIMITED);
    if (name !== 'fails late') continue;
    for (let i = 0; i < 300; i++) yield runToEnd(query, [{ view, intervals: [DAY] }], UNLIMITED);
    throw new Error('after the first bytes');
  }
}

const executor: QueryExecutor = {
  execute(query, _text, word, notes) {
    notes.segments += 1;
    const gaps = query.context.uncoveredIntervalsLimit;
    notes.uncovered.push(...Array.from({ length: gaps }, () => DAY));
    notes.missingSegments.push({ itvl: '2024/2025', ver: 'v1', part: 3 });
    return execute(query, word);
  },
  dataSources: () => ['rows'],
};

let server: HttpServer;
let base = '';
const running = new RunningQueries();

beforeAll(async () => {
  server = await startHttpServer({
    host: '127.0.0.1',
    port: 0,
    log: NO_LOG,
    routes: queryRoutes({
      executor,
      lookups: { ready: Promise.resolve(), entries: () => undefined },
      running,
      clock: systemClock,
      log: NO_LOG,
      metrics: createMetrics(),
      host: 'broker-0:8082',
    }),
  });
  base = `http://127.0.0.1:${server.port}`;
});
afterAll(() => server.close(AbortSignal.timeout(1000)));

const JSON_TYPE = { 'content-type': 'application/json' };

function timeseries(dataSource: unknown, change: object = {}): object {
  return {
    queryType: 'timeseries',
    dataSource,
    intervals: ['2024-01-01/2024-01-02'],
    granularity: 'all',
    aggregations: [{ type: 'longSum', name: 'n', fieldName: 'n' }],
    ...change,
  };
}

function post(body: unknown, path = '/druid/v2', headers: object = JSON_TYPE): Promise<Response> {
  const bytes =
    body instanceof Uint8Array
      ? new Uint8Array(body)
      : new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body));
  return fetch(base + path, { method: 'POST', headers: { ...headers }, body: bytes });
}

interface ErrorRow {
  readonly when: string;
  readonly body: unknown;
  readonly status: number;
  readonly error: string;
  readonly category: string;
  readonly message?: RegExp;
}

const INVALID = { status: 400, error: 'druidException', category: 'INVALID_INPUT' };
const topN = {
  queryType: 'topN',
  dimension: 'page',
  metric: 'n',
  threshold: 5,
  aggregations: [{ type: 'longSum', name: 'n', fieldName: 'n' }],
};

const ERRORS: readonly ErrorRow[] = [
  {
    when: 'the body is no JSON',
    body: '{"queryType":',
    status: 400,
    error: 'Json parse failed',
    category: 'INVALID_INPUT',
  },
  {
    when: 'a context value has the wrong type',
    body: timeseries('rows', { context: { timeout: 'soon' } }),
    status: 400,
    error: 'Query context parse failed',
    category: 'INVALID_INPUT',
    message: /timeout/,
  },
  {
    when: 'a limit is passed',
    body: timeseries('wide'),
    status: 400,
    error: 'Resource limit exceeded',
    category: 'INVALID_INPUT',
  },
  {
    when: 'the body is nested too deep',
    body: `{"queryType":"timeseries","filter":${'{"type":"not","field":'.repeat(200)}null${'}'.repeat(200)}}`,
    status: 400,
    error: 'Resource limit exceeded',
    category: 'INVALID_INPUT',
  },
  {
    when: 'the query type is unknown',
    body: { queryType: 'timeTravel', dataSource: 'rows' },
    ...INVALID,
    message: /Could not resolve type id 'timeTravel' as a subtype of/,
  },
  {
    when: 'a filter type is unknown',
    body: timeseries('rows', { filter: { type: 'guess' } }),
    ...INVALID,
    message: /Could not resolve type id 'guess' as a subtype of/,
  },
  {
    when: 'a field is missing',
    body: timeseries('rows', { intervals: undefined }),
    ...INVALID,
    message: /intervals/,
  },
  {
    when: 'an output name is there twice',
    body: timeseries('rows', {
      aggregations: [
        { type: 'count', name: 'n' },
        { type: 'longSum', name: 'n', fieldName: 'n' },
      ],
    }),
    ...INVALID,
    message: /Duplicate output name/,
  },
  {
    when: 'a post-aggregator reads what is not there',
    body: timeseries('rows', {
      postAggregations: [{ type: 'fieldAccess', name: 'p', fieldName: 'q' }],
    }),
    ...INVALID,
    message: /Missing fields \[\[q\]\]/,
  },
  {
    when: 'JavaScript is asked for',
    body: timeseries('rows', {
      filter: { type: 'javascript', dimension: 'page', function: 'x => true' },
    }),
    ...INVALID,
    message: /javascript/i,
  },
  {
    when: 'the data source is an unknown lookup',
    body: timeseries({ type: 'lookup', lookup: 'countries' }),
    ...INVALID,
    message: /Lookup \[countries\] not found/,
  },
  {
    when: 'an interval ends before it starts',
    body: timeseries('rows', { intervals: ['2024-01-02/2024-01-01'] }),
    ...INVALID,
  },
  {
    when: 'something unforeseen happens',
    body: timeseries('breaks'),
    status: 500,
    error: 'Unknown exception',
    category: 'RUNTIME_FAILURE',
  },
  {
    when: 'a server does not answer',
    body: timeseries('alone'),
    status: 500,
    error: 'Unknown exception',
    category: 'RUNTIME_FAILURE',
  },
  {
    when: 'the query is interrupted',
    body: timeseries('interrupted'),
    status: 500,
    error: 'Query interrupted',
    category: 'RUNTIME_FAILURE',
  },
  {
    when: 'this node cannot run the query',
    body: timeseries('unsupported'),
    status: 501,
    error: 'Unsupported query',
    category: 'UNSUPPORTED',
  },
  {
    when: 'the time is over',
    body: timeseries('waits', { context: { timeout: 40 } }),
    status: 504,
    error: 'Query timeout',
    category: 'TIMEOUT',
  },
];

describe('errors', () => {
  test.each(ERRORS)('$status $error when $when', async (row) => {
    const response = await post(row.body);
    const body = (await response.json()) as Record<string, unknown>;
    expect(response.status, JSON.stringify(body)).toBe(row.status);
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    expect(response.headers.get('x-druid-query-id')).toMatch(/^\S+$/);
    expect(body).toMatchObject({ error: row.error, category: row.category, host: 'broker-0:8082' });
    expect(Object.keys(body)).toEqual([
      'error',
      'errorCode',
      'persona',
      'category',
      'errorMessage',
      'errorClass',
      'host',
      'context',
    ]);
    expect(body['errorMessage']).toMatch(row.message ?? /\S/);
  });

  test('500 Query cancelled when somebody deletes it; the delete itself is 202', async () => {
    const asked = post(timeseries('waits', { context: { queryId: 'to-cancel' } }));
    while (running.size === 0) await systemClock.sleep(5, AbortSignal.timeout(1000));
    for (const id of ['to-cancel', 'never-heard-of']) {
      const deleted = await fetch(`${base}/druid/v2/${id}`, { method: 'DELETE' });
      expect(deleted.status).toBe(202);
      expect(await deleted.text()).toBe('');
    }
    const response = await asked;
    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({
      error: 'Query cancelled',
      category: 'CANCELED',
      errorMessage: 'Task was cancelled.',
    });
    expect(running.size).toBe(0);
  });

  test('429 when too many queries run', async () => {
    const ended = Array.from({ length: 200 }, () =>
      running.add(null, {
        cancelWord: new Int32Array(1),
        cancel: () => undefined,
        close: () => undefined,
      }),
    );
    const response = await post(timeseries('rows'));
    for (const end of ended) end();
    expect(response.status).toBe(429);
    expect(await response.json()).toMatchObject({
      error: 'Query capacity exceeded',
      category: 'CAPACITY_EXCEEDED',
    });
    expect((await post(timeseries('rows'))).status).toBe(200);
  });

  test('a client that goes away ends its query', async () => {
    const gone = new AbortController();
    const asked = fetch(`${base}/druid/v2`, {
      method: 'POST',
      headers: JSON_TYPE,
      body: JSON.stringify(timeseries('waits')),
      signal: gone.signal,
    });
    while (running.size === 0) await systemClock.sleep(5, AbortSignal.timeout(1000));
    gone.abort();
    await expect(asked).rejects.toThrow();
    const deadlineMs = systemClock.monotonicMs() + 5000;
    while (running.size > 0 && systemClock.monotonicMs() < deadlineMs)
      await systemClock.sleep(5, AbortSignal.timeout(1000));
    expect(running.size).toBe(0);
  });

  test('a failure after the first bytes cuts the answer', async () => {
    const response = await post({
      queryType: 'scan',
      dataSource: 'fails late',
      intervals: ['2024-01-01/2024-01-02'],
    });
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow();
  });
});

describe('media types', () => {
  test('only JSON is read: 415 for others and for a body with no type', async () => {
    const body = JSON.stringify(timeseries('rows'));
    for (const type of ['application/x-jackson-smile', 'application/smile', 'text/plain', ''])
      expect((await post(body, '/druid/v2', { 'content-type': type })).status, type).toBe(415);
    const charset = { 'content-type': 'application/json;charset=UTF-8' };
    expect((await post(body, '/druid/v2', charset)).status).toBe(200);
  });

  test('406 for a client that wants Smile only', async () => {
    const only = { ...JSON_TYPE, accept: 'application/x-jackson-smile' };
    const response = await post(timeseries('rows'), '/druid/v2', only);
    expect(response.status).toBe(406);
    expect(await response.text()).toMatch(/Smile is not supported/);
    const both = { ...JSON_TYPE, accept: 'application/x-jackson-smile, application/json' };
    expect((await post(timeseries('rows'), '/druid/v2', both)).status).toBe(200);
  });

  test('gzip both ways', async () => {
    const scan = { queryType: 'scan', dataSource: 'rows', intervals: ['2024/2025'] };
    const response = await post(gzipSync(JSON.stringify(scan)), '/druid/v2', {
      ...JSON_TYPE,
      'content-encoding': 'gzip',
      'accept-encoding': 'gzip',
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-encoding')).toBe('gzip');
    // fetch has inflated it.
    const [element] = (await response.json()) as { events: unknown[] }[];
    expect(element?.events.length).toBe(200);
  });
});

/** The response context of a query of which so many parts are not covered. */
async function uncovered(count: number): Promise<Record<string, unknown>> {
  const context = { uncoveredIntervalsLimit: count };
  const response = await post(timeseries('rows', { context }));
  return JSON.parse(response.headers.get('x-druid-response-context') ?? '') as never;
}

describe('answers', () => {
  test('headers: the id of the query, the context, the number of segments', async () => {
    const named = await post(timeseries('rows', { context: { queryId: 'mine' } }));
    expect(named.headers.get('x-druid-query-id')).toBe('mine');
    expect(named.headers.get('x-druid-query-segment-count')).toBe('1');
    expect(JSON.parse(named.headers.get('x-druid-response-context') ?? '')).toEqual({
      missingSegments: [{ itvl: '2024/2025', ver: 'v1', part: 3 }],
    });
    // Names of parts that do not fit in a header are left out.
    const { missingSegments: missing, ...rest } = await uncovered(2000);
    expect(missing).toHaveLength(1);
    expect(rest).toMatchObject({ uncoveredIntervalsOverflowed: true });
    expect(rest['uncoveredIntervals']).toHaveLength(20);
    expect(await uncovered(1)).toMatchObject({
      uncoveredIntervals: ['2024-01-01T00:00:00.000Z/2024-01-02T00:00:00.000Z'],
      uncoveredIntervalsOverflowed: false,
    });
    const [a, b] = [await post(timeseries('rows')), await post(timeseries('rows'))];
    const ids = [a, b].map((response) => response.headers.get('x-druid-query-id'));
    expect(ids[0]).toMatch(/^[0-9a-f-]{36}$/);
    expect(ids[0]).not.toBe(ids[1]);
  });

  test('with and without a slash, pretty by presence of the word', async () => {
    const plain = '[{"timestamp":"2024-01-01T00:00:00.000Z","result":{"n":19900}}]';
    for (const path of ['/druid/v2', '/druid/v2/']) {
      expect(await (await post(timeseries('rows'), path)).text()).toBe(plain);
      for (const pretty of ['pretty', 'pretty=null', 'pretty=true']) {
        const text = await (await post(timeseries('rows'), `${path}?${pretty}`)).text();
        expect(text).toBe(
          '[ {\n  "timestamp" : "2024-01-01T00:00:00.000Z",\n  "result" : {\n    "n" : 19900\n  }\n} ]',
        );
      }
    }
  });

  test('an unknown data source is no error', async () => {
    const ofTopN = { ...topN, dataSource: 'nothing', intervals: ['2024/2025'], granularity: 'all' };
    expect(await (await post(ofTopN)).json()).toEqual([]);
    const [bucket] = (await (await post(timeseries('nothing'))).json()) as { result: object }[];
    expect(bucket?.result).toEqual({ n: null });
  });

  test('a union adds its members up', async () => {
    const union = { type: 'union', dataSources: ['rows', { type: 'table', name: 'more' }] };
    const [bucket] = (await (await post(timeseries(union))).json()) as { result: object }[];
    expect(bucket?.result).toEqual({ n: 39_800 });
  });

  test('names of data sources and columns', async () => {
    const get = async (path: string): Promise<unknown> => (await fetch(base + path)).json();
    expect(await get('/druid/v2/datasources')).toEqual(['rows']);
    const columns = { dimensions: ['page'], metrics: ['n'] };
    expect(await get('/druid/v2/datasources/rows')).toEqual(columns);
    expect(await get('/druid/v2/datasources/rows/dimensions')).toEqual(['page']);
    expect(await get('/druid/v2/datasources/rows/metrics/')).toEqual(['n']);
  });
});
