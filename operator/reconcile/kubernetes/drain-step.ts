// A deleted resource: its workers publish and end, its state goes if the resource says so, then the finalizer. Bounded:
// after the deadline the rest is ended by force and the object goes, so that a deletion never hangs.
// Source: operator.md B16, 2.7; protocol.md 7.

import { isFailure, messageOf } from '../../../core/runtime/failure.ts';
import { FINALIZER } from '../../api/names.ts';
import { field, type KubeObject, textAt } from '../../kube/object.ts';
import { purgeIngestion } from '../deletion.ts';
import type { ControllerParts } from './controller-parts.ts';
import { KINDS, INGESTIONS } from './kinds.ts';
import { livePods } from './pods-step.ts';

const POLL_MS = 1000;

/** One step; resolves with when to look again, or undefined once the finalizer is gone. */
export async function drain(
  parts: ControllerParts,
  object: KubeObject,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { writer, clock, events, settings } = parts;
  const { finalizers = [], deletionTimestamp = '' } = object.metadata;
  if (!finalizers.includes(FINALIZER)) return undefined;
  const given = field(object, 'spec', 'workers', 'drainDeadlineSeconds');
  const limitMs = typeof given === 'number' ? given * 1000 : settings.drainMs;
  const isLate = clock.nowMs() - Date.parse(deletionTimestamp) > limitMs;
  const pods = await livePods({ parts, object, signal });
  for (const pod of pods) {
    if (isLate) await writer.delete(KINDS.pods, pod, { graceSeconds: 0 }, signal);
    else if (pod.metadata.deletionTimestamp === undefined)
      await writer.delete(KINDS.pods, pod, {}, signal);
  }
  if (pods.length > 0 && !isLate) return POLL_MS;
  if (pods.length > 0)
    events.record(object, {
      type: 'Warning',
      reason: 'DrainDeadlineExceeded',
      action: 'Delete',
      note: 'workers did not end in time; they were ended by force, unpublished rows are read again by a resource of this name',
    });
  if (textAt(object, 'spec', 'deletionPolicy') === 'Purge') {
    const trouble = await purge(parts, object, signal);
    if (trouble !== undefined && !isLate) return POLL_MS;
    if (trouble !== undefined)
      events.record(object, {
        type: 'Warning',
        reason: 'PurgeIncomplete',
        action: 'Delete',
        note: 'offsets and segments could not all be removed in time; run sluice delete with the resource to remove the rest',
      });
  }
  const rest = finalizers.filter((name) => name !== FINALIZER);
  await writer.finalizers(INGESTIONS, object, rest, signal);
  return undefined;
}

/** Removes the state; resolves with what prevented it. */
async function purge(
  parts: ControllerParts,
  object: KubeObject,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { namespace = 'default', name } = object.metadata;
  try {
    const dataSource = textAt(object, 'spec', 'dataSource');
    const purged = await purgeIngestion(parts, { namespace, name, dataSource }, signal);
    parts.log.info('ingestion purged', { namespace, ingestion: name, ...purged });
    return undefined;
  } catch (error) {
    if (isFailure(error, 'bug') || isFailure(error, 'fenced')) throw error;
    return messageOf(error);
  }
}
