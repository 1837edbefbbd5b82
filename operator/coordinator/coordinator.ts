// The coordinator's loop: expand publications, judge retention, order loads and drops, kill, sweep. Works on the
// fleet's live copy; each write is a compare, so that a second coordinator does no harm. Not on the query path.
// Source: protocol.md 7, ingestion.md 16.

import { Wake } from '../../core/runtime/wake.ts';
import { CODECS } from '../../core/metadata/codecs.ts';
import { orderKey } from '../../core/metadata/keys.ts';
import type { MetadataStore } from '../../core/metadata/port.ts';
import type { LoadOrder } from '../../core/metadata/values.ts';
import type { DeepStorage } from '../../core/deepstorage/port.ts';
import { segmentIdOf } from '../../core/model/data-segment.ts';
import type { Clock } from '../../core/runtime/clock.ts';
import { isFailure } from '../../core/runtime/failure.ts';
import type { Logger } from '../../core/runtime/log.ts';
import type { Metrics } from '../../core/runtime/metrics.ts';
import type { RetentionSpec } from '../../core/spec/realtime-ingestion.ts';
import { expandPublication, segmentsOf } from './expand.ts';
import { Fleet } from './fleet.ts';
import { type LoadPlan, planLoads, type PlannedOrder, type Wish } from './load-plan.ts';
import { wantedReplicas } from './retention.ts';
import { Sweeper } from './sweep.ts';

const TICK_MS = 1000;
/** A failed load is tried again, perhaps elsewhere, after this. */
const FAILED_ORDER_MS = 10_000;

/** What the coordinator works with. */
export interface CoordinatorParts {
  readonly store: MetadataStore;
  readonly storage: DeepStorage;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Retention of a data source; its default where no ingestion feeds it any more. */
  readonly retention: (dataSource: string) => RetentionSpec;
}

/** The coordinator. */
export class Coordinator {
  readonly #parts: CoordinatorParts;
  readonly #expanded: Set<string> = new Set();
  readonly #sweeper: Sweeper;
  #fleet: Fleet | undefined;
  #lastPlan: LoadPlan = {
    orders: [],
    unavailable: new Map(),
    underReplicated: new Map(),
    unplaced: [],
  };
  readonly #wake: Wake = new Wake();

  constructor(parts: CoordinatorParts) {
    this.#parts = parts;
    this.#sweeper = new Sweeper(parts);
  }

  /** The live copy, once running. */
  get fleet(): Fleet | undefined {
    return this.#fleet;
  }

  /** Figures of the last plan. */
  get lastPlan(): LoadPlan {
    return this.#lastPlan;
  }

  /** Works until the signal aborts. Transient trouble is logged and met again at the next turn. */
  async run(signal: AbortSignal): Promise<void> {
    const fleet = new Fleet(this.#parts.store, () => this.#wake.wake());
    this.#fleet = fleet;
    try {
      while (!signal.aborted) {
        try {
          await fleet.ready();
          if (fleet.isConnected()) await this.#turn(fleet, signal);
        } catch (error) {
          if (isFailure(error, 'bug')) throw error;
          if (!signal.aborted)
            this.#parts.log.warn('coordination step failed; trying again', { error });
        }
        await this.#wake.wait(this.#parts.clock, TICK_MS, signal);
      }
    } finally {
      fleet.close();
    }
  }

  async #turn(fleet: Fleet, signal: AbortSignal): Promise<void> {
    await this.#expand(fleet, signal);
    const wishes = await this.#wishes(fleet);
    const plan = planLoads(fleet, wishes);
    this.#lastPlan = plan;
    for (const order of plan.orders) await this.#order(order);
    await this.#retireOrders(fleet);
    this.#report(fleet, plan);
    await this.#sweeper.turn(fleet, signal);
  }

  async #expand(fleet: Fleet, signal: AbortSignal): Promise<void> {
    const { store, storage, log } = this.#parts;
    const known = new Set(fleet.segments.keys());
    for (const [key, { value, dataSource }] of fleet.publications) {
      if (this.#expanded.has(key)) continue;
      const segments = await segmentsOf(value, storage, signal);
      const created = await expandPublication(store, dataSource, value, segments, known);
      if (created > 0)
        log.info('publication expanded', { sequence: value.sequenceId, segments: created });
      this.#expanded.add(key);
    }
    for (const key of this.#expanded) if (!fleet.publications.has(key)) this.#expanded.delete(key);
  }

  /** Used segments with the replicas wanted; what retention drops is marked unused, what no tier wants is said so. */
  async #wishes(fleet: Fleet): Promise<readonly Wish[]> {
    const { store, clock, retention, log } = this.#parts;
    const wishes: Wish[] = [];
    for (const [id, { key, modRevision, value, dataSource }] of fleet.segments) {
      if (value.state !== 'used') continue;
      const replicas = wantedReplicas(
        retention(dataSource),
        segmentIdOf(value.segment).interval,
        clock.nowMs(),
      );
      if (replicas === undefined) {
        const unused = CODECS.segment.encode({
          ...value,
          state: 'unused',
          handedOff: 'NoTierWants',
        });
        const result = await store.transact({
          compare: [{ key, modRevision }],
          writes: [{ put: key, value: unused }],
        });
        if (result.committed) log.info('segment dropped by retention', { segment: id });
        continue;
      }
      const isUnwanted = [...replicas.values()].every((count) => count === 0);
      if (isUnwanted && value.handedOff === undefined) {
        const handed = CODECS.segment.encode({ ...value, handedOff: 'NoTierWants' });
        await store.transact({
          compare: [{ key, modRevision }],
          writes: [{ put: key, value: handed }],
        });
      }
      wishes.push({ segment: value.segment, replicas });
    }
    return wishes;
  }

  async #order({ server, action, segment }: PlannedOrder): Promise<void> {
    const { store, clock, log } = this.#parts;
    const key = orderKey(server, segment.identifier);
    const order: LoadOrder = { action, segment, orderedMs: clock.nowMs() };
    const result = await store.transact({
      compare: [{ key, modRevision: 0 }],
      writes: [{ put: key, value: CODECS.order.encode(order) }],
    });
    if (result.committed) log.info(`${action} ordered`, { segment: segment.identifier, server });
  }

  /** Orders of servers that are gone, orders that failed, and orders that are done are taken away. */
  async #retireOrders(fleet: Fleet): Promise<void> {
    const { store, clock } = this.#parts;
    for (const [server, orders] of fleet.orders) {
      const isGone = !fleet.servers.has(server);
      for (const [id, { key, modRevision, value }] of orders) {
        const hasFailed =
          value.failed !== undefined && clock.nowMs() - value.orderedMs > FAILED_ORDER_MS;
        const isStale = value.action === 'load' && fleet.segments.get(id)?.value.state !== 'used';
        if (!isGone && !hasFailed && !isStale) continue;
        await store.transact({ compare: [{ key, modRevision }], writes: [{ delete: key }] });
      }
    }
  }

  #report(fleet: Fleet, plan: LoadPlan): void {
    const { metrics } = this.#parts;
    for (const [dataSource, count] of plan.unavailable)
      metrics.coordinatorUnavailable.set({ data_source: dataSource }, count);
    for (const [dataSource, count] of plan.underReplicated)
      metrics.coordinatorUnderReplicated.set({ data_source: dataSource }, count);
    for (const [server, orders] of fleet.orders)
      metrics.coordinatorQueue.set({ server }, orders.size);
  }
}
