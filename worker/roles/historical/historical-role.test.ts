import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { openLocalStorage } from '../../../core/deepstorage/local/storage.ts';
import { CODECS } from '../../../core/metadata/codecs.ts';
import { openEmbeddedStore } from '../../../core/metadata/embedded/store.ts';
import { dataSourceKeys, orderKey, servedKey } from '../../../core/metadata/keys.ts';
import { type DataSegment, dataSegment } from '../../../core/model/data-segment.ts';
import { systemClock } from '../../../core/runtime/clock.ts';
import { NO_LOG } from '../../../core/runtime/log.ts';
import { createMetrics } from '../../../core/runtime/metrics.ts';
import { memoryCache } from '../../cache/memory/memory-cache.ts';
import { BlockCache } from '../../segment/block-cache.ts';
import { openSegment } from '../../segment/reader.ts';
import { unzipSegment, zipSegment } from '../../segment/zip.ts';
import { startBroker } from '../broker/broker-role.ts';
import { type Historical, startHistorical } from './historical-role.ts';

// A historical whose disk changes: what changed is found before it answers, put aside, loaded anew, the rest served. A broker asks
// another one meanwhile.

const GOLDEN = fileURLToPath(new URL('../../../test/druid/golden/', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'historical-'));
const dataDir = join(root, 'data');
const store = openEmbeddedStore({ path: ':memory:' });
const storage = openLocalStorage(join(root, 'deep'));
const running: Historical[] = [];
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop(AbortSignal.timeout(5000));
});
afterAll(async () => {
  await store.close();
  rmSync(root, { recursive: true, force: true });
});

const around = {
  host: '127.0.0.1',
  port: 0,
  version: 'test',
  store,
  clock: systemClock,
  log: NO_LOG,
};

async function start(id = 'h1', dir = dataDir): Promise<Historical> {
  const historical = await startHistorical({
    ...around,
    id,
    tier: '_default_tier',
    dataDir: dir,
    bytesMax: 1e9,
    cacheBytes: 1,
    storage,
    metrics: createMetrics(),
  });
  running.push(historical);
  return historical;
}

/** Publishes a folder or zip of Druid's as data source `name`. */
async function publish(name: string, zip: string): Promise<DataSegment> {
  const dir = join(root, name);
  const { bytes } = await unzipSegment(zip, dir, { bytesMax: 1 << 26 });
  const view = await openSegment(dir, 'probe', { cache: new BlockCache(1 << 20) });
  const file = await storage.putFile(`${name}/index.zip`, zip, AbortSignal.timeout(5000));
  const segment = dataSegment(
    {
      dataSource: name,
      interval: view.interval,
      version: '2024-01-01T00:00:00.000Z',
      partition: 0,
    },
    {
      loadSpec: storage.loadSpec(file.path),
      sizeBytes: bytes,
      sha256: file.sha256,
      zipBytes: file.bytes,
      rows: view.rows,
    },
    view,
  );
  view.close();
  await store.transact({
    compare: [],
    writes: [
      {
        put: dataSourceKeys(name).segment(segment.identifier),
        value: CODECS.segment.encode({ segment, state: 'used', sequenceId: 's' }),
      },
    ],
  });
  return segment;
}

/** Orders a load as the coordinator does; resolves with the order's failure code, or `loaded`. */
async function load(segment: DataSegment, id = 'h1'): Promise<string> {
  const key = orderKey(id, segment.identifier);
  const order = { action: 'load', segment, orderedMs: 0 } as const;
  await store.transact({ compare: [], writes: [{ put: key, value: CODECS.order.encode(order) }] });
  const outcome = await vi.waitFor(
    async () => {
      const entry = await store.get(key);
      if (entry === undefined) return 'loaded';
      const { failed } = CODECS.order.decode(entry.value, key);
      if (failed === undefined) throw new Error('still loading');
      return failed.code;
    },
    { timeout: 20_000, interval: 20 },
  );
  await store.transact({ compare: [], writes: [{ delete: key }] });
  return outcome;
}

async function isServed(segment: DataSegment, id = 'h1'): Promise<boolean> {
  return (await store.get(servedKey(id, segment.identifier))) !== undefined;
}

function gone(segment: DataSegment): Promise<void> {
  return vi.waitFor(async () => expect(await isServed(segment)).toBe(false), { timeout: 10_000 });
}

/** Every row and column of a data source: `rows`, or the error's text. */
async function ask(
  { port }: { readonly port: number },
  dataSource: string,
): Promise<{ rows: number } | string> {
  const response = await fetch(`http://127.0.0.1:${port}/druid/v2/`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ queryType: 'scan', dataSource, intervals: ['1970/2100'] }),
  });
  const text = await response.text();
  if (response.status !== 200) return text;
  const batches = JSON.parse(text) as { readonly events: unknown[] }[];
  return { rows: batches.reduce((sum, batch) => sum + batch.events.length, 0) };
}

/** The chunk file of the one stored segment with so many bytes in it. */
function chunkOf(segment: DataSegment, dir = dataDir): string {
  const folders = readdirSync(dir).filter((name) => name !== 'quarantine');
  const found = folders.filter((name) =>
    readFileSync(join(dir, name, 'descriptor.json'), 'utf8').includes(segment.identifier),
  );
  return join(dir, found[0] ?? '', 'segment', '00000.smoosh');
}

