// The resource as the API server has it -> the ingestion to run: this generation, or the last good one where this one is
// invalid. The last good spec is a ControllerRevision. Source: operator.md 1.2.1, architecture.md I5.

import { isFailure, messageOf } from '../../../core/runtime/failure.ts';
import type { CompiledIngestion } from '../../../core/spec/compiled.ts';
import type { RealtimeIngestion } from '../../../core/spec/realtime-ingestion.ts';
import { validateIngestion } from '../../../core/spec/validate.ts';
import { field, type KubeObject } from '../../kube/object.ts';
import type { Trouble } from '../../plan/status-plan.ts';

/** Checks and compiles beyond the schema; lent by the composition root. @throws Failure `config` */
export type Compile = (resource: RealtimeIngestion) => CompiledIngestion;

/** A resource that can be run. */
export interface UsableSpec {
  readonly resource: RealtimeIngestion;
  readonly ingestion: CompiledIngestion;
}

/** What a pass goes by. */
export interface SpecReading {
  readonly usable: UsableSpec | undefined;
  /** True when `usable` is an older spec. */
  readonly isLastGood: boolean;
  readonly invalid: Trouble | undefined;
}

/** Reads a resource; `revisions` are those it owns. */
export function readSpec(
  object: KubeObject,
  revisions: readonly KubeObject[],
  compile: Compile,
): SpecReading {
  const now = check(object, object['spec'], compile);
  if (!('reason' in now)) return { usable: now, isLastGood: false, invalid: undefined };
  const newest = revisions.toSorted((a, b) => revisionOf(b) - revisionOf(a));
  for (const revision of newest) {
    const last = check(object, field(revision, 'data', 'spec'), compile);
    if (!('reason' in last)) return { usable: last, isLastGood: true, invalid: now };
  }
  return { usable: undefined, isLastGood: false, invalid: now };
}

function revisionOf(object: KubeObject): number {
  return Number(object['revision'] ?? 0);
}

function check(object: KubeObject, spec: unknown, compile: Compile): UsableSpec | Trouble {
  const { namespace = 'default', name } = object.metadata;
  const { apiVersion, kind } = object;
  const { resource, problems } = validateIngestion({
    apiVersion,
    kind,
    metadata: { namespace, name },
    spec,
  });
  if (resource === undefined) {
    const text = problems.map((p) => `${p.field}: ${p.message}`).join('; ');
    return { reason: 'SpecInvalid', message: text };
  }
  if (resource.spec.source.kafka === undefined)
    return {
      reason: 'SpecInvalid',
      message: 'spec.source.file: is read by `sluice local` only; on Kubernetes use kafka',
    };
  try {
    return { resource, ingestion: compile(resource) };
  } catch (error) {
    if (!isFailure(error, 'config')) throw error;
    return { reason: 'SpecInvalid', message: messageOf(error) };
  }
}
