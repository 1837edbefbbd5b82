// The ordered end of a process: SIGTERM or SIGINT stops the parts in the reverse order of their start, within
// a deadline; a second signal ends the process at once.

import type { Clock } from './clock.ts';
import type { Logger } from './log.ts';

/** The end of a process, as its parts see it. */
export interface Shutdown {
  /** Aborts when stopping begins; long loops end on it. */
  readonly signal: AbortSignal;
  /** Registers a part. Later ones stop first; each gets a signal that aborts at the deadline. */
  onStop(name: string, stop: (deadline: AbortSignal) => Promise<void>): void;
  /** Begins to stop (idempotent); resolves true when every part stopped in time and without an error. */
  stop(reason: string): Promise<boolean>;
  /** Resolves as stop() does, whoever began it. */
  readonly stopped: Promise<boolean>;
}

/** Parts of a process and the time they get together. */
export function createShutdown(options: {
  deadlineMs: number;
  clock: Clock;
  log: Logger;
}): Shutdown {
  const { clock, log } = options;
  const parts: {
    readonly name: string;
    readonly stop: (deadline: AbortSignal) => Promise<void>;
  }[] = [];
  const begun = new AbortController();
  const deadline = new AbortController();
  const { promise: stopped, resolve } = Promise.withResolvers<boolean>();

  async function stopAll(): Promise<boolean> {
    let isClean = true;
    for (const part of parts.toReversed()) {
      const startedMs = clock.monotonicMs();
      try {
        await part.stop(deadline.signal);
        log.info('stopped', { part: part.name, ms: Math.round(clock.monotonicMs() - startedMs) });
      } catch (error) {
        isClean = false;
        log.error('could not stop cleanly', { part: part.name, error });
      }
    }
    return isClean;
  }

  async function withinDeadline(): Promise<boolean> {
    const done = new AbortController();
    const late = clock.sleep(options.deadlineMs, done.signal).then(() => {
      if (!done.signal.aborted) {
        deadline.abort();
        log.error('parts did not stop in time', { deadlineMs: options.deadlineMs });
      }
      return false;
    });
    const isClean = await Promise.race([stopAll(), late]);
    done.abort();
    return isClean;
  }

  return {
    signal: begun.signal,
    stopped,
    onStop: (name, stop) => void parts.push({ name, stop }),
    stop(reason) {
      if (!begun.signal.aborted) {
        log.info('stopping', { reason });
        begun.abort();
        void withinDeadline().then(resolve);
      }
      return stopped;
    },
  };
}

/**
 * Connects a shutdown to the process: first SIGTERM or SIGINT begins it and its end ends the process (0 when
 * clean, else 1); a second signal exits with 128 + signal number at once.
 */
export function stopOnSignals(shutdown: Shutdown): void {
  const numbers = { SIGINT: 2, SIGTERM: 15 } as const;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (shutdown.signal.aborted) process.exit(128 + numbers[signal]);
      void shutdown.stop(signal).then((isClean) => process.exit(isClean ? 0 : 1));
    });
  }
}
