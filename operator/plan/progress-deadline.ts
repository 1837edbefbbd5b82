// When a change of workers stands still: condition Progressing tells, and the roll, which waits for the stuck worker anyway,
// goes no further. A new generation begins anew. Pure; times come from conditions and pods, so a restart of the operator
// changes nothing. Source: operator.md 2.7.

import type { StatusCondition, Verdicts } from '../api/conditions.ts';
import { type KubeObject, listAt, textAt } from '../kube/object.ts';

const STANDSTILL = { status: 'False', reason: 'ProgressDeadlineExceeded' } as const;
/** Reason of a change that stands still. */
export const STUCK: string = STANDSTILL.reason;

/** What else is looked at. */
export interface DeadlineInput {
  readonly previous: readonly StatusCondition[];
  readonly generation: number;
  readonly nowMs: number;
  readonly deadlineMs: number;
  readonly pods: readonly KubeObject[];
  /** Wanted workers that are not ready, by name. */
  readonly unready: readonly string[];
}

/** The verdicts with the deadline in mind. */
export function withDeadline(verdicts: Verdicts, input: DeadlineInput): Verdicts {
  const { previous, generation, nowMs, deadlineMs, pods, unready } = input;
  const before = previous.find(({ type }) => type === 'Progressing');
  const wasStuck = before?.reason === STUCK && before.observedGeneration === generation;
  const { Progressing: now } = verdicts;
  // A change ends when its workers are ready; one that is lost later is no change. It may have begun and replaced a pod
  // between two writes of status.
  const hasBegun =
    before?.status === 'True' ||
    wasStuck ||
    before?.observedGeneration !== generation ||
    pods.some(({ metadata }) => madeMs(metadata) > Date.parse(before.lastTransitionTime));
  const isStarting = now.reason === 'UpToDate' && unready.length > 0 && hasBegun;
  if (now.status !== 'True' && !isStarting) return verdicts;
  const progressing = isStarting
    ? ({
        status: 'True',
        reason: 'Changing',
        message: `workers start: ${unready.toSorted().join(', ')}`,
      } as const)
    : now;
  const began = beganMs(before, generation);
  const sinceMs = Math.max(began, ...pods.map(steppedMs));
  const isStuck = wasStuck || (began > 0 && nowMs - sinceMs > deadlineMs);
  // Waiting for other resources is no standstill of this one.
  if (!isStuck || progressing.reason !== 'Changing')
    return { ...verdicts, Progressing: progressing };
  const message = `nothing changed for ${deadlineMs / 1000} s (spec.workers.progressDeadlineSeconds): ${progressing.message}`;
  return { ...verdicts, Progressing: { ...STANDSTILL, message } };
}

/** When the change began; 0 while that is not stored yet. */
function beganMs(before: StatusCondition | undefined, generation: number): number {
  if (before?.status !== 'True' || before.observedGeneration !== generation) return 0;
  return Date.parse(before.lastTransitionTime);
}

function madeMs({ creationTimestamp = '' }: KubeObject['metadata']): number {
  return Date.parse(creationTimestamp);
}

/** When a pod last did something: it was made, or became ready. */
function steppedMs({ metadata, status }: KubeObject): number {
  const ready = listAt(status, 'conditions').find(
    (c) => textAt(c, 'type') === 'Ready' && textAt(c, 'status') === 'True',
  );
  const times = [metadata.creationTimestamp ?? '', textAt(ready, 'lastTransitionTime')];
  return Math.max(0, ...times.map((text) => Date.parse(text)).filter((ms) => !Number.isNaN(ms)));
}
