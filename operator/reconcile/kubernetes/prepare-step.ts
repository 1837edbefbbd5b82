// Brings the stored state to what the resource and the stream say: partitions, moves, a reset that was asked for. Trouble
// is a value: workers go on as they are while the stream does not answer.

import { isFailure, messageOf } from '../../../core/runtime/failure.ts';
import { ANNOTATIONS } from '../../api/names.ts';
import { type KubeObject, textAt } from '../../kube/object.ts';
import type { Trouble } from '../../plan/status-plan.ts';
import { secretRefs } from '../../plan/worker-config.ts';
import { prepareIngestion } from '../ingestion-state.ts';
import { resetOffsets } from '../offset-reset.ts';
import type { ControllerParts } from './controller-parts.ts';
import type { UsableSpec } from './spec-reading.ts';

/** The stored state. */
export interface Prepared {
  /** Groups that want a worker. */
  readonly groups: readonly string[];
  /** Groups that own partitions, wanted or not. */
  readonly held: ReadonlySet<string>;
  readonly partitions: number;
  /** The reset request that is done. */
  readonly reset: string | undefined;
}

/** Runs the step. */
export async function prepare(
  { store, streams, events, clock, deaths }: ControllerParts,
  object: KubeObject,
  { ingestion, resource }: UsableSpec,
  signal: AbortSignal,
): Promise<Prepared | Trouble> {
  const { uid = '', annotations } = object.metadata;
  try {
    const stream = await streams.get(uid, ingestion, secretRefs(resource.spec), signal);
    const prepared = await prepareIngestion(store, ingestion, stream, deaths, signal);
    if ('conflict' in prepared) return { reason: 'Conflicts', message: prepared.conflict };
    const { ref } = prepared;
    if (prepared.taken > 0)
      events.record(object, {
        type: 'Warning',
        reason: 'PartitionsTakenOver',
        action: 'Assign',
        note: 'a group had no worker for spec.workers.takeoverSeconds; others read its partitions from the committed offsets',
      });
    const token = annotations?.[ANNOTATIONS.resetRequest]?.slice(0, 64);
    if (token !== undefined && token !== textAt(object, 'status', 'resetAt')) {
      const nowMs = clock.nowMs();
      const moved = await resetOffsets(store, { ref, ingestion, stream, token, nowMs }, signal);
      if (moved > 0)
        events.record(object, {
          type: 'Normal',
          reason: 'OffsetsReset',
          action: 'Reset',
          note: `annotation ${ANNOTATIONS.resetRequest}: partitions start anew as spec.source.kafka.start says`,
        });
    }
    return {
      groups: Object.keys(prepared.groups),
      held: prepared.held,
      partitions: Object.values(prepared.groups).flat().length,
      reset: token,
    };
  } catch (error) {
    if (isFailure(error, 'bug') || !isFailure(error)) throw error;
    return { reason: error.code, message: messageOf(error) };
  }
}
