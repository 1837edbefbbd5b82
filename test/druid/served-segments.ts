// Segments behind a running historical and broker, in this process over an embedded store and a folder as deep
// storage, composed as `sluice local` composes them. Used by tests that ask over HTTP.

import { mkdtemp, rm, stat } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLocalStorage } from '../../core/deepstorage/local/storage.ts';
import { CODECS } from '../../core/metadata/codecs.ts';
import { openEmbeddedStore } from '../../core/metadata/embedded/store.ts';
import { dataSourceKeys, orderKey } from '../../core/metadata/keys.ts';
import { type DataSegment, dataSegment, type SegmentId } from '../../core/model/data-segment.ts';
import { parseInterval } from '../../core/model/interval.ts';
import { type Clock, systemClock } from '../../core/runtime/clock.ts';
import { startHttpServer } from '../../core/runtime/http-server.ts';
import { NO_LOG } from '../../core/runtime/log.ts';
import { createMetrics } from '../../core/runtime/metrics.ts';
import { lookupRoutes } from '../../operator/coordinator/lookup-endpoints.ts';
import { memoryCache } from '../../worker/cache/memory/memory-cache.ts';
import { startBroker } from '../../worker/roles/broker/broker-role.ts';
import { startHistorical } from '../../worker/roles/historical/historical-role.ts';
import { GOLDEN, goldenInput, type GoldenSet } from './golden-set.ts';

const HISTORICAL = 'historical-0';
const LOAD_WAIT_MS = 30_000;

/** Most uncompressed bytes of a golden segment. */
const GOLDEN_BYTES_MAX = 256 * 1024 * 1024;

/** A zip and the id it is published under. */
export interface ZipToServe {
  readonly zip: string;
  readonly id: SegmentId;
  /** Sum of its uncompressed files, bytes, or more. */
  readonly bytesMax: number;
}

/** A running broker and historical. */
export interface ServedSegments {
  /** `http://host:port` of the broker. */
  readonly broker: string;
  readonly historical: string;
  /** The coordinator's endpoints for lookups. */
  readonly coordinator: string;
  close(): Promise<void>;
}

/** Publishes the zips and waits until the broker answers for all of them. */
export async function serveSegments(
  zips: readonly ZipToServe[],
  clock: Clock = systemClock,
): Promise<ServedSegments> {
  const root = await mkdtemp(join(tmpdir(), 'served-segments-'));
  const store = openEmbeddedStore({ path: ':memory:' });
  const storage = openLocalStorage(join(root, 'deep-storage'));
  const around = { host: '127.0.0.1', port: 0, version: 'test', store, clock, log: NO_LOG };
  const historical = await startHistorical({
    ...around,
    id: HISTORICAL,
    tier: '_default_tier',
    dataDir: join(root, 'historical'),
    bytesMax: 1e12,
    cacheBytes: 64 * 1024 * 1024,
    storage,
    metrics: createMetrics(),
  });
  const broker = await startBroker({
    ...around,
    cache: memoryCache(16 * 1024 * 1024),
    metrics: createMetrics(),
  });
  const coordinator = await startHttpServer({
    host: '127.0.0.1',
    port: 0,
    log: NO_LOG,
    routes: lookupRoutes(store),
  });
  const close = async (): Promise<void> => {
    const deadline = AbortSignal.timeout(10_000);
    await coordinator.close(deadline);
    await broker.stop(deadline);
    await historical.stop(deadline);
    await store.close();
    await rm(root, { recursive: true, force: true });
  };
  const keys: string[] = [];
  for (const [i, { zip, id, bytesMax }] of zips.entries()) {
    const path = `${id.dataSource}/${i}/index.zip`;
    await storage.putFile(path, zip, AbortSignal.timeout(10_000));
    const segment: DataSegment = dataSegment(
      id,
      {
        loadSpec: storage.loadSpec(path),
        sizeBytes: bytesMax,
        sha256: await sha256Of(zip),
        zipBytes: (await stat(zip)).size,
        rows: 0,
      },
      { dimensions: [], metrics: [] },
    );
    const key = orderKey(HISTORICAL, segment.identifier);
    keys.push(key);
    await store.transact({
      compare: [],
      writes: [
        {
          put: dataSourceKeys(id.dataSource).segment(segment.identifier),
          value: CODECS.segment.encode({ segment, state: 'used', sequenceId: 'test-0' }),
        },
        { put: key, value: CODECS.order.encode({ action: 'load', segment, orderedMs: 0 }) },
      ],
    });
  }
  for (const key of keys) {
    const deadlineMs = Date.now() + LOAD_WAIT_MS;
    for (;;) {
      const entry = await store.get(key);
      if (entry === undefined) break;
      const order = CODECS.order.decode(entry.value, key);
      if (order.failed !== undefined || Date.now() > deadlineMs) {
        await close();
        throw new Error(`${key}: ${order.failed?.message ?? 'was not loaded in time'}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  return {
    broker: `http://127.0.0.1:${broker.port}`,
    historical: `http://127.0.0.1:${historical.port}`,
    coordinator: `http://127.0.0.1:${coordinator.port}`,
    close,
  };
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** The segments of golden sets under the ids of the recorded answers. */
export function goldenZips(sets: readonly GoldenSet[]): ZipToServe[] {
  return sets.flatMap((set) => {
    const seen = new Map<string, number>();
    return set.segments.map((file, i) => {
      const { interval } = goldenInput(set, i).spec;
      const partition = seen.get(interval) ?? 0;
      seen.set(interval, partition + 1);
      return {
        zip: join(GOLDEN, set.name, file),
        id: {
          dataSource: set.dataSource,
          interval: parseInterval(interval),
          version: 'v1',
          partition,
        },
        bytesMax: GOLDEN_BYTES_MAX,
      };
    });
  });
}
