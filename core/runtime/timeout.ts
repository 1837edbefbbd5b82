// A bound on work that knows no signal (client libraries): after it the caller goes on, the work is forgotten.

import type { Clock } from './clock.ts';
import type { Failure } from './failure.ts';

/**
 * The result of `work`, or a throw of `failure()` when it takes longer than `ms`. The work itself is not
 * stopped; its late result or error is dropped.
 */
export async function withTimeout<T>(
  work: Promise<T>,
  ms: number,
  clock: Clock,
  failure: () => Failure,
): Promise<T> {
  const done = new AbortController();
  const timer = clock.sleep(ms, done.signal).then((): never | undefined => {
    if (!done.signal.aborted) throw failure();
    return undefined;
  });
  // When the timer loses the race nobody looks at it any more.
  timer.catch(() => undefined);
  const settled = work.finally(() => done.abort());
  settled.catch(() => undefined);
  const result = await Promise.race([settled.then((value) => ({ value })), timer]);
  return result === undefined ? settled : result.value;
}

/** The result of `work`, or a throw of `failure()` as soon as the signal aborts. The work is not stopped. */
export function orAborted<T>(
  work: Promise<T>,
  signal: AbortSignal,
  failure: () => Failure,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(failure());
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    const release = (): void => signal.removeEventListener('abort', onAbort);
    work
      .then(resolve, reject)
      .finally(release)
      .catch(() => undefined);
  });
}
