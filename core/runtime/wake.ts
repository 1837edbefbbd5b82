// A pause that ends early when there is news: what loops over a live copy of etcd wait on. Fed by the callbacks of
// mirrors, which only wake; the loop takes the work at its own pace.

import type { Clock } from './clock.ts';

/** The pause of one loop. */
export class Wake {
  #resolve: () => void = () => undefined;

  /** Ends the wait that is under way; without one it does nothing. */
  wake(): void {
    this.#resolve();
  }

  /** Resolves after `ms`, on {@link wake}, or when the signal aborts; never rejects. */
  async wait(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#resolve = resolve;
      void clock.sleep(ms, signal).then(resolve);
    });
  }
}
