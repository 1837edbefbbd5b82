import { afterAll, beforeAll, expect, test } from 'vitest';
import { openEmbeddedStore } from '../../core/metadata/embedded/store.ts';
import { MAX_VALUE_BYTES } from '../../core/metadata/port.ts';
import { type HttpServer, startHttpServer } from '../../core/runtime/http-server.ts';
import { NO_LOG } from '../../core/runtime/log.ts';
import { lookupRoutes } from './lookup-endpoints.ts';

// What test/druid/cluster-recorded.test.ts does not show: limits, and that a bad bulk writes nothing.

const store = openEmbeddedStore({ path: ':memory:' });
let server: HttpServer;
beforeAll(async () => {
  server = await startHttpServer({
    host: '127.0.0.1',
    port: 0,
    log: NO_LOG,
    routes: lookupRoutes(store),
  });
});
afterAll(async () => {
  await server.close(AbortSignal.timeout(1000));
  await store.close();
});

async function ask(
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; text: string }> {
  const response = await fetch(
    `http://127.0.0.1:${server.port}/druid/coordinator/v1/lookups${path}`,
    {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    },
  );
  return { status: response.status, text: await response.text() };
}

const spec = (version: string | null, map: unknown, type = 'map'): object => ({
  version,
  lookupExtractorFactory: { type, map, isOneToOne: true },
});

test('a lookup is read back as it was written, other members of its factory included', async () => {
  expect((await ask('POST', '/config/__default/a', spec('v1', { k: 'v', n: 1 }))).status).toBe(202);
  expect(JSON.parse((await ask('GET', '/config/__default/a')).text)).toEqual({
    version: 'v1',
    lookupExtractorFactory: { type: 'map', isOneToOne: true, map: { k: 'v', n: '1' } },
  });
  expect((await ask('DELETE', '/config/__default')).status).toBe(202);
  expect(await ask('GET', '/config/all')).toEqual({ status: 200, text: '{}' });
});

test.each<[string, unknown, RegExp]>([
  ['/config/__default/b', spec('v1', { k: ['v'] }), /map: the value of key 'k' must be a text/],
  ['/config/__default/b', spec('v1', [1]), /map: expected an object/],
  ['/config/__default/b', spec('v1', {}, 'cachedNamespace'), /'cachedNamespace' is not supported/],
  ['/config/other/b', spec('v1', {}), /tier 'other' is not offered/],
  ['/config', { __default: { b: spec('v1', {}), c: { version: 'v1' } } }, /\[c\]: lookupExtractor/],
  [
    '/config/__default/b',
    spec('v1', { k: 'x'.repeat(MAX_VALUE_BYTES) }),
    /at most 1400000 are kept/,
  ],
])('%s refused (%#)', async (path, body, message) => {
  const { status, text } = await ask('POST', path, body);
  expect(status).toBe(400);
  expect((JSON.parse(text) as { error: string }).error).toMatch(message);
  expect((await ask('GET', '/config/__default/b')).status).toBe(404);
});

test('a version must grow; of two writers at once one is told', async () => {
  const put = (version: string | null): Promise<{ status: number }> =>
    ask('POST', '/config/__default/d', spec(version, { version: String(version) }));
  expect((await put(null)).status).toBe(202);
  expect((await put('v1')).status).toBe(202);
  expect((await put('v1')).status).toBe(400);
  expect((await put(null)).status).toBe(400);
  const both = await Promise.all([put('v2'), put('v2')]);
  expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([202, 400]);
});
