// Makes the pods as the plan says. Whatever takes a worker away is planned a second time on pods read from the server
// itself, because the cache may be behind (B13). The reason a pod was ended is always an event.

import { Failure, isFailure } from '../../../core/runtime/failure.ts';
import { selectorLabels, selectorText } from '../../api/names.ts';
import { apiVersionOf, collectionPath } from '../../kube/resource.ts';
import { controllerOf, type KubeObject, listAt } from '../../kube/object.ts';
import { observedPod } from '../../plan/observed-pod.ts';
import type { WorkerReport } from '../../plan/status-plan.ts';
import { planRoll, type RemovalReason, type RollPlan } from '../../plan/roll-plan.ts';
import type { ObservedPod } from '../../plan/roll-plan.ts';
import type { PodPlan } from '../../plan/wanted-children.ts';
import { ANNOTATIONS, LABELS } from '../../api/names.ts';
import type { ControllerParts } from './controller-parts.ts';
import { KINDS } from './kinds.ts';

/** What an event says about an ended pod. The texts hold nothing that changes. */
const NOTES: Readonly<Record<RemovalReason, string>> = {
  WorkerFailed: 'worker ended; a new one is started',
  ReplacingBroken: 'worker of an older configuration does not start; it is replaced at once',
  RollingUpdate: 'the configuration of the worker changed; it is replaced',
  ScalingDown: 'the group is not wanted any more and holds no partition; its worker is ended',
  Suspending: 'spec.suspend is true; the worker publishes and ends',
};

/** What the step works on. */
export interface PodsInput {
  readonly parts: ControllerParts;
  readonly object: KubeObject;
  /** Pods of the groups that are wanted. */
  readonly wanted: readonly PodPlan[];
  /** Workers of groups that are not wanted but still own partitions. */
  readonly leaving: readonly PodPlan[];
  readonly held: ReadonlySet<string>;
  readonly isSuspended: boolean;
  readonly reports: ReadonlyMap<string, WorkerReport>;
  readonly signal: AbortSignal;
}

/** What a step came to. */
export interface RollStep {
  /** Pods that are not as wanted yet. */
  readonly outstanding: number;
  /** The next replacement waits for other ingestions. */
  readonly isWaiting: boolean;
}

/** Runs one step of the roll. */
export async function rollPods(input: PodsInput): Promise<RollStep> {
  const { parts, object, wanted, leaving, signal } = input;
  const { caches, writer, events } = parts;
  const uid = object.metadata.uid ?? '';
  const cached = caches.children('pods', uid);
  const plan = planOf(input, cached);
  for (const pod of [...wanted, ...leaving]) {
    const known = cached.find(({ metadata }) => metadata.name === pod.name);
    if (plan.create.includes(pod.name)) {
      const result = await writer
        .apply(KINDS.pods, pod.build(), undefined, signal)
        .catch(recreated);
      if (result === 'created')
        events.record(object, {
          type: 'Normal',
          reason: 'WorkerCreated',
          action: 'Create',
          note: `worker of group ${pod.group} is started`,
        });
    } else if (known !== undefined) await repairLabels(input, pod, known);
  }
  if (plan.remove.length === 0) return { outstanding: plan.outstanding, isWaiting: false };
  let isWaiting = false;
  const live = await livePods(input);
  for (const { name, reason } of planOf(input, live).remove) {
    const pod = live.find(({ metadata }) => metadata.name === name);
    if (pod === undefined) continue;
    if (reason === 'RollingUpdate') {
      await checkSuccessor(input, name);
      if (!parts.permits.mayRoll(object)) {
        isWaiting = true;
        continue;
      }
    }
    events.record(object, {
      type: reason === 'WorkerFailed' || reason === 'ReplacingBroken' ? 'Warning' : 'Normal',
      reason,
      action: 'Delete',
      note: `${NOTES[reason]} (group ${pod.metadata.labels?.[LABELS.group]})`,
    });
    await writer.delete(KINDS.pods, pod, {}, signal);
  }
  return { outstanding: plan.outstanding + plan.remove.length, isWaiting };
}

/** A worker that reads is ended only when the server would take its successor: `workers.template` is the user's. */
async function checkSuccessor({ parts, wanted, signal }: PodsInput, name: string): Promise<void> {
  const successor = wanted.find((pod) => pod.name === name);
  if (successor === undefined) return;
  try {
    await parts.writer.check(KINDS.pods, successor.build(), signal);
  } catch (error) {
    if (!isFailure(error, 'config')) throw error;
    throw new Failure(
      'config',
      'TemplateRefused',
      `spec.workers: the API server refuses the pod that template and resources make (${error.message}); workers go on as they are`,
      error,
    );
  }
}

/** Pods as the plan compares them. */
export function observedPods(
  pods: readonly KubeObject[],
  nowMs: number,
  reports: ReadonlyMap<string, WorkerReport>,
): readonly ObservedPod[] {
  return pods.map((pod) => observedPod(pod, nowMs, reports.get(pod.metadata.name)?.lagRecords));
}

function planOf(
  { parts, wanted, leaving, held, isSuspended, reports }: PodsInput,
  pods: readonly KubeObject[],
): RollPlan {
  return planRoll({
    wanted,
    leaving,
    observed: observedPods(pods, parts.clock.nowMs(), reports),
    held,
    isSuspended,
  });
}

/** A pod that the cache did not show yet cannot be changed by an apply, and need not be. */
function recreated(error: unknown): 'unchanged' {
  if (
    isFailure(error) &&
    error.code === 'Invalid' &&
    /pod updates may not change/.test(error.message)
  )
    return 'unchanged';
  throw error;
}

/** Labels and annotations of ours that were changed by hand are set again; the rest of a pod cannot change. */
async function repairLabels(
  { parts, signal }: PodsInput,
  wanted: PodPlan,
  known: KubeObject,
): Promise<void> {
  const isCurrent = known.metadata.annotations?.[ANNOTATIONS.templateHash] === wanted.templateHash;
  if (!isCurrent || known.metadata.deletionTimestamp !== undefined) return;
  const isSame = Object.entries(wanted.labels).every(
    ([key, value]) => known.metadata.labels?.[key] === value,
  );
  if (!isSame) await parts.writer.apply(KINDS.pods, wanted.build(), known, signal);
}

/** The pods of the ingestion, from the server. */
export async function livePods({
  parts,
  object,
  signal,
}: Pick<PodsInput, 'parts' | 'object' | 'signal'>): Promise<readonly KubeObject[]> {
  const { name, namespace = 'default', uid } = object.metadata;
  const list = await parts.client.call(
    {
      method: 'GET',
      path: collectionPath(KINDS.pods, namespace),
      query: { labelSelector: selectorText(selectorLabels(name)) },
    },
    signal,
  );
  return listAt(list, 'items')
    .map((item) => ({
      ...(item as KubeObject),
      apiVersion: apiVersionOf(KINDS.pods),
      kind: KINDS.pods.kind,
    }))
    .filter((pod) => controllerOf(pod)?.uid === uid);
}
