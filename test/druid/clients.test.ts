// Clients made for Druid, as their registries have them, against a running broker: what each asked came back as it
// must. The data are the five rows of the tutorial. Without a registry the test says so; with CI=true it must run.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { messageOf } from '../../core/runtime/failure.ts';
import { type InstalledClients, installClients } from './clients/install.ts';
import { goldenSet } from './golden-set.ts';
import { goldenZips, type ServedSegments, serveSegments } from './served-segments.ts';

const execute = promisify(execFile);
const CLIENT_MS = 60_000;
const FIRST = '2013-08-31T01:02:33.000Z';

let clients: InstalledClients | undefined;
let served: ServedSegments;

beforeAll(async () => {
  try {
    clients = await installClients();
  } catch (error) {
    if (process.env['CI'] === 'true') throw error;
    console.warn(`clients of Druid cannot be installed, not tested: ${messageOf(error)}`);
  }
  served = await serveSegments(goldenZips([goldenSet('tutorial')]));
}, 300_000);
afterAll(() => served.close());

/** Runs a script of clients/ and parses what it prints. */
async function run(command: string, script: string, ...words: string[]): Promise<unknown> {
  const path = fileURLToPath(new URL(`clients/${script}`, import.meta.url));
  const { stdout } = await execute(command, [path, ...words], { timeout: CLIENT_MS });
  return JSON.parse(stdout);
}

test('plywood: introspection, nested splits, distinct counts, rows, and an empty answer', async ({
  skip,
}) => {
  if (clients === undefined) return skip();
  const host = new URL(served.broker).host;
  const answer = await run(process.execPath, 'plywood.cjs', clients.npm, host);
  expect(answer).toMatchObject({
    sources: ['wikipedia'],
    attributes: expect.arrayContaining([
      ['time', 'TIME'],
      ['page', 'STRING'],
      ['added', 'NUMBER'],
      ['count', 'NUMBER'],
    ]) as unknown,
    nested: {
      data: [
        {
          Rows: 5,
          Added: 1545,
          Namespaces: {
            data: [
              { Namespace: 'wikipedia', Added: 1365 },
              { Namespace: 'article', Added: 180 },
            ],
          },
        },
      ],
    },
    english: {
      data: [
        { Language: 'ja', Rows: 1 },
        { Language: 'ru', Rows: 1 },
        { Language: 'zh', Rows: 1 },
      ],
    },
    nothing: { data: [] },
  });
  const { nested, selected } = answer as {
    nested: { data: { Users: number; Namespaces: { data: { Hours: { data: unknown[] } }[] } }[] };
    selected: { data: unknown[] };
  };
  expect(Math.round(nested.data[0]?.Users ?? 0)).toBe(5);
  expect(nested.data[0]?.Namespaces.data.every(({ Hours }) => Hours.data.length >= 2)).toBe(true);
  expect(selected.data.length).toBe(3);
});

test('druid-query: a builder of each query type', async ({ skip }) => {
  if (clients === undefined) return skip();
  const answer = await run(process.execPath, 'druid-query.cjs', clients.npm, served.broker);
  expect(answer).toMatchObject({
    boundary: [{ timestamp: FIRST, result: { minTime: FIRST } }],
    timeseries: [{ timestamp: FIRST, result: { rows: 5, added: 1545 } }],
    topN: [
      {
        result: [
          { language: 'zh', added: 905 },
          { language: 'en', added: 516 },
          { language: 'ru', added: 123 },
        ],
      },
    ],
    groupBy: [
      { event: { namespace: 'wikipedia', rows: 2 } },
      { event: { namespace: 'article', rows: 1 } },
    ],
    search: [{ result: [{ dimension: 'page', value: 'Striker Eureka', count: 1 }] }],
    metadata: [{ columns: { page: { type: 'STRING', cardinality: 5 } } }],
  });
});

test('pydruid: native queries and an error it understands', async ({ skip }) => {
  if (clients === undefined) return skip();
  const answer = await run(clients.python, 'pydruid_client.py', served.broker);
  expect(answer).toMatchObject({
    timeseries: [{ result: { rows: 5, added: 1545, robots: 4, average: 309, twice: 3090 } }],
    topN: [{ result: [{ page: 'Crimson Typhoon', added: 905 }, { page: 'Striker Eureka' }] }],
    groupBy: [{ event: { language: 'ru', added: 123 } }, { event: { language: 'zh', added: 905 } }],
    scan: [{ columns: ['__time', 'page', 'added'], events: [{ page: 'Gypsy Danger' }, {}] }],
    boundary: [{ result: { minTime: FIRST } }],
  });
  const { error, metadata } = answer as { error: string; metadata: { columns: object }[] };
  expect(error).toMatch(/400/);
  expect(Object.keys(metadata[0]?.columns ?? {})).toContain('__time');
});
