// Which groups have had no worker for so long that others take over their partitions: watched over passes, on this
// process's own clock, by the owner keys that live workers hold. A new leader begins to count anew. Being wrong loses
// nothing: the move itself compares that nobody is there. Source: protocol.md 3 "Forced".

import type { Clock } from '../../core/runtime/clock.ts';

interface Watched {
  seenMs: number;
  /** Since when a group has had no worker. */
  readonly missing: Map<string, number>;
}

/** The memory of all ingestions. */
export class DeadGroups {
  readonly #clock: Clock;
  readonly #watched: Map<string, Watched> = new Map();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Notes who is there; answers which of `groups` have been missing for at least `afterMs`.
   *
   * @param key  of the ingestion, `namespace/name`
   * @param alive  groups with an owner key
   */
  observe(
    key: string,
    groups: ReadonlySet<string>,
    alive: ReadonlySet<string>,
    afterMs: number,
  ): ReadonlySet<string> {
    const nowMs = this.#clock.monotonicMs();
    const known = this.#watched.get(key);
    // Nobody looked for as long (paused, say): workers may have come and gone.
    const isFresh = known !== undefined && nowMs - known.seenMs < Math.max(afterMs, 1);
    const missing = isFresh ? known.missing : new Map<string, number>();
    for (const group of missing.keys())
      if (alive.has(group) || !groups.has(group)) missing.delete(group);
    for (const group of groups)
      if (!alive.has(group) && !missing.has(group)) missing.set(group, nowMs);
    this.#watched.set(key, { seenMs: nowMs, missing });
    return new Set([...missing].filter(([, since]) => nowMs - since >= afterMs).map(([g]) => g));
  }

  /** Forgets an ingestion whose workers are not meant to run, or which is gone. */
  forget(key: string): void {
    this.#watched.delete(key);
  }
}
