// Over a real loopback socket: the server is an adapter, its contract is what clients see.

import { request as rawRequest } from 'node:http';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
import { Failure } from './failure.ts';
import { jsonResponse } from './http-message.ts';
import type { Route } from './http-router.ts';
import { type HttpServer, standardRoutes, startHttpServer } from './http-server.ts';
import { NO_LOG } from './log.ts';
import { createMetrics } from './metrics.ts';

let server: HttpServer | undefined;
afterEach(async () => {
  await server?.close(AbortSignal.timeout(500));
  server = undefined;
});

async function serve(...routes: Route[]): Promise<string> {
  server = await startHttpServer({
    host: '127.0.0.1',
    port: 0,
    routes,
    log: NO_LOG,
  });
  return `http://127.0.0.1:${server.port}`;
}

const echo: Route = {
  method: 'POST',
  path: '/druid/v2',
  accepts: ['application/json'],
  bodyBytesMax: 4096,
  handler: ({ body, query, headers }) =>
    jsonResponse(200, {
      body: Buffer.from(body).toString(),
      pretty: query.has('pretty'),
      type: headers['content-type'],
    }),
};
const json = { 'content-type': 'application/json; charset=UTF-8' };

test('paths match with and without a trailing slash, with parameters decoded', async () => {
  const base = await serve(echo, {
    method: 'GET',
    path: '/ds/:name',
    handler: ({ params }) => jsonResponse(200, params),
  });
  for (const path of ['/druid/v2', '/druid/v2/', '/druid/v2/?pretty']) {
    const answer = await fetch(base + path, { method: 'POST', headers: json, body: '{}' });
    expect(await answer.json()).toMatchObject({ body: '{}', pretty: path.endsWith('pretty') });
  }
  expect(await (await fetch(`${base}/ds/a%2Fb`)).json()).toEqual({ name: 'a/b' });
});

test('unknown path, method, media type and a long body are told as JSON', async () => {
  const base = await serve(echo);
  const post = (
    headers: Record<string, string>,
    body: string | Buffer<ArrayBuffer>,
  ): Promise<Response> => fetch(`${base}/druid/v2`, { method: 'POST', headers, body });
  const cases: [Promise<Response>, number, string][] = [
    [fetch(`${base}/nothing`), 404, 'NotFound'],
    [fetch(`${base}/druid/v2`), 405, 'MethodNotAllowed'],
    [post({ 'content-type': 'text/plain' }, '{}'), 415, 'UnsupportedMediaType'],
    [post({ ...json, 'content-encoding': 'br' }, '{}'), 415, 'BodyEncodingUnknown'],
    [post({ ...json, 'content-encoding': 'gzip' }, '{}'), 400, 'BodyBroken'],
    [post(json, 'x'.repeat(5000)), 413, 'BodyTooLong'],
    [
      post({ ...json, 'content-encoding': 'gzip' }, gzipSync('x'.repeat(50_000))),
      413,
      'BodyTooLong',
    ],
  ];
  for (const [answer, status, code] of cases) {
    const got = await answer;
    expect(got.status).toBe(status);
    expect(await got.json()).toMatchObject({ error: code });
  }
  expect((await fetch(`${base}/druid/v2`)).headers.get('allow')).toBe('POST');
});

test('gzip works both ways and only when asked for', async () => {
  const base = await serve(echo);
  const text = JSON.stringify({ q: 'y'.repeat(3000) });
  const packed = await fetch(`${base}/druid/v2`, {
    method: 'POST',
    headers: { ...json, 'content-encoding': 'gzip', 'accept-encoding': 'gzip' },
    body: gzipSync(text),
  });
  expect(packed.headers.get('content-encoding')).toBe('gzip');
  expect(await packed.json()).toMatchObject({ body: text });
  const plain = await fetch(`${base}/druid/v2`, {
    method: 'POST',
    headers: { ...json, 'accept-encoding': 'gzip;q=0' },
    body: text,
  });
  expect(plain.headers.get('content-encoding')).toBeNull();
});

