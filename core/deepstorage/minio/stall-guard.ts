// Ends a transfer that makes no progress. The client library has no time-out of its own, and a request whose
// peer is frozen would wait for ever.

import type { Clock } from '../../runtime/clock.ts';
import { Failure } from '../../runtime/failure.ts';
import { orAborted } from '../../runtime/timeout.ts';

/** Watches over one transfer. */
export interface StallGuard {
  /** Aborts when the caller aborts or nothing moved for too long; streams are tied to it. */
  readonly signal: AbortSignal;
  /** Called on every bit of progress. */
  touch(): void;
}

/** Runs `work` under a guard. @throws Failure transient StorageUnavailable after `idleMs` without a touch */
export async function withStallGuard<T>(
  clock: Clock,
  idleMs: number,
  caller: AbortSignal,
  work: (guard: StallGuard) => Promise<T>,
): Promise<T> {
  const stalled = new AbortController();
  const done = new AbortController();
  const signal = AbortSignal.any([caller, stalled.signal]);
  let touchedMs = clock.monotonicMs();
  const watch = async (): Promise<void> => {
    while (!done.signal.aborted) {
      await clock.sleep(Math.max(10, idleMs / 4), done.signal);
      if (clock.monotonicMs() - touchedMs > idleMs) stalled.abort();
    }
  };
  void watch();
  const failure = (): Failure =>
    new Failure(
      'transient',
      'StorageUnavailable',
      caller.aborted ? 'the transfer was aborted' : `the storage made no progress for ${idleMs} ms`,
    );
  try {
    return await orAborted(
      work({ signal, touch: () => (touchedMs = clock.monotonicMs()) }),
      signal,
      failure,
    );
  } finally {
    done.abort();
  }
}
