// Which of several operators works: the holder of a Lease. Expiry is judged by this process's monotonic clock since the
// record was last seen to change, so clocks of different nodes do not matter. Work ends at the renew deadline, well
// before the lease can expire, and the lease is given back on exit. Source: operator.md 3.2.4, B15.

import type { Clock } from '../../core/runtime/clock.ts';
import { isFailure, messageOf } from '../../core/runtime/failure.ts';
import type { Logger } from '../../core/runtime/log.ts';
import { hasCode } from './classify.ts';
import type { KubeClient } from './client.ts';
import { field, type KubeObject, textAt } from './object.ts';
import { collectionPath, objectPath, type Resource } from './resource.ts';

const LEASES: Resource = {
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
};

/** How long each part takes, ms. Defaults 15 s, 10 s, 2 s: those of client-go. */
export interface LeaseTimes {
  readonly leaseMs: number;
  readonly renewDeadlineMs: number;
  readonly retryMs: number;
}

const DEFAULT_TIMES: LeaseTimes = { leaseMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2000 };
const JITTER = 1.2;
const RELEASE_MS = 5000;

/** What an election works with. */
export interface LeaseElectionOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly namespace: string;
  readonly name: string;
  /** Different for each process, not only for each pod: a restarted container is another candidate. */
  readonly identity: string;
  readonly times?: LeaseTimes;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** One candidate. */
export class LeaseElection {
  readonly #options: LeaseElectionOptions;
  readonly #times: LeaseTimes;
  readonly #random: () => number;
  /** Until when we may act: the renew deadline after the last renewal. */
  #leadsUntilMs = -Infinity;
  #seen: { readonly record: string; readonly atMs: number } | undefined;

  constructor(options: LeaseElectionOptions) {
    this.#options = options;
    this.#times = options.times ?? DEFAULT_TIMES;
    this.#random = options.random;
  }

  /** True while this process may act. Asked before each write. */
  isLeader(): boolean {
    return this.#options.clock.monotonicMs() < this.#leadsUntilMs;
  }

