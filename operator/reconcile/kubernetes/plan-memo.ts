// What was read and planned for each resource, kept until something it is made from changes: a look at a resource that
// did not change then costs next to nothing. Losing it costs only time. Used by the controller.

import { ANNOTATIONS } from '../../api/names.ts';
import type { KubeObject } from '../../kube/object.ts';
import { type WantedChildren, wantedChildren } from '../../plan/wanted-children.ts';
import { ownerOf } from '../../plan/wanted-object.ts';
import { connectionsOf } from './children-step.ts';
import type { ControllerParts } from './controller-parts.ts';
import { readSpec, type SpecReading, type UsableSpec } from './spec-reading.ts';

interface Memo {
  readonly of: string;
  readonly reading: SpecReading;
  /** The last children, and what they were made from. */
  children: { readonly of: string; readonly wanted: WantedChildren } | undefined;
}

/** The memory. */
export class PlanMemo {
  readonly #parts: ControllerParts;
  readonly #memos: Map<string, Memo> = new Map();

  constructor(parts: ControllerParts) {
    this.#parts = parts;
  }

  forget(key: string): void {
    this.#memos.delete(key);
  }

  /** The spec to run. */
  reading(key: string, object: KubeObject, revisions: readonly KubeObject[]): SpecReading {
    const { uid, generation } = object.metadata;
    const of = JSON.stringify([uid, generation, revisions.map(({ metadata }) => metadata.name)]);
    const known = this.#memos.get(key);
    if (known?.of === of) return known.reading;
    const reading = readSpec(object, revisions, this.#parts.compile);
    this.#memos.set(key, { of, reading, children: undefined });
    return reading;
  }

  /** The children; call after {@link reading} of the same pass. */
  children(
    key: string,
    object: KubeObject,
    usable: UsableSpec,
    groups: { readonly wanted: readonly string[]; readonly held: readonly string[] },
  ): WantedChildren {
    const restart = object.metadata.annotations?.[ANNOTATIONS.restartRequest];
    const memo = this.#memos.get(key);
    const of = JSON.stringify([restart ?? null, groups]);
    if (memo?.children?.of === of) return memo.children.wanted;
    const owner = ownerOf(object);
    const wanted = wantedChildren({
      owner,
      spec: usable.resource.spec,
      generation: object.metadata.generation ?? 0,
      groups: groups.wanted,
      held: groups.held,
      image: this.#parts.settings.image,
      connections: connectionsOf(this.#parts, owner),
      restart,
    });
    if (memo !== undefined) memo.children = { of, wanted };
    return wanted;
  }
}
