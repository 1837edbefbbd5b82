// Ownership of one replica of one group: a lease, the owner key under it, and the compare that every write of the
// worker carries. Invariant I4: a worker that lost its lease cannot publish, however late it wakes up.
// Source: protocol.md 7 "Fencing".

import { CODECS } from '../../core/metadata/codecs.ts';
import type { IngestionKeys } from '../../core/metadata/keys.ts';
import {
  type Compare,
  type Lease,
  LEASE_TTL_MS,
  type MetadataStore,
} from '../../core/metadata/port.ts';
import type { Clock } from '../../core/runtime/clock.ts';
import { Failure } from '../../core/runtime/failure.ts';
import type { Logger } from '../../core/runtime/log.ts';
import { DEFAULT_RETRY, retry } from '../../core/runtime/retry.ts';

const WAIT_MS = 500;

/** What identifies the owner. */
export interface OwnerIdentity {
  readonly group: string;
  readonly replica: number;
  /** Random, one a process. */
  readonly worker: string;
  readonly address: string;
}

/** The owner key as held by this process. */
export class Ownership {
  readonly #store: MetadataStore;
  readonly #key: string;
  readonly #identity: OwnerIdentity;
  readonly #clock: Clock;
  readonly #log: Logger;
  #lease: Lease | undefined;
  #modRevision = 0;
  #acquiring: Promise<void> | undefined;

  constructor(
    parts: { store: MetadataStore; keys: IngestionKeys; clock: Clock; log: Logger },
    identity: OwnerIdentity,
  ) {
    this.#store = parts.store;
    this.#key = parts.keys.owner(identity.group, identity.replica);
    this.#identity = identity;
    this.#clock = parts.clock;
    this.#log = parts.log;
  }

  /** False once the lease counts as lost; checked before any answer or write. */
  isAlive(): boolean {
    return this.#lease?.isAlive() === true;
  }

  /** The lease that announcements go under. @throws Failure `fenced` LeaseLost */
  lease(): Lease {
    if (this.#lease === undefined || !this.#lease.isAlive()) throw leaseLost(this.#key);
    return this.#lease;
  }

  /** The compare of our own owner key. @throws Failure `fenced` LeaseLost */
  compare(): Compare {
    this.lease();
    return { key: this.#key, modRevision: this.#modRevision };
  }

  /**
   * Acquires the key, or acquires it again after a loss: by compare of the remembered revision where it is still
   * ours, else when it has gone. Nobody's key is overwritten. Resolves only when owned; rejects when aborted.
   */
  acquire(signal: AbortSignal): Promise<void> {
    this.#acquiring ??= this.#acquire(signal).finally(() => {
      this.#acquiring = undefined;
    });
    return this.#acquiring;
  }

  async #acquire(signal: AbortSignal): Promise<void> {
    for (let isFirst = true; ; isFirst = false) {
      if (signal.aborted)
        throw new Failure('fenced', 'LeaseLost', `${this.#key}: stopped before it was acquired`);
      if (
        await retry(() => this.#tryAcquire(), {
          clock: this.#clock,
          signal,
          policy: { ...DEFAULT_RETRY, attempts: 1_000_000 },
        })
      )
        return;
      if (isFirst)
        this.#log.info('another process still owns this replica; waiting', { key: this.#key });
      await this.#clock.sleep(WAIT_MS, signal);
    }
  }

  async release(): Promise<void> {
    await this.#lease?.revoke();
    this.#lease = undefined;
  }

  async #tryAcquire(): Promise<boolean> {
    if (this.isAlive()) return true;
    await this.#lease?.revoke();
    this.#lease = undefined;
    const lease = await this.#store.lease(LEASE_TTL_MS);
    const value = CODECS.owner.encode({
      worker: this.#identity.worker,
      address: this.#identity.address,
    });
    try {
      const current = await this.#store.get(this.#key);
      // Ours from before the loss, or an unknown outcome of our own put: the random worker id proves it.
      const isOurs =
        current !== undefined &&
        CODECS.owner.decode(current.value, this.#key).worker === this.#identity.worker;
      if (current === undefined || isOurs) {
        const result = await this.#store.transact({
          compare: [{ key: this.#key, modRevision: current?.modRevision ?? 0 }],
          writes: [{ put: this.#key, value, lease }],
        });
        if (result.committed) {
          this.#lease = lease;
          this.#modRevision = result.revision;
          return true;
        }
      }
    } catch (error) {
      await lease.revoke();
      throw error;
    }
    await lease.revoke();
    return false;
  }
}

function leaseLost(key: string): Failure {
  return new Failure(
    'fenced',
    'LeaseLost',
    `${key}: the lease was not renewed in time; writing stops until the key is acquired again`,
  );
}
