// Keeps the owner key of a worker: after a lost lease it is acquired again and everything is said anew. Runs beside the
// group runner, which only pauses its writes meanwhile. Source: protocol.md 7 "Fencing". Invariant I4.

import type { GroupParts } from './group-parts.ts';
import type { GroupRunner } from './group-runner.ts';

const KEEPER_MS = 200;

/** Acquires the owner key again after a loss and says everything anew; ends when stopped. */
export async function keepOwnership(
  parts: GroupParts,
  runner: GroupRunner,
  signal: AbortSignal,
): Promise<void> {
  const { owner, announcer, clock, log } = parts;
  let wasAlive = false;
  while (!signal.aborted) {
    try {
      const isAlive = owner.isAlive();
      if (wasAlive && !isAlive) {
        log.warn('the lease was lost; nothing is written until the owner key is ours again');
        await owner.acquire(signal);
        await runner.verify();
        await announcer.announceAll();
        log.info('the owner key is ours again');
      }
      wasAlive = owner.isAlive();
      checkDeadline(parts, runner);
    } catch (error) {
      if (!signal.aborted) log.warn('acquiring the owner key failed; trying again', { error });
    }
    await clock.sleep(KEEPER_MS, signal);
  }
}

/** A condition for sequences that take longer than `segments.publishDeadline` from their cut to their publication. */
function checkDeadline(parts: GroupParts, runner: GroupRunner): void {
  const { clock, ingestion, status } = parts;
  const { publishDeadlineMs } = ingestion.segments;
  const late = runner.runs.find(
    (r) => clock.monotonicMs() - (r.closedAtMs ?? Infinity) > publishDeadlineMs,
  );
  if (late === undefined) return;
  const message = `${late.state.id} was cut longer ago than spec.segments.publishDeadline allows and is not published; see the worker's log`;
  status.condition('Publishing', false, 'DeadlineExceeded', message);
}
