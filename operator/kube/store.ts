// The cache of one kind: raw objects by key, with an index by owner. Written by its reflector alone, read by passes.

import { controllerOf, keyOf, type KubeObject, withoutBallast } from './object.ts';

/** What happened to an object. `before` and `after` tell which: both for an update. */
export interface ObjectChange {
  readonly key: string;
  readonly before: KubeObject | undefined;
  readonly after: KubeObject | undefined;
}

/** A cache. Objects in it are never changed in place. */
export class ObjectStore {
  readonly #objects: Map<string, KubeObject> = new Map();
  readonly #byOwner: Map<string, Set<string>> = new Map();
  readonly #listeners: ((change: ObjectChange) => void)[] = [];
  readonly #keep: (object: KubeObject) => KubeObject;

  /** @param keep what is kept of an object; default all but its ballast */
  constructor(keep: (object: KubeObject) => KubeObject = (object) => object) {
    this.#keep = keep;
  }

  /** Calls `listener` after each change, in order. */
  onChange(listener: (change: ObjectChange) => void): void {
    this.#listeners.push(listener);
  }

  get(key: string): KubeObject | undefined {
    return this.#objects.get(key);
  }

  get size(): number {
    return this.#objects.size;
  }

  keys(): readonly string[] {
    return [...this.#objects.keys()];
  }

  /** Objects that the owner of this uid controls, by name. */
  controlledBy(uid: string): readonly KubeObject[] {
    const keys = [...(this.#byOwner.get(uid) ?? [])].toSorted();
    return keys.flatMap((key) => this.#objects.get(key) ?? []);
  }

  put(object: KubeObject): void {
    const after = this.#keep(withoutBallast(object));
    const key = keyOf(after);
    const before = this.#objects.get(key);
    this.#unlink(key, before);
    this.#objects.set(key, after);
    const owner = controllerOf(after)?.uid;
    if (owner !== undefined) {
      const keys = this.#byOwner.get(owner) ?? new Set();
      this.#byOwner.set(owner, keys.add(key));
    }
    this.#tell({ key, before, after });
  }

  delete(key: string): void {
    const before = this.#objects.get(key);
    if (before === undefined) return;
    this.#unlink(key, before);
    this.#objects.delete(key);
    this.#tell({ key, before, after: undefined });
  }

  /** Makes the cache equal to a complete list: what is missing there was deleted unseen. */
  replace(objects: readonly KubeObject[]): void {
    const listed = new Set(objects.map(keyOf));
    for (const key of this.keys()) if (!listed.has(key)) this.delete(key);
    for (const object of objects) {
      const known = this.#objects.get(keyOf(object));
      if (
        known?.metadata.resourceVersion !== object.metadata.resourceVersion ||
        known === undefined
      )
        this.put(object);
    }
  }

  #unlink(key: string, object: KubeObject | undefined): void {
    const owner = object === undefined ? undefined : controllerOf(object)?.uid;
    if (owner === undefined) return;
    const keys = this.#byOwner.get(owner);
    keys?.delete(key);
    if (keys?.size === 0) this.#byOwner.delete(owner);
  }

  #tell(change: ObjectChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}
