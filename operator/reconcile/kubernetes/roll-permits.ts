// How many ingestions may replace healthy workers at once: a new image of the operator's changes all of them, and a mistake
// in it should meet a few first. Who rolls is read from the stored conditions, and from what this process began, so that a
// restart lets nobody in twice. Source: operator.md 1.2.6.

import { type KubeObject, listAt, textAt } from '../../kube/object.ts';
import { keyOf } from '../../kube/object.ts';
import type { ObjectStore } from '../../kube/store.ts';

/** The permits. */
export class RollPermits {
  readonly #ingestions: ObjectStore;
  readonly #most: number;
  readonly #held: Set<string> = new Set();

  /** @param most ingestions at once; Infinity = no limit */
  constructor(ingestions: ObjectStore, most: number) {
    this.#ingestions = ingestions;
    this.#most = most;
  }

  /** Whether the ingestion may replace a healthy worker now; it then counts as rolling until {@link release}. */
  mayRoll(object: KubeObject): boolean {
    const key = keyOf(object);
    if (this.#held.has(key) || this.#most === Infinity) return true;
    const rolling = new Set(this.#held);
    for (const other of this.#ingestions.keys())
      if (other !== key && isRolling(this.#ingestions.get(other))) rolling.add(other);
    if (rolling.size >= this.#most) return false;
    this.#held.add(key);
    return true;
  }

  /** Its workers are all new and ready, or it is stuck, or gone. */
  release(key: string): void {
    this.#held.delete(key);
  }
}

function isRolling(object: KubeObject | undefined): boolean {
  const progress = listAt(object, 'status', 'conditions').find(
    (condition) => textAt(condition, 'type') === 'Progressing',
  );
  return textAt(progress, 'status') === 'True' && textAt(progress, 'reason') === 'Changing';
}
