// The caches of a controller: the resource and each kind of child, children filtered by label. What changed is turned
// into keys for the queue: level, not edge; own status writes ask for nothing. Source: operator.md B1, B3, 1.2.9.

import type { Clock } from '../../../core/runtime/clock.ts';
import type { Logger } from '../../../core/runtime/log.ts';
import { CHILDREN_SELECTOR } from '../../api/names.ts';
import type { KubeClient } from '../../kube/client.ts';
import { controllerOf, type KubeObject } from '../../kube/object.ts';
import { Reflector } from '../../kube/reflector.ts';
import type { Resource } from '../../kube/resource.ts';
import type { ObjectChange, ObjectStore } from '../../kube/store.ts';
import type { Priority } from '../../kube/work-queue.ts';
import { essentialsOf } from '../../plan/observed-pod.ts';
import { type ChildKind, INGESTIONS, KINDS } from './kinds.ts';

/** All caches. */
export class Caches {
  readonly ingestions: ObjectStore;
  readonly #reflectors: ReadonlyMap<string, Reflector>;
  readonly #children: ReadonlyMap<ChildKind, ObjectStore>;

  constructor(options: {
    readonly client: KubeClient;
    readonly clock: Clock;
    readonly log: Logger;
    readonly namespace: string;
    /** Uniform in [0, 1). */
    readonly random: () => number;
    readonly ask: (key: string, priority: Priority) => void;
  }) {
    const { ask } = options;
    const own = new Reflector({ ...options, resource: INGESTIONS });
    this.ingestions = own.store;
    own.store.onChange((change) => {
      if (isAskedByUser(change)) ask(change.key, 'user');
    });
    const reflectors = new Map([['ingestions', own]]);
    const children = new Map<ChildKind, ObjectStore>();
    for (const [name, resource] of Object.entries(KINDS) as [ChildKind, Resource][]) {
      const reflector = new Reflector({
        ...options,
        resource,
        labelSelector: CHILDREN_SELECTOR,
        ...(name === 'pods' ? { keep: essentialsOf } : {}),
      });
      reflector.store.onChange(({ before, after }) => {
        const key = ownerKey(after ?? before);
        if (key !== undefined) ask(key, 'child');
      });
      reflectors.set(name, reflector);
      children.set(name, reflector.store);
    }
    this.#reflectors = reflectors;
    this.#children = children;
  }

  /** Children of a kind that belong to the resource of this uid. */
  children(kind: ChildKind, uid: string): readonly KubeObject[] {
    return this.#children.get(kind)?.controlledBy(uid) ?? [];
  }

  /** Resolves when every kind was listed once: before that nothing may be decided (B10). */
  async synced(): Promise<void> {
    await Promise.all([...this.#reflectors.values()].map((reflector) => reflector.synced));
  }

  /** Kinds that were not listed yet. */
  missing(): readonly string[] {
    return [...this.#reflectors].filter(([, r]) => !r.isSynced).map(([name]) => name);
  }

  /** Lists and watches of each kind so far, and how long its server has been silent. */
  figures(): ReadonlyMap<string, ReturnType<Reflector['figures']>> {
    return new Map([...this.#reflectors].map(([name, r]) => [name, r.figures()]));
  }

  /** Follows the server until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([...this.#reflectors.values()].map((reflector) => reflector.run(signal)));
  }
}

/** What a user can change; a status alone never asks for a pass. */
function isAskedByUser({ before, after }: ObjectChange): boolean {
  if (before === undefined || after === undefined) return true;
  const seen = ({ metadata }: KubeObject): string =>
    JSON.stringify([
      metadata.uid,
      metadata.generation,
      metadata.labels,
      metadata.annotations,
      metadata.finalizers,
      metadata.deletionTimestamp,
    ]);
  return seen(before) !== seen(after);
}

function ownerKey(child: KubeObject | undefined): string | undefined {
  const owner = child === undefined ? undefined : controllerOf(child);
  if (owner === undefined || owner.kind !== INGESTIONS.kind) return undefined;
  return `${child?.metadata.namespace}/${owner.name}`;
}
