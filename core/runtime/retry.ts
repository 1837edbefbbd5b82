// Bounded retries with jitter, for `transient` failures only: everything else surfaces at once.

import type { Clock } from './clock.ts';
import { isFailure } from './failure.ts';

/** How often and how patiently. */
export interface RetryPolicy {
  /** Tries in all, at least 1. */
  readonly attempts: number;
  /** Pause before the second try; doubles up to delayMaxMs. */
  readonly delayMs: number;
  readonly delayMaxMs: number;
}

/** Five tries within about three seconds: outlasts a restart of etcd or a leader election of a healthy broker. */
export const DEFAULT_RETRY: RetryPolicy = { attempts: 5, delayMs: 100, delayMaxMs: 2000 };

/** What a retry needs from its surroundings. */
export interface RetryOptions {
  readonly policy?: RetryPolicy;
  readonly clock: Clock;
  /** Uniform in [0, 1); default Math.random. */
  readonly random?: () => number;
  /** No further try once it aborts; the last failure surfaces. */
  readonly signal?: AbortSignal;
  /** Told of every failure that will be tried again. */
  readonly onRetry?: (error: unknown, attempt: number, delayMs: number) => void;
}

/** Runs `work` until it succeeds, fails with anything but `transient`, or the policy is used up. */
export async function retry<T>(
  work: (attempt: number) => Promise<T>,
  options: RetryOptions,
): Promise<T> {
  const policy = options.policy ?? DEFAULT_RETRY;
  for (let attempt = 1; ; attempt++) {
    try {
      return await work(attempt);
    } catch (error) {
      const isLast = attempt >= policy.attempts || options.signal?.aborted === true;
      if (isLast || !isFailure(error, 'transient')) throw error;
      const delayMs = backoffMs(policy, attempt, options.random);
      options.onRetry?.(error, attempt, delayMs);
      await options.clock.sleep(delayMs, options.signal);
    }
  }
}

/** The pause after the `attempt`-th failure (1, 2, ...): doubling, capped, half of it jitter. For endless loops. */
export function backoffMs(
  policy: RetryPolicy,
  attempt: number,
  random: () => number = Math.random,
): number {
  const fullMs = Math.min(policy.delayMaxMs, policy.delayMs * 2 ** Math.min(attempt - 1, 30));
  return fullMs / 2 + (random() * fullMs) / 2;
}