test('a failure of a handler becomes its status and code', async () => {
  const kinds = [
    ['input', 400],
    ['transient', 503],
    ['bug', 500],
  ] as const;
  const base = await serve(
    ...kinds.map(([kind]): Route => ({
      method: 'GET',
      path: `/${kind}`,
      handler: () => Promise.reject(new Failure(kind, 'SomeCode', 'why')),
    })),
  );
  for (const [kind, status] of kinds) {
    const answer = await fetch(`${base}/${kind}`);
    expect([answer.status, await answer.json()]).toEqual([
      status,
      { error: 'SomeCode', errorMessage: 'why' },
    ]);
  }
});

test('a streamed answer arrives whole, and is cut when its source fails', async () => {
  async function* rows(failsAt: number): AsyncGenerator<string> {
    for (let i = 0; i < 100; i++) {
      if (i === failsAt) throw new Error('disk');
      yield `${i}\n`.padStart(1000);
      await Promise.resolve();
    }
  }
  const base = await serve(
    { method: 'GET', path: '/whole', handler: () => ({ status: 200, body: rows(-1) }) },
    { method: 'GET', path: '/cut', handler: () => ({ status: 200, body: rows(50) }) },
  );
  expect(await (await fetch(`${base}/whole`)).text()).toHaveLength(100_000);
  await expect(
    fetch(`${base}/cut`, { headers: { 'accept-encoding': 'identity' } }).then((r) => r.text()),
  ).rejects.toThrow();
});

test('a client that goes away aborts the handler', async () => {
  const seen = Promise.withResolvers<void>();
  const aborted = Promise.withResolvers<void>();
  await serve({
    method: 'GET',
    path: '/slow',
    handler: async ({ signal }) => {
      seen.resolve();
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      aborted.resolve();
      return { status: 200 };
    },
  });
  const client = rawRequest({ port: server?.port ?? 0, path: '/slow' });
  client.on('error', () => undefined);
  client.end();
  await seen.promise;
  client.destroy();
  await aborted.promise;
});

test('a body that ends early does not hang the server', async () => {
  await serve(echo);
  const socket = connect(server?.port ?? 0, '127.0.0.1');
  socket.write(
    'POST /druid/v2 HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: 100\r\n\r\nabc',
  );
  await new Promise((resolve) => socket.write('d', resolve));
  socket.destroy();
  await server?.close(AbortSignal.timeout(2000));
  expect(socket.destroyed).toBe(true);
});

test('close lets an answer in progress finish and refuses new ones', async () => {
  const begun = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const base = await serve({
    method: 'GET',
    path: '/work',
    handler: async () => {
      begun.resolve();
      await release.promise;
      return jsonResponse(200, 'done');
    },
  });
  const answer = fetch(`${base}/work`);
  await begun.promise;
  const closed = server?.close(AbortSignal.timeout(5000));
  await expect(fetch(`${base}/work`)).rejects.toThrow();
  release.resolve();
  expect(await (await answer).json()).toBe('done');
  await closed;
});

test('status, health, readiness and metrics are on every role', async () => {
  let isReady = false;
  const base = await serve(
    ...standardRoutes({
      version: '1.2.3',
      role: 'broker',
      metrics: createMetrics(),
      ready: () => ({ isReady, reasons: ['etcd'] }),
    }),
  );
  expect(await (await fetch(`${base}/status`)).json()).toMatchObject({
    version: '37.0.0',
    sluice: '1.2.3',
    role: 'broker',
  });
  expect(await (await fetch(`${base}/status/health`)).json()).toBe(true);
  expect((await fetch(`${base}/status/ready`)).status).toBe(503);
  isReady = true;
  expect((await fetch(`${base}/status/ready/`)).status).toBe(200);
  expect(await (await fetch(`${base}/metrics`)).text()).toContain('# HELP sluice_');
});

test('a taken port is a config failure that names it', async () => {
  await serve(echo);
  const second = startHttpServer({
    host: '127.0.0.1',
    port: server?.port ?? 0,
    routes: [],
    log: NO_LOG,
  });
  await expect(second).rejects.toMatchObject({ kind: 'config', code: 'PortTaken' });
});
