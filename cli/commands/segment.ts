// `sluice segment build|dump|validate|query`: segment folders on the command line.

import { UsageError } from '../usage.ts';

/** Picks the sub-command. */
export function runSegment(_args: readonly string[]): Promise<number> {
  throw new UsageError('segment: being wired');
}
