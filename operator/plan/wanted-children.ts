// Everything that is wanted of one ingestion, in one place: configuration, Service, disruption budget, last good spec,
// volumes, pods. Pure; the steps apply it.

import type { RealtimeIngestionSpec } from '../../core/spec/realtime-ingestion.ts';
import type { KubeObject } from '../kube/object.ts';
import type { Owner } from './wanted-object.ts';
import { type WorkerConfig, workerConfig } from './worker-config.ts';
import { disruptionBudget, specRevision, volumeClaim, workerService } from './worker-objects.ts';
import type { WantedPod } from './roll-plan.ts';
import { ANNOTATIONS } from '../api/names.ts';
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
  readonly pods: readonly PodPlan[];
  /** Workers of groups that are not wanted any more, until they have handed over their partitions. */
  readonly leaving: readonly PodPlan[];
}

/** A wanted pod: what is compared at every look, and the whole, made when it is written; ten thousand are many bytes. */
export interface PodPlan extends WantedPod {
  readonly labels: Readonly<Record<string, string>>;
  build(): KubeObject;
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
    pods: groups.map(plan),
    leaving: held.filter((group) => !groups.includes(group)).map(plan),
  };

  function plan(group: string): PodPlan {
    const build = (): KubeObject => workerPod({ ...input, group, config });
    const { name, labels = {}, annotations } = build().metadata;
    return {
      name,
      group,
      labels,
      templateHash: annotations?.[ANNOTATIONS.templateHash] ?? '',
      build,
    };
  }
}
