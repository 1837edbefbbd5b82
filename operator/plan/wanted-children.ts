// Everything that is wanted of one ingestion, in one place: configuration, Service, disruption budget, last good spec,
// volumes, pods. Pure; the steps apply it.

import type { RealtimeIngestionSpec } from '../../core/spec/realtime-ingestion.ts';
import type { KubeObject } from '../kube/object.ts';
import type { Owner } from './wanted-object.ts';
import { type WorkerConfig, workerConfig } from './worker-config.ts';
import { disruptionBudget, specRevision, volumeClaim, workerService } from './worker-objects.ts';
import { workerPod } from './worker-pod.ts';

/** What children are made from. */
export interface ChildrenInput {
  readonly owner: Owner;
  readonly spec: RealtimeIngestionSpec;
  readonly generation: number;
  /** Groups that want a pod. */
  readonly groups: readonly string[];
  /** Groups that still own partitions: their volumes stay. */
  readonly held: readonly string[];
  readonly image: string;
  readonly connections: string | undefined;
  readonly restart: string | undefined;
}

/** The children. */
export interface WantedChildren {
  readonly config: WorkerConfig;
  readonly service: KubeObject;
  readonly budget: KubeObject;
  readonly revision: KubeObject;
  readonly claims: readonly KubeObject[];
  readonly pods: readonly KubeObject[];
  /** Workers of groups that are not wanted any more, until they have handed over their partitions. */
  readonly leaving: readonly KubeObject[];
}

/** Builds them. */
export function wantedChildren(input: ChildrenInput): WantedChildren {
  const { owner, spec, groups, held } = input;
  const config = workerConfig(owner, spec);
  return {
    config,
    service: workerService(owner),
    budget: disruptionBudget(owner),
    revision: specRevision(owner, spec, input.generation),
    claims: [...new Set([...groups, ...held])].flatMap(
      (group) => volumeClaim(owner, spec, group) ?? [],
    ),
    pods: groups.map((group) => workerPod({ ...input, group, config })),
    leaving: held
      .filter((group) => !groups.includes(group))
      .map((group) => workerPod({ ...input, group, config })),
  };
}
