// The cluster port in one process: workers are started by a function that the composition root lends, so that the
// operator knows nothing of them. Used by `sluice local`, and by `sluice operator` where workers run elsewhere.

import type { Logger } from '../../../core/runtime/log.ts';
import { messageOf } from '../../../core/runtime/failure.ts';
import type { Cluster, Condition, WorkerPlan } from '../cluster.ts';

/** A worker as this adapter needs it. */
export interface LocalWorker {
  conditions(): readonly Condition[];
  stop(deadline: AbortSignal): Promise<void>;
  /** Resolves when the worker cannot go on. */
  readonly died: Promise<Error>;
}

/** Starts workers with `start`; a worker that dies is started again by the next pass. */
export function localCluster(
  start: (plan: WorkerPlan) => Promise<LocalWorker>,
  log: Logger,
): Cluster {
  const workers = new Map<string, Promise<LocalWorker>>();
  const running = new Map<string, LocalWorker>();
  const keyOf = (plan: WorkerPlan): string =>
    `${plan.ref.namespace}/${plan.ref.name}/${plan.ref.uid}/${plan.group}`;
  const forget = (key: string): void => {
    workers.delete(key);
    running.delete(key);
  };
  return {
    async ensureWorker(plan) {
      const key = keyOf(plan);
      const known = workers.get(key);
      if (known !== undefined) {
        await known;
        return;
      }
      const starting = start(plan);
      workers.set(key, starting);
      try {
        const worker = await starting;
        running.set(key, worker);
        void worker.died.then(async (reason) => {
          log.error('a worker died; it is started again', {
            group: plan.group,
            error: messageOf(reason),
          });
          await worker.stop(AbortSignal.abort()).catch(() => undefined);
          forget(key);
        });
      } catch (error) {
        forget(key);
        throw error;
      }
    },
    async stopWorker(plan, deadline) {
      const key = keyOf(plan);
      const worker = await workers.get(key);
      forget(key);
      await worker?.stop(deadline);
    },
    conditions: (plan) => running.get(keyOf(plan))?.conditions() ?? [],
  };
}
