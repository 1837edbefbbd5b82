// Keeps ingestions as their resources say: prepares the stored state, sees to workers, takes up new partitions.
// One loop an ingestion; every pass is idempotent. Fed by the composition root with compiled resources; acts through
// the cluster port. Invariant I5: the resource is the only configuration.

import type { MetadataStore } from '../../core/metadata/port.ts';
import type { Clock } from '../../core/runtime/clock.ts';
import { isFailure, messageOf } from '../../core/runtime/failure.ts';
import type { Logger } from '../../core/runtime/log.ts';
import type { Metrics } from '../../core/runtime/metrics.ts';
import { backoffMs, DEFAULT_RETRY } from '../../core/runtime/retry.ts';
import type { CompiledIngestion } from '../../core/spec/compiled.ts';
import type { Cluster, Condition, StreamInspector, WorkerPlan } from './cluster.ts';
import { DeadGroups } from './dead-groups.ts';
import { type PreparedIngestion, prepareIngestion } from './ingestion-state.ts';

/** How often a healthy ingestion is looked at again: new partitions appear within this. */
const RESYNC_MS = 5000;

/** What the reconciler works with. */
export interface ReconcilerParts {
  readonly store: MetadataStore;
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly openStream: (ingestion: CompiledIngestion) => StreamInspector;
}

/** The reconciler of one ingestion. */
export class Reconciler {
  readonly #parts: ReconcilerParts;
  readonly #ingestion: CompiledIngestion;
  readonly #log: Logger;
  readonly #deaths: DeadGroups;
  #plans: readonly WorkerPlan[] = [];
  #own: Condition = {
    type: 'Prepared',
    isTrue: false,
    reason: 'Starting',
    message: 'the stream has not been looked at yet',
  };

  constructor(parts: ReconcilerParts, ingestion: CompiledIngestion) {
    this.#parts = parts;
    this.#ingestion = ingestion;
    this.#deaths = new DeadGroups(parts.clock);
    this.#log = parts.log.child({ namespace: ingestion.namespace, ingestion: ingestion.name });
  }

  /** Conditions of the ingestion: the operator's own first, then those of its workers. */
  conditions(): readonly Condition[] {
    return [this.#own, ...this.#plans.flatMap((plan) => this.#parts.cluster.conditions(plan))];
  }

  /** Works until the signal aborts. Errors become the condition and are tried again; none ends the loop. */
  async run(signal: AbortSignal): Promise<void> {
    const stream = this.#parts.openStream(this.#ingestion);
    try {
      for (let failures = 0; !signal.aborted;) {
        const startedMs = this.#parts.clock.monotonicMs();
        try {
          await this.#pass(stream, signal);
          failures = 0;
          this.#count('ok', startedMs);
        } catch (error) {
          if (signal.aborted) break;
          if (isFailure(error, 'bug')) throw error;
          failures++;
          this.#count('failed', startedMs);
          this.#set(false, isFailure(error) ? error.code : 'InternalError', messageOf(error));
        }
        const pauseMs =
          failures === 0
            ? RESYNC_MS
            : backoffMs({ ...DEFAULT_RETRY, delayMaxMs: 10_000 }, failures);
        await this.#parts.clock.sleep(pauseMs, signal);
      }
    } finally {
      await stream.close();
    }
  }

  /** Drains and ends every worker. */
  async stop(deadline: AbortSignal): Promise<void> {
    await Promise.all(this.#plans.map((plan) => this.#parts.cluster.stopWorker(plan, deadline)));
    this.#plans = [];
  }

  async #pass(stream: StreamInspector, signal: AbortSignal): Promise<void> {
    if (this.#ingestion.suspend) {
      await this.stop(signal);
      this.#set(
        false,
        'Suspended',
        'spec.suspend is true: nothing is read, what was read is published',
      );
      return;
    }
    const { store } = this.#parts;
    const prepared = await prepareIngestion(store, this.#ingestion, stream, this.#deaths, signal);
    if ('conflict' in prepared) {
      this.#set(false, 'Conflicts', prepared.conflict);
      return;
    }
    if (prepared.taken > 0)
      this.#log.warn('partitions of groups without a worker are taken over', {
        partitions: prepared.taken,
      });
    this.#plans = plansOf(prepared, this.#ingestion);
    for (const plan of this.#plans) await this.#parts.cluster.ensureWorker(plan);
    this.#set(
      true,
      'Prepared',
      `${this.#plans.length} groups read ${Object.values(prepared.groups).flat().length} partitions`,
    );
  }

  #count(result: 'ok' | 'failed', startedMs: number): void {
    const { metrics, clock } = this.#parts;
    metrics.reconciles.inc({ controller: 'ingestion', result });
    metrics.reconcileSeconds.observe(
      { controller: 'ingestion' },
      (clock.monotonicMs() - startedMs) / 1000,
    );
  }

  #set(isTrue: boolean, reason: string, message: string): void {
    const isNews = this.#own.reason !== reason || this.#own.message !== message;
    this.#own = { type: 'Prepared', isTrue, reason, message };
    if (!isNews) return;
    if (isTrue) this.#log.info('ingestion prepared', { reason, detail: message });
    else this.#log.warn('ingestion is not ready', { reason, detail: message });
  }
}

function plansOf(prepared: PreparedIngestion, ingestion: CompiledIngestion): readonly WorkerPlan[] {
  return Object.keys(prepared.groups).map((group) => ({ ref: prepared.ref, group, ingestion }));
}
