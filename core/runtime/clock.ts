// Time as a port, so that tests move it. The only place besides composition roots that reads the wall clock,
// the monotonic clock or sets a timer. Feeds retries, leases, sequences and every wait.

/** Where time comes from. */
export interface Clock {
  /** Wall clock, epoch ms. May jump. */
  nowMs(): number;
  /** Ms since an arbitrary moment; never goes back. Deadlines and leases use this one. */
  monotonicMs(): number;
  /** Resolves after `ms`, or at once when the signal aborts: the caller looks at the signal. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The machine's clock. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep(ms, signal) {
    return new Promise((resolve) => {
      if (signal?.aborted === true) return resolve();
      const finish = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', finish);
        resolve();
      };
      const timer = setTimeout(finish, ms);
      signal?.addEventListener('abort', finish);
    });
  },
};

/** A clock that stands still until it is moved. */
export interface ManualClock extends Clock {
  /** Moves both clocks on, waking sleepers in the order of their wake-up time, each at its own moment. */
  advance(ms: number): Promise<void>;
  /** Number of sleepers, to wait until the code under test sleeps. */
  sleepers(): number;
}

/** A clock for tests, starting at `startMs`. */
export function manualClock(startMs = 0): ManualClock {
  let elapsedMs = 0;
  let sleepers: { readonly atMs: number; readonly wake: () => void }[] = [];
  return {
    nowMs: () => startMs + elapsedMs,
    monotonicMs: () => elapsedMs,
    sleepers: () => sleepers.length,
    sleep(ms, signal) {
      return new Promise((resolve) => {
        if (signal?.aborted === true) return resolve();
        const sleeper = { atMs: elapsedMs + ms, wake: resolve };
        sleepers.push(sleeper);
        signal?.addEventListener('abort', () => {
          sleepers = sleepers.filter((other) => other !== sleeper);
          resolve();
        });
      });
    },
    async advance(ms) {
      const untilMs = elapsedMs + ms;
      for (;;) {
        await drainMicrotasks();
        const [next] = sleepers
          .filter((s) => s.atMs <= untilMs)
          .toSorted((a, b) => a.atMs - b.atMs);
        if (next === undefined) break;
        sleepers = sleepers.filter((other) => other !== next);
        elapsedMs = Math.max(elapsedMs, next.atMs);
        next.wake();
      }
      elapsedMs = untilMs;
    },
  };
}

// Lets code that was just woken run to its next wait; a macrotask turn settles any promise chain before it.
function drainMicrotasks(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
