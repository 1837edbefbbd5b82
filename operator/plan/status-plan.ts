// What a pass learned -> the conditions and counts of status. Counts come from pods, never from the spec; nothing that
// changes by itself (lag, times, addresses) goes in. Pure. Source: operator.md 2.2, 2.3, B21, B22.

import type { StatusCondition, Verdict, Verdicts } from '../api/conditions.ts';
import type { ObservedPod, WantedPod } from './roll-plan.ts';

/** A step that failed: the code and text of its Failure. */
export interface Trouble {
  readonly reason: string;
  readonly message: string;
}

/** What a worker says of itself. */
export interface WorkerReport {
  /** Records behind the ends of its partitions. */
  readonly lagRecords: number;
  /** What is wrong, in the worker's words. */
  readonly troubles: readonly Trouble[];
}

/** What a pass learned. */
export interface Findings {
  /** The resource of this generation cannot be used; the last good one runs, if there is one. */
  readonly invalid: Trouble | undefined;
  /** The stream or the stored state could not be read. */
  readonly unprepared: Trouble | undefined;
  /** Steps that failed for another reason. */
  readonly failed: readonly Trouble[];
  readonly isPaused: boolean;
  readonly isSuspended: boolean;
  /** The next replacement waits until fewer other ingestions replace workers. */
  readonly isWaiting: boolean;
  /** Undefined while it is not known which groups there are. */
  readonly wanted: readonly WantedPod[] | undefined;
  readonly pods: readonly ObservedPod[];
  /** Pod -> what its worker says; only of those that answer. */
  readonly reports: ReadonlyMap<string, WorkerReport>;
  /** Pod -> why it is not ready. */
  readonly troubles: ReadonlyMap<string, string>;
  readonly partitions: { readonly total: number; readonly assigned: number };
}

/** What workers report of the stream itself. */
const SOURCE_CODES = new Set([
  'OffsetOutOfRange',
  'LogTruncated',
  'TopicRecreated',
  'PartitionEnded',
  'SourceUnavailable',
]);
/** Codes of failures that are about assigning, not about reaching the stream. */
const ASSIGNMENT_CODES = new Set(['TooFewWorkers', 'Conflicts']);

/** Workers: wanted (as before, while that is not known), ready with the wanted template, on their way out. */
export function workerCounts(
  findings: Findings,
  desiredBefore: number,
): { readonly desired: number; readonly ready: number; readonly draining: number } {
  const { pods, wanted, isSuspended } = findings;
  const names = new Set(isSuspended ? [] : wanted?.map((pod) => pod.name));
  const isWanted = (pod: ObservedPod): boolean => wanted === undefined || names.has(pod.name);
  return {
    desired: wanted === undefined ? desiredBefore : names.size,
    ready: pods.filter((pod) => isWanted(pod) && pod.isReady && !pod.isTerminating).length,
    draining: pods.filter((pod) => pod.isTerminating || !isWanted(pod)).length,
  };
}

/** Every condition. */
export function verdictsOf(findings: Findings): Verdicts {
  const { invalid, unprepared, isPaused, isSuspended } = findings;
  const isAssignment = unprepared !== undefined && ASSIGNMENT_CODES.has(unprepared.reason);
  const isKnown = findings.wanted !== undefined;
  const lost = workerTroubles(findings).find(({ reason }) => SOURCE_CODES.has(reason));
  const unknown: Verdict = {
    status: 'Unknown',
    reason: 'NotObserved',
    message: 'the stream has not been looked at yet',
  };
  return {
    Ready: readyVerdict(findings),
    Progressing: progressVerdict(findings),
    Degraded: degradedVerdict(findings),
    SpecValid:
      invalid === undefined
        ? { status: 'True', reason: 'Valid', message: 'the resource is valid' }
        : { status: 'False', reason: invalid.reason, message: invalid.message },
    AssignmentComplete: isAssignment
      ? { status: 'False', reason: unprepared.reason, message: unprepared.message }
      : isKnown
        ? { status: 'True', reason: 'Assigned', message: 'every partition belongs to a group' }
        : unknown,
    SourceReachable:
      lost !== undefined
        ? { status: 'False', reason: lost.reason, message: lost.message }
        : unprepared !== undefined && !isAssignment
          ? { status: 'False', reason: unprepared.reason, message: unprepared.message }
          : isKnown
            ? { status: 'True', reason: 'Reachable', message: 'the stream answers' }
            : unknown,
    Paused: isPaused
      ? {
          status: 'True',
          reason: 'PausedByAnnotation',
          message: 'sluice.dev/paused is "true": nothing is changed',
        }
      : isSuspended
        ? {
            status: 'True',
            reason: 'Suspended',
            message: 'spec.suspend is true: nothing is read, offsets are kept',
          }
        : { status: 'False', reason: 'Running', message: 'neither paused nor suspended' },
  };
}

/**
 * What is said while paused: as before, since nothing is looked at; but never Ready without a ready worker.
 */
export function pausedVerdicts(now: Verdicts, previous: readonly StatusCondition[]): Verdicts {
  const kept = previous
    .filter(({ type }) => type !== 'Paused' && type !== 'Progressing' && type !== 'SpecValid')
    .map(({ type, status, reason, message }) => [type, { status, reason, message }] as const);
  const verdicts: Verdicts = { ...now, ...Object.fromEntries(kept) };
  return verdicts.Ready.status === 'True' && now.Ready.reason === 'WorkersUnavailable'
    ? { ...verdicts, Ready: now.Ready }
    : verdicts;
}

