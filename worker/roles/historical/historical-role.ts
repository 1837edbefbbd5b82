// The historical: carries out load and drop orders, verifies, announces, answers queries on published segments.
// After a restart it announces what is still used and on its disk. Composition and the loop over orders.
// Source: protocol.md 7 "Hand-off", "Identity of copies".

import { Wake } from '../../../core/runtime/wake.ts';
import { CODECS } from '../../../core/metadata/codecs.ts';
import { dataSourceKeys, orderKey } from '../../../core/metadata/keys.ts';
import {
  type Change,
  type Lease,
  LEASE_TTL_MS,
  type Versioned,
} from '../../../core/metadata/port.ts';
import { type DataSegment, uniquePathOf } from '../../../core/model/data-segment.ts';
import { Failure, isFailure } from '../../../core/runtime/failure.ts';
import { jsonResponse } from '../../../core/runtime/http-message.ts';
import { Announcer } from '../announcer.ts';
import type { HistoricalOptions } from './historical-options.ts';
import { startDataNodeServer } from '../data-node/data-node-server.ts';
import { SegmentHost } from '../data-node/segment-host.ts';
import type { Selection, SegmentHolder, Wanted } from '../data-node/segment-holder.ts';
import { BrokenSegments } from './broken-segments.ts';
import { LoadedSegments } from './loaded-segments.ts';
import { reportFailure } from './order-failure.ts';
import { SegmentStore, type StoredSegment } from './segment-store.ts';

const TICK_MS = 500;

/** A running historical. */
export interface Historical {
  readonly port: number;
  /** Resolves with the reason when it cannot go on. */
  readonly died: Promise<Failure>;
  stop(deadline: AbortSignal): Promise<void>;
}

/** Starts a historical. @throws Failure `config` PortTaken */
export async function startHistorical(options: HistoricalOptions): Promise<Historical> {
  const role = new HistoricalRole(options);
  await role.start();
  return { port: role.port, died: role.died, stop: (deadline) => role.stop(deadline) };
}

class HistoricalRole implements SegmentHolder {
  port = 0;
  readonly #options: HistoricalOptions;
  readonly #segments: SegmentStore;
  readonly #host: SegmentHost;
  readonly #broken: BrokenSegments;
  readonly #loaded: LoadedSegments;
  readonly #orders: Map<string, Versioned> = new Map();
  readonly #stopping: AbortController = new AbortController();
  readonly #closers: ((deadline: AbortSignal) => Promise<void>)[] = [];
  #announcer: Announcer | undefined;
  #lease: Lease | undefined;
  #isReady = false;
  readonly #wake: Wake = new Wake();

  constructor(options: HistoricalOptions) {
    this.#options = options;
    this.#segments = new SegmentStore(options.dataDir, options.storage);
    this.#host = new SegmentHost('query', options.cacheBytes);
    this.#loaded = new LoadedSegments(this.#host, options.metrics);
    this.#broken = new BrokenSegments(options, this.#segments);
    this.#host.onBroken((handle, failure) => this.#onBroken(handle, failure));
  }

  get died(): Promise<Failure> {
    return this.#host.died;
  }

  async start(): Promise<void> {
    const { host, id, tier, bytesMax, store, clock, log, metrics, version } = this.#options;
    const server = await startDataNodeServer({
      host,
      port: this.#options.port,
      role: 'historical',
      version,
      holder: this,
      store,
      clock,
      log,
      metrics,
      ready: () => ({
        isReady: this.#isReady,
        reasons: this.#isReady ? [] : ['segments on disk are still being opened'],
      }),
      routes: [
        {
          method: 'GET',
          path: '/druid/historical/v1/loadstatus',
          handler: () => jsonResponse(200, { cacheInitialized: this.#isReady }),
        },
      ],
    });
    this.port = server.port;
    const address = this.#options.address ?? `${host}:${server.port}`;
    this.#announcer = new Announcer({
      store,
      clock,
      server: { id, address, role: 'historical', tier, bytesMax, startedMs: clock.nowMs() },
      lease: () => this.#liveLease(),
      compare: () => [],
    });
    const mirror = store.mirror(orderKey(id), (changes) => this.#onOrders(changes));
    const work = this.#work();
    this.#closers.push(
      (deadline) => server.close(deadline),
      async () => mirror.close(),
      () => work,
    );
    log.info('historical listens', { host, port: server.port, id });
  }

