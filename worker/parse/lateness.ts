// Whether a row is too late or too early: a function of the record and its partition only, never of a worker's clock,
// so that a replay and a replica decide alike (invariant I3). Source: ingestion.md 3, protocol.md 7 "Watermark".

import type { CompiledSchema } from '../../core/spec/compiled.ts';

/** The row is accepted. */
const ON_TIME = 0;
/** Thrown away as `beforeMinimumMessageTime`. */
export const TOO_LATE = 1;
/** Thrown away as `afterMaximumMessageTime`; does not raise the watermark. */
export const TOO_EARLY = 2;

/**
 * Judges one row.
 *
 * @param eventMs event time, epoch ms
 * @param recordMs the record's own timestamp, NaN where the source has none (then the early side is open)
 * @param watermarkMs greatest event time seen in the partition before, -Infinity when none
 */
export function judgeLateness(
  lateness: CompiledSchema['lateness'],
  eventMs: number,
  recordMs: number,
  watermarkMs: number,
): number {
  if (lateness.policy === 'none') return ON_TIME;
  const clock = lateness.policy === 'serverTime' ? recordMs : watermarkMs;
  if (eventMs > recordMs + lateness.earlyMs) return TOO_EARLY;
  return eventMs < clock - lateness.lateMs ? TOO_LATE : ON_TIME;
}
