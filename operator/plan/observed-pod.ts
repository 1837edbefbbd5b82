// A pod of the API server -> what the plans look at. Readiness comes from the pod's own condition, never from a spec.

import { ANNOTATIONS, LABELS } from '../api/names.ts';
import { field, type KubeObject, listAt, textAt } from '../kube/object.ts';
import type { ObservedPod } from './roll-plan.ts';

/** Reasons of a waiting container that time does not cure. */
const BROKEN_REASONS = new Set([
  'CrashLoopBackOff',
  'ImagePullBackOff',
  'ErrImagePull',
  'InvalidImageName',
  'CreateContainerConfigError',
  'CreateContainerError',
  'RunContainerError',
]);
/** A pod that was not ready for this long is broken. */
const UNREADY_MAX_MS = 600_000;

/** A worker this far behind is catching up: about a second of reading. */
const LAG_MAX_RECORDS = 200_000;
/** A worker that is behind for longer than this will not catch up by waiting; the roll goes on. */
const CATCH_UP_MS = 600_000;

/** Reads a pod. `lagRecords` is what its worker says, if it answers. */
export function observedPod(
  pod: KubeObject,
  nowMs: number,
  lagRecords: number | undefined,
): ObservedPod {
  const { metadata } = pod;
  const phase = textAt(pod, 'status', 'phase');
  const isOver = phase === 'Failed' || phase === 'Succeeded';
  const ready = listAt(pod, 'status', 'conditions').find((c) => textAt(c, 'type') === 'Ready');
  const isReady = !isOver && textAt(ready, 'status') === 'True';
  const sinceMs = Date.parse(
    textAt(ready, 'lastTransitionTime') || (metadata.creationTimestamp ?? ''),
  );
  const waiting = listAt(pod, 'status', 'containerStatuses').some((status) =>
    BROKEN_REASONS.has(textAt(field(status, 'state', 'waiting'), 'reason')),
  );
  return {
    name: metadata.name,
    group: metadata.labels?.[LABELS.group] ?? '',
    templateHash: metadata.annotations?.[ANNOTATIONS.templateHash] ?? '',
    isReady,
    isBroken: isOver || waiting || (!isReady && nowMs - sinceMs > UNREADY_MAX_MS),
    isOver,
    isTerminating: metadata.deletionTimestamp !== undefined,
    isCatchingUp: isReady && (lagRecords ?? 0) > LAG_MAX_RECORDS && nowMs - sinceMs < CATCH_UP_MS,
  };
}

/** Why a worker is not ready, in a stable text; `''` where the pod says nothing. */
export function troubleOf(pod: KubeObject): string {
  for (const status of listAt(pod, 'status', 'containerStatuses')) {
    const reason = textAt(field(status, 'state', 'waiting'), 'reason');
    if (reason !== '') return reason;
  }
  const blocked = listAt(pod, 'status', 'conditions').find(
    (c) => textAt(c, 'type') === 'PodScheduled' && textAt(c, 'status') === 'False',
  );
  return textAt(blocked, 'reason');
}

/**
 * What of a pod the plans and steps look at; the rest of ten thousand pods is not kept. Specs of pods cannot change, and
 * their template hash tells which one it is.
 */
export function essentialsOf(pod: KubeObject): KubeObject {
  const { metadata, apiVersion, kind } = pod;
  const volumes = listAt(pod, 'spec', 'volumes').flatMap((volume) => {
    const name = textAt(volume, 'configMap', 'name');
    return name === '' ? [] : [{ configMap: { name } }];
  });
  const conditions = listAt(pod, 'status', 'conditions').filter((c) =>
    ['Ready', 'PodScheduled'].includes(textAt(c, 'type')),
  );
  const containerStatuses = listAt(pod, 'status', 'containerStatuses').map((status) => ({
    state: { waiting: field(status, 'state', 'waiting') },
  }));
  return {
    apiVersion,
    kind,
    metadata,
    spec: { volumes },
    status: {
      phase: field(pod, 'status', 'phase'),
      podIP: field(pod, 'status', 'podIP'),
      conditions,
      containerStatuses,
    },
  };
}
