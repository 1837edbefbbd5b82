// What failed while a query was asked of the nodes, and whether it is asked again elsewhere. Used by scatter.ts.

import { type Failure, isFailure } from '../../../core/runtime/failure.ts';
import type { QueryPlan } from './query-plan.ts';

/** What the attempts before have met. */
export interface FailedNodes {
  /** Servers that did not answer. */
  readonly avoid: Set<string>;
  /** A copy of one of these segments is broken: they are read elsewhere, or not at all. */
  broken: { readonly segments: ReadonlySet<string>; readonly reason: Failure } | undefined;
}

/** The plan was overtaken, or a node did not answer: plan again. */
export class TryAgain extends Error {
  readonly reason: Failure;
  constructor(reason: Failure) {
    super(reason.message);
    this.reason = reason;
  }
}

/** What a caller is told of an error after which nothing is tried again. */
export function reasonOf(error: unknown): unknown {
  return error instanceof TryAgain ? error.reason : error;
}

/** What to throw; `server` failed while it was asked for these published segments. */
export function retryable(
  error: unknown,
  failed: FailedNodes,
  server?: string,
  segments: readonly string[] = [],
): unknown {
  const isBroken = isFailure(error, 'corrupt') && server !== undefined;
  if (!isFailure(error) || !(isBroken || isFailure(error, 'transient'))) return error;
  if (error.code === 'QueryTimeout' || error.code === 'QueryCancelled') return error;
  if (server !== undefined) failed.avoid.add(server);
  if (isBroken) failed.broken = { segments: new Set(segments), reason: error };
  return new TryAgain(error);
}

/** @throws Failure `corrupt`, what the node said, unless another serves all that it was asked for */
export function checkElsewhere({ avoid, broken }: FailedNodes, { historicals }: QueryPlan): void {
  if (broken === undefined) return;
  const elsewhere = new Set(
    historicals.flatMap(({ server, segments }) =>
      avoid.has(server) ? [] : segments.map(({ id }) => id),
    ),
  );
  // The answer would lack its rows without a word.
  for (const id of broken.segments) if (!elsewhere.has(id)) throw broken.reason;
}