  /**
   * Waits for the lease, then runs `work` under a signal that aborts at the renew deadline or with `signal`; gives the
   * lease back when `work` has ended. Resolves `stopped` when `signal` aborted, `lost` when the lease was lost: the
   * process should end, since what it remembers may be old.
   */
  async run(
    signal: AbortSignal,
    work: (leading: AbortSignal) => Promise<void>,
  ): Promise<'stopped' | 'lost'> {
    const { clock, log } = this.#options;
    while (!signal.aborted && !(await this.#attempt(signal))) await this.#pause(signal);
    if (signal.aborted) return 'stopped';
    log.info('this process leads', { lease: this.#options.name });
    const lost = new AbortController();
    const renewing = new AbortController();
    const renewal = this.#renew(AbortSignal.any([renewing.signal, lost.signal]), lost);
    try {
      await work(AbortSignal.any([signal, lost.signal]));
    } finally {
      // Renewed until the work has ended, so that nobody else begins while it does.
      renewing.abort();
      await renewal;
    }
    const isLost = lost.signal.aborted || clock.monotonicMs() >= this.#leadsUntilMs;
    this.#leadsUntilMs = -Infinity;
    if (isLost) {
      log.error('the lease was lost', { lease: this.#options.name });
      return 'lost';
    }
    await this.#release();
    return 'stopped';
  }

  async #renew(signal: AbortSignal, lost: AbortController): Promise<void> {
    const { clock } = this.#options;
    const watchdog = async (): Promise<void> => {
      while (!signal.aborted) {
        const leftMs = this.#leadsUntilMs - clock.monotonicMs();
        if (leftMs <= 0) return lost.abort();
        await clock.sleep(leftMs, signal);
      }
    };
    const loop = async (): Promise<void> => {
      while (!signal.aborted) {
        await this.#pause(signal);
        if (!signal.aborted) await this.#attempt(signal);
      }
    };
    await Promise.all([watchdog(), loop()]);
  }

  #pause(signal: AbortSignal): Promise<void> {
    const { retryMs } = this.#times;
    return this.#options.clock.sleep(retryMs + this.#random() * (JITTER - 1) * retryMs, signal);
  }

  /** One try to take or renew. Trouble with the server is no answer: false. */
  async #attempt(signal: AbortSignal): Promise<boolean> {
    const { client, clock, log } = this.#options;
    // Counted from before the request: the server may have written any time after.
    const askedMs = clock.monotonicMs();
    const limit = AbortSignal.any([signal, AbortSignal.timeout(this.#times.renewDeadlineMs / 2)]);
    try {
      const lease = await this.#read(limit);
      if (lease === undefined) {
        const { namespace } = this.#options;
        await client.call(
          { method: 'POST', path: collectionPath(LEASES, namespace), body: this.#body(undefined) },
          limit,
        );
      } else {
        if (!this.#mayTake(lease)) {
          this.#leadsUntilMs = -Infinity;
          return false;
        }
        await this.#write(this.#body(lease), limit);
      }
      this.#leadsUntilMs = askedMs + this.#times.renewDeadlineMs;
      return true;
    } catch (error) {
      if (isFailure(error, 'bug')) throw error;
      if (!signal.aborted && !hasCode(error, 'Conflict', 'AlreadyExists'))
        log.warn('the lease could not be written', { error: messageOf(error) });
      return false;
    }
  }

  #mayTake(lease: KubeObject): boolean {
    const { clock, identity } = this.#options;
    const holder = textAt(lease, 'spec', 'holderIdentity');
    const record = JSON.stringify(lease['spec'] ?? null);
    if (this.#seen?.record !== record) this.#seen = { record, atMs: clock.monotonicMs() };
    if (holder === '' || holder === identity) return true;
    const leaseMs = Number(field(lease, 'spec', 'leaseDurationSeconds') ?? 0) * 1000;
    return clock.monotonicMs() - this.#seen.atMs > Math.max(leaseMs, this.#times.leaseMs);
  }

  #body(old: KubeObject | undefined): unknown {
    const { clock, namespace, name, identity } = this.#options;
    const now = microTime(clock.nowMs());
    const isRenewal = textAt(old, 'spec', 'holderIdentity') === identity;
    const changes = Number(field(old, 'spec', 'leaseTransitions') ?? 0);
    return {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: old === undefined ? { namespace, name } : old.metadata,
      spec: {
        holderIdentity: identity,
        leaseDurationSeconds: Math.ceil(this.#times.leaseMs / 1000),
        acquireTime: isRenewal ? textAt(old, 'spec', 'acquireTime') : now,
        renewTime: now,
        leaseTransitions: old === undefined || isRenewal ? changes : changes + 1,
      },
    };
  }

  async #read(signal: AbortSignal): Promise<KubeObject | undefined> {
    try {
      const { client } = this.#options;
      return (await client.call(
        { method: 'GET', path: objectPath(LEASES, this.#options) },
        signal,
      )) as KubeObject;
    } catch (error) {
      if (hasCode(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  async #write(body: unknown, signal: AbortSignal): Promise<void> {
    const path = objectPath(LEASES, this.#options);
    await this.#options.client.call({ method: 'PUT', path, body }, signal);
  }

  /** Gives the lease back, if it is still ours, so that the next one need not wait for its end. */
  async #release(): Promise<void> {
    const { identity, clock, log } = this.#options;
    const limit = AbortSignal.timeout(RELEASE_MS);
    try {
      const lease = await this.#read(limit);
      if (lease === undefined || textAt(lease, 'spec', 'holderIdentity') !== identity) return;
      const spec = {
        ...(lease['spec'] as object),
        holderIdentity: '',
        leaseDurationSeconds: 1,
        renewTime: microTime(clock.nowMs()),
      };
      await this.#write({ ...lease, spec }, limit);
    } catch (error) {
      log.warn('the lease could not be released; it ends by itself', { error: messageOf(error) });
    }
  }
}

/** An instant as Lease and Event times want it: exactly six digits after the second. */
export function microTime(epochMs: number): string {
  return new Date(epochMs).toISOString().replace('Z', '000Z');
}
