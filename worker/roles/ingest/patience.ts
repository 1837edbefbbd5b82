// Work of the group that must survive an outage of the metadata store or a lost lease: repeated until it succeeds
// (history 17: nine seconds without etcd throw nothing away). Used by the group runner.

import { type Failure, isFailure } from '../../../core/runtime/failure.ts';
import type { GroupParts } from './group-parts.ts';

const PAUSE_MS = 200;

/** Repeats idempotent `work` while the owner key is ours; throws `lost` once the session is. */
export async function whileOwned<T>(
  parts: GroupParts,
  lost: () => Failure | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const { owner, clock, log } = parts;
  for (;;) {
    const failure = lost();
    if (failure !== undefined) throw failure;
    try {
      if (owner.isAlive()) return await work();
    } catch (error) {
      const isPassing =
        isFailure(error, 'transient') || (isFailure(error) && error.code === 'LeaseLost');
      if (!isPassing) throw error;
      log.warn('the metadata store did not answer; trying again', { error });
    }
    await clock.sleep(PAUSE_MS);
  }
}