function readyVerdict(findings: Findings): Verdict {
  const { invalid, unprepared, failed, isPaused, isSuspended, wanted } = findings;
  if (invalid !== undefined)
    return { status: 'False', reason: 'SpecInvalid', message: invalid.message };
  if (isSuspended)
    return {
      status: 'False',
      reason: 'Suspended',
      message: 'spec.suspend is true: nothing is read, offsets are kept',
    };
  if (unprepared !== undefined)
    return { status: 'False', reason: unprepared.reason, message: unprepared.message };
  const [first] = failed;
  if (first !== undefined) return { status: 'False', reason: first.reason, message: first.message };
  if (wanted === undefined && isPaused && !findings.pods.some((pod) => pod.isReady))
    return {
      status: 'False',
      reason: 'WorkersUnavailable',
      message: 'no worker is ready, and it is paused',
    };
  if (wanted === undefined)
    return isPaused
      ? {
          status: 'Unknown',
          reason: 'PausedByAnnotation',
          message: 'not looked at since it is paused',
        }
      : {
          status: 'Unknown',
          reason: 'NotObserved',
          message: 'the stream has not been looked at yet',
        };
  const missing = unready(findings);
  const [reported] = workerTroubles(findings);
  if (missing.length > 0 && reported !== undefined)
    return { status: 'False', reason: reported.reason, message: reported.message };
  if (missing.length > 0)
    return {
      status: 'False',
      reason: 'WorkersUnavailable',
      message: `not ready: ${missing.join(', ')}`,
    };
  const old = outdated(findings);
  if (old.length > 0)
    return {
      status: 'False',
      reason: 'RollInProgress',
      message: `of an older configuration: ${old.join(', ')}`,
    };
  return { status: 'True', reason: 'Reading', message: 'every group has a ready worker' };
}

function progressVerdict(findings: Findings): Verdict {
  const { isPaused, isSuspended, pods, wanted = [] } = findings;
  if (isPaused)
    return {
      status: 'False',
      reason: 'PausedByAnnotation',
      message: 'nothing is changed while paused',
    };
  const leaving = pods.filter((pod) => pod.isTerminating).map((pod) => pod.name);
  const names = new Set(wanted.map((pod) => pod.name));
  const there = new Set(pods.map((pod) => pod.name));
  const extra = pods.filter((pod) => !names.has(pod.name) || isSuspended).map((pod) => pod.name);
  const missing = isSuspended ? [] : [...names].filter((name) => !there.has(name));
  const names2 = [...new Set([...leaving, ...extra, ...missing, ...outdated(findings)])];
  if (names2.length === 0)
    return { status: 'False', reason: 'UpToDate', message: 'every worker is as wanted' };
  if (findings.isWaiting)
    return {
      status: 'True',
      reason: 'WaitingForOthers',
      message: 'workers are replaced when fewer other ingestions replace theirs',
    };
  return {
    status: 'True',
    reason: 'Changing',
    message: `workers change: ${names2.toSorted().join(', ')}`,
  };
}

function degradedVerdict(findings: Findings): Verdict {
  const { failed, invalid, wanted, isSuspended } = findings;
  const [first] = failed;
  if (first !== undefined) return { status: 'True', reason: first.reason, message: first.message };
  if (invalid !== undefined && wanted !== undefined)
    return {
      status: 'True',
      reason: 'LastGoodSpec',
      message: 'the last valid spec runs, this generation is invalid',
    };
  const [reported] = isSuspended ? [] : workerTroubles(findings);
  if (reported !== undefined)
    return { status: 'True', reason: reported.reason, message: reported.message };
  const some = isSuspended ? [] : unready(findings);
  if (some.length > 0 && some.length < (wanted ?? []).length)
    return {
      status: 'True',
      reason: 'WorkersUnavailable',
      message: `not ready: ${some.join(', ')}`,
    };
  return { status: 'False', reason: 'AsExpected', message: 'nothing is missing' };
}

/** What workers say is wrong, the first of each pod, pods in order. */
function workerTroubles({ reports }: Findings): readonly Trouble[] {
  return [...reports]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, { troubles }]) =>
      troubles.map(({ reason, message }) => ({ reason, message: `${name}: ${message}` })),
    );
}

/** Wanted workers without a ready pod, with the reason the pod gives. */
export function unready({ wanted = [], pods, troubles }: Findings): readonly string[] {
  const ready = new Set(pods.filter((p) => p.isReady && !p.isTerminating).map((p) => p.name));
  return wanted
    .filter(({ name }) => !ready.has(name))
    .map(({ name }) => {
      const trouble = troubles.get(name) ?? '';
      return trouble === '' ? name : `${name} (${trouble})`;
    });
}

function outdated({ wanted = [], pods }: Findings): readonly string[] {
  const hashes = new Map(wanted.map((pod) => [pod.name, pod.templateHash]));
  return pods
    .filter((pod) => hashes.has(pod.name) && hashes.get(pod.name) !== pod.templateHash)
    .map((pod) => pod.name);
}
