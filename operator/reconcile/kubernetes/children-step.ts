// Applies what stands beside the pods: configuration, connections, Service, disruption budget, volumes, the last good
// spec; and removes what an older configuration left. Each is tried whatever became of the others (B20).

import { Failure } from '../../../core/runtime/failure.ts';
import type { KubeObject } from '../../kube/object.ts';
import { connectionsName, connectionsSecret } from '../../plan/worker-objects.ts';
import type { WantedChildren } from '../../plan/wanted-children.ts';
import type { Owner } from '../../plan/wanted-object.ts';
import type { ControllerParts } from './controller-parts.ts';
import { type ChildKind, KINDS } from './kinds.ts';
import type { SpecReading } from './spec-reading.ts';

/** What the step works on. */
export interface ChildrenStep {
  readonly parts: ControllerParts;
  readonly owner: Owner;
  readonly reading: SpecReading;
  readonly wanted: WantedChildren;
  readonly signal: AbortSignal;
}

/** Runs the step; resolves with what failed. Fenced failures are thrown. */
export async function applyChildren(input: ChildrenStep): Promise<readonly Failure[]> {
  const { reading, wanted } = input;
  const steps: (() => Promise<unknown>)[] = [
    () => apply(input, 'configMaps', wanted.config.configMap),
    () => apply(input, 'services', wanted.service),
    () => apply(input, 'budgets', wanted.budget),
    () => copyConnections(input),
    ...wanted.claims.map((claim) => () => apply(input, 'claims', claim)),
  ];
  // A revision that runs because the newest is invalid is already stored.
  if (!reading.isLastGood) steps.push(() => keepRevision(input, wanted.revision));
  return collect(steps);
}

/** Removes configurations and claims that no pod uses any more. Run when nothing is under way. */
export async function sweepChildren(
  input: ChildrenStep,
  used: ReadonlySet<string>,
): Promise<readonly Failure[]> {
  const { parts, owner, wanted, signal } = input;
  const { writer, caches } = parts;
  const configs = caches
    .children('configMaps', owner.uid)
    .filter(({ metadata }) => metadata.name !== wanted.config.name && !used.has(metadata.name));
  const kept = new Set(wanted.claims.map(({ metadata }) => metadata.name));
  const claims = caches
    .children('claims', owner.uid)
    .filter(({ metadata }) => !kept.has(metadata.name) && metadata.deletionTimestamp === undefined);
  return collect([
    ...configs.map((object) => () => writer.delete(KINDS.configMaps, object, {}, signal)),
    ...claims.map((object) => () => writer.delete(KINDS.claims, object, {}, signal)),
  ]);
}

function apply(input: ChildrenStep, kind: ChildKind, wanted: KubeObject): Promise<string> {
  const { parts, owner, signal } = input;
  const known = parts.caches
    .children(kind, owner.uid)
    .find(({ metadata }) => metadata.name === wanted.metadata.name);
  return parts.writer.apply(KINDS[kind], wanted, known, signal);
}

async function copyConnections(input: ChildrenStep): Promise<void> {
  const { parts, owner, signal } = input;
  const { connectionsSecretName: source, namespace } = parts.settings;
  if (source === undefined) return;
  const data = await parts.secrets.data(namespace, source, signal);
  if (data === undefined)
    throw new Failure(
      'config',
      'SecretMissing',
      `secret ${source}: does not exist in namespace ${namespace}; create it with the key connections.yaml`,
    );
  await apply(input, 'secrets', connectionsSecret(owner, data));
}

async function keepRevision(input: ChildrenStep, wanted: KubeObject): Promise<void> {
  const { parts, owner, signal } = input;
  const known = parts.caches.children('revisions', owner.uid);
  const same = known.find(({ metadata }) => metadata.name === wanted.metadata.name);
  // Its data cannot change, and its number need not.
  if (same === undefined) await parts.writer.apply(KINDS.revisions, wanted, undefined, signal);
  for (const old of known)
    if (old.metadata.name !== wanted.metadata.name)
      await parts.writer.delete(KINDS.revisions, old, {}, signal);
}

/** Name of the Secret that pods mount, where there is one. */
export function connectionsOf(parts: ControllerParts, owner: Owner): string | undefined {
  return parts.settings.connectionsSecretName === undefined
    ? undefined
    : connectionsName(owner.name);
}

async function collect(steps: readonly (() => Promise<unknown>)[]): Promise<readonly Failure[]> {
  const failures: Failure[] = [];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      if (!(error instanceof Failure) || error.kind === 'fenced' || error.kind === 'bug')
        throw error;
      failures.push(error);
    }
  }
  return failures;
}
