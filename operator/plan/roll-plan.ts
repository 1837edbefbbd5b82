// Which pods to make and which to end, from what is wanted and what is there. One healthy worker at a time, and only
// while all others are ready; broken ones at once, so that a new generation overtakes a stuck roll. Pure.
// Source: operator.md B13, B17, B18, B19.

/** A pod as the plan sees it. */
export interface ObservedPod {
  readonly name: string;
  readonly group: string;
  readonly templateHash: string;
  readonly isReady: boolean;
  /** It will not become ready by waiting: crash loop, image missing, failed, or unready for too long. */
  readonly isBroken: boolean;
  /** Failed or Succeeded: only a new pod helps. */
  readonly isOver: boolean;
  readonly isTerminating: boolean;
  /** Ready, but so far behind its partitions that the next worker has to wait. */
  readonly isCatchingUp: boolean;
}

/** A wanted pod. */
export interface WantedPod {
  readonly name: string;
  readonly group: string;
  readonly templateHash: string;
}

/** Why a pod is ended: the same words as the event. */
export type RemovalReason =
  | 'WorkerFailed'
  | 'ReplacingBroken'
  | 'RollingUpdate'
  | 'ScalingDown'
  | 'Suspending';

/** What to do. */
export interface RollPlan {
  readonly create: readonly string[];
  readonly remove: readonly { readonly name: string; readonly reason: RemovalReason }[];
  /** Pods that are not the wanted ones yet, or not there. 0 = nothing under way. */
  readonly outstanding: number;
}

/**
 * Plans one step.
 *
 * @param leaving  workers of groups that are not wanted but still own partitions: they are left to hand them over, and
 *   made again when they are lost
 * @param held  groups that still own partitions
 */
export function planRoll(input: {
  readonly wanted: readonly WantedPod[];
  readonly leaving: readonly WantedPod[];
  readonly observed: readonly ObservedPod[];
  readonly held: ReadonlySet<string>;
  readonly isSuspended: boolean;
}): RollPlan {
  const { observed, held, isSuspended } = input;
  const wanted = isSuspended ? [] : input.wanted;
  const byName = new Map(observed.map((pod) => [pod.name, pod]));
  const names = new Set(wanted.map((pod) => pod.name));
  const leaving = isSuspended ? [] : input.leaving;
  const create = [...wanted, ...leaving]
    .filter((pod) => !byName.has(pod.name))
    .map((pod) => pod.name);
  const remove: { name: string; reason: RemovalReason }[] = [];
  for (const pod of observed) {
    if (pod.isTerminating) continue;
    if (isSuspended) remove.push({ name: pod.name, reason: 'Suspending' });
    else if (pod.isOver) remove.push({ name: pod.name, reason: 'WorkerFailed' });
    else if (!names.has(pod.name) && !held.has(pod.group))
      remove.push({ name: pod.name, reason: 'ScalingDown' });
  }
  const outdated = wanted.flatMap(ofOlderTemplate);
  const broken = [...outdated, ...leaving.flatMap(ofOlderTemplate)].filter(
    (pod) => pod.isBroken && !pod.isTerminating,
  );
  for (const pod of broken) remove.push({ name: pod.name, reason: 'ReplacingBroken' });
  const isCalm =
    create.length === 0 &&
    remove.length === 0 &&
    wanted.every(({ name }) => {
      const pod = byName.get(name);
      return pod !== undefined && pod.isReady && !pod.isTerminating && !pod.isCatchingUp;
    });
  const next = outdated.toSorted((a, b) => (a.name < b.name ? -1 : 1))[0];
  // An old pod that is merely not ready yet goes first: replacing it takes no reader away.
  const idle = outdated.find((pod) => !pod.isReady && !pod.isTerminating && !pod.isBroken);
  if (isCalm && next !== undefined) remove.push({ name: next.name, reason: 'RollingUpdate' });
  else if (create.length === 0 && remove.length === 0 && idle !== undefined && isAlone(idle))
    remove.push({ name: idle.name, reason: 'RollingUpdate' });
  const outstanding = outdated.length + create.length + observed.filter(isLeaving).length;
  return { create, remove, outstanding };

  function ofOlderTemplate({ name, templateHash }: WantedPod): readonly ObservedPod[] {
    const pod = byName.get(name);
    const isOld = pod !== undefined && !pod.isOver && pod.templateHash !== templateHash;
    return isOld ? [pod] : [];
  }
  function isAlone(pod: ObservedPod): boolean {
    return wanted.every(({ name }) => {
      const other = byName.get(name);
      return name === pod.name || (other?.isReady === true && !other.isTerminating);
    });
  }
  function isLeaving(pod: ObservedPod): boolean {
    return pod.isTerminating || !names.has(pod.name);
  }
}