/** Flips a bit in each of `count` bytes in the middle of a column's file. */
function damage(chunk: string, column: string, count = 1): void {
  const meta = readFileSync(join(chunk, '..', 'meta.smoosh'), 'utf8');
  const line = meta.split('\n').find((text) => text.startsWith(`${column},`));
  const [, , from = '0', to = '0'] = line?.split(',') ?? [];
  const bytes = readFileSync(chunk);
  const at = Math.floor((Number(from) + Number(to)) / 2);
  for (let i = 0; i < count; i++) bytes[at + i]! ^= 1 << (i % 8);
  writeFileSync(chunk, bytes);
}

const quarantined = (): number => {
  try {
    return readdirSync(join(dataDir, 'quarantine')).length;
  } catch {
    return 0;
  }
};

test('bytes that change on the disk are found before they answer, put aside and loaded anew', async () => {
  const historical = await start();
  const good = await publish('good', join(GOLDEN, 'tiny/segment-0.zip'));
  const bad = await publish('bad', join(GOLDEN, 'encodings/segment-lzf.zip'));
  expect([await load(good), await load(bad)]).toEqual(['loaded', 'loaded']);
  damage(chunkOf(bad), 'dsum');
  const answer = await ask(historical, 'bad');
  expect(answer).toContain("file 'dsum' at offset ");
  expect(answer).toContain('the bytes on disk have changed since the segment was loaded');
  await gone(bad);
  await vi.waitFor(() => expect(quarantined()).toBe(1), { timeout: 10_000 });
  expect(await ask(historical, 'bad')).toEqual({ rows: 0 });
  expect(await ask(historical, 'good')).toEqual({ rows: 5 });

  expect(await load(bad)).toBe('loaded');
  expect(await ask(historical, 'bad')).toEqual({ rows: 2544 });
  expect(await isServed(bad)).toBe(true);
});

/** Resolves when what the disk held is open. */
function opened(historical: Historical): Promise<void> {
  return vi.waitFor(async () => expect(await ask(historical, 'good')).toEqual({ rows: 5 }), {
    timeout: 10_000,
  });
}

test('what changed while the historical was down is found after it is back', async () => {
  const first = await start();
  await opened(first);
  const segment = await publish('down', join(GOLDEN, 'edge_nulls/segment-0.zip'));
  expect(await load(segment)).toBe('loaded');
  const chunk = chunkOf(segment);
  for (const one of running.splice(0)) await one.stop(AbortSignal.timeout(5000));
  damage(chunk, '__time');
  const second = await start();
  await opened(second);
  // The time column is read when a segment is opened.
  await vi.waitFor(() => expect(quarantined()).toBe(2), { timeout: 10_000 });
  expect(await isServed(segment)).toBe(false);
  expect(await load(segment)).toBe('loaded');
  expect(await ask(second, 'down')).toEqual({ rows: 44 });
});

test('a published file that is broken itself is put aside and not loaded here again', async () => {
  const historical = await start();
  const dir = join(root, 'broken-source');
  await unzipSegment(join(GOLDEN, 'encodings/segment-lzf.zip'), dir, { bytesMax: 1 << 26 });
  damage(join(dir, '00000.smoosh'), 'dsum', 200);
  await zipSegment(dir, join(root, 'broken.zip'));
  const segment = await publish('broken', join(root, 'broken.zip'));
  expect(await load(segment)).toBe('loaded');
  expect(await ask(historical, 'broken')).toContain("file 'dsum' at offset ");
  await gone(segment);
  expect(await load(segment)).toBe('SegmentCorrupt');
  expect(await isServed(segment)).toBe(false);
  expect(await ask(historical, 'good')).toEqual({ rows: 5 });
});

/** The sum of `dsum` over a data source, as a timeseries gives it: `sum`, or the error's text. */
async function sumOf({ port }: { readonly port: number }, dataSource: string): Promise<unknown> {
  const response = await fetch(`http://127.0.0.1:${port}/druid/v2/`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      queryType: 'timeseries',
      dataSource,
      intervals: ['1970/2100'],
      granularity: 'all',
      aggregations: [{ type: 'doubleSum', name: 'sum', fieldName: 'dsum' }],
      context: { useCache: false, populateCache: false },
    }),
  });
  const text = await response.text();
  if (response.status !== 200) return text;
  const [result] = JSON.parse(text) as { readonly result: { readonly sum: unknown } }[];
  return result?.result.sum;
}

test('a broker that meets a broken copy asks the server that has another, or says that there is none', async () => {
  const one = await start();
  const two = await start('h2', join(root, 'data-2'));
  const zip = join(GOLDEN, 'encodings/segment-lzf.zip');
  const [whole, twice, once] = [
    await publish('whole', zip),
    await publish('twice', zip),
    await publish('once', zip),
  ];
  expect([await load(whole), await load(twice), await load(once)]).toEqual(Array(3).fill('loaded'));
  expect(await load(twice, 'h2')).toBe('loaded');
  const broker = await startBroker({
    ...around,
    cache: memoryCache(1 << 20),
    metrics: createMetrics(),
  });
  try {
    const sum = await sumOf(one, 'whole');
    expect(sum).toEqual(expect.any(Number));
    await vi.waitFor(async () => expect(await sumOf(broker, 'whole')).toBe(sum), {
      timeout: 10_000,
    });
    for (const segment of [twice, once]) damage(chunkOf(segment), 'dsum');
    // Of two with equal load a broker asks the first.
    expect(await sumOf(broker, 'twice')).toBe(sum);
    await gone(twice);
    expect([await isServed(twice, 'h2'), await sumOf(two, 'twice')]).toEqual([true, sum]);
    // An answer without the rows of the only copy would be none.
    expect(await sumOf(broker, 'once')).toContain("file 'dsum' at offset ");
    await gone(once);
  } finally {
    await broker.stop(AbortSignal.timeout(5000));
  }
});