  async stop(deadline: AbortSignal): Promise<void> {
    this.#stopping.abort();
    this.#wake.wake();
    // Un-announced first, so that brokers ask elsewhere while running queries end.
    await this.#lease?.revoke();
    for (const close of this.#closers) await close(deadline);
    await this.#host.stop();
  }

  select(dataSource: string, wanted: Wanted): Selection {
    return this.#loaded.select(dataSource, wanted);
  }

  dataSources(): readonly string[] {
    return this.#loaded.dataSources();
  }

  lastRemovalRevision(): number {
    return this.#announcer?.lastRemovalRevision ?? 0;
  }

  isLeased(): boolean {
    return this.#lease?.isAlive() === true;
  }

  #liveLease(): Lease {
    if (this.#lease?.isAlive() !== true)
      throw new Failure(
        'fenced',
        'LeaseLost',
        `historical ${this.#options.id}: the lease was lost`,
      );
    return this.#lease;
  }

  #onOrders(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.type === 'put') this.#orders.set(change.entry.key, change.entry);
      else this.#orders.delete(change.previous.key);
    }
    this.#wake.wake();
  }

  /** One loop: keep the lease, announce, then work off orders one by one. */
  async #work(): Promise<void> {
    const { clock, log } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        if (!this.isLeased()) await this.#join();
        if (!this.#isReady) await this.#reopen();
        await this.#broken.putAside();
        for (const entry of Array.from(this.#orders.values())) await this.#carryOut(entry);
      } catch (error) {
        if (isFailure(error, 'bug')) throw error;
        if (!signal.aborted) log.warn('historical step failed; trying again', { error });
      }
      await this.#wake.wait(clock, TICK_MS, signal);
    }
  }

  async #join(): Promise<void> {
    await this.#lease?.revoke();
    this.#lease = await this.#options.store.lease(LEASE_TTL_MS);
    await this.#announcer?.announceAll();
  }

  /** Announces what is on disk, used, and of the very path that is published. */
  async #reopen(): Promise<void> {
    for (const stored of await this.#segments.list()) {
      const { segment } = stored;
      const key = dataSourceKeys(segment.dataSource).segment(segment.identifier);
      const entry = await this.#options.store.get(key);
      const record = entry === undefined ? undefined : CODECS.segment.decode(entry.value, key);
      if (record?.state !== 'used' || uniquePathOf(record.segment) !== uniquePathOf(segment)) {
        await this.#segments.remove(segment);
        continue;
      }
      // The descriptor on this disk may have changed; what it names has not.
      await this.#serve({ ...stored, segment: record.segment }).catch((error: unknown) =>
        this.#setAside(segment, error),
      );
    }
    this.#isReady = true;
  }

  async #carryOut(entry: Versioned): Promise<void> {
    const order = CODECS.order.decode(entry.value, entry.key);
    if (order.failed !== undefined) return;
    const { store, log, metrics } = this.#options;
    const { segment } = order;
    if (order.action === 'drop') {
      await this.#drop(segment);
    } else {
      try {
        if (!this.#loaded.has(segment)) {
          this.#broken.check(segment);
          await this.#serve(await this.#segments.fetch(segment, this.#stopping.signal));
          metrics.segmentLoads.inc({ result: 'loaded' });
          log.info(`loaded ${segment.identifier}`, {
            segment: segment.identifier,
            rows: segment.sluice.rows,
          });
        }
      } catch (error) {
        if (this.#stopping.signal.aborted) return;
        metrics.segmentLoads.inc({ result: 'failed' });
        await this.#setAside(segment, error);
        await reportFailure(this.#options, entry, order, error);
        return;
      }
    }
    await store.transact({
      compare: [{ key: entry.key, modRevision: entry.modRevision }],
      writes: [{ delete: entry.key }],
    });
  }

  async #serve({ segment, dir, hashFile }: StoredSegment): Promise<void> {
    const handle = await this.#host.open(segment.identifier, dir, hashFile);
    this.#loaded.add({ segment, handle });
    await this.#announcer?.announce([
      { id: segment.identifier, dataSource: segment.dataSource, path: uniquePathOf(segment) },
    ]);
  }

  async #drop(segment: DataSegment): Promise<void> {
    const held = this.#loaded.get(segment.identifier);
    if (held === undefined) return;
    await this.#announcer?.remove([segment.identifier]);
    this.#loaded.delete(segment);
    this.#host.close(held.handle);
    await this.#segments.remove(held.segment);
    this.#options.log.info(`dropped ${segment.identifier}`, { segment: segment.identifier });
  }

  async #setAside(segment: DataSegment, error: unknown): Promise<void> {
    if (isFailure(error, 'corrupt')) await this.#broken.quarantine(segment, error);
  }

  /** A query met broken bytes: no other may be asked of this copy from this instant on. */
  #onBroken(handle: number, failure: Failure): void {
    const held = this.#loaded.byHandle(handle);
    if (held === undefined) return;
    const { segment } = held;
    this.#loaded.delete(segment);
    this.#broken.add({
      segment,
      failure,
      release: async () => {
        await this.#announcer?.remove([segment.identifier]);
        this.#host.close(handle);
      },
    });
    this.#wake.wake();
  }
}
