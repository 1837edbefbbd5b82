// Queries running on this server by id, so that DELETE /druid/v2/<id> reaches them. Source: druid-query-api.md 2.1.

import type { QueryHandle } from './node-query.ts';

/** The running queries of a server. */
export class RunningQueries {
  readonly #byId: Map<string, Set<QueryHandle>> = new Map();
  #anonymous = 0;

  get size(): number {
    return this.#anonymous + [...this.#byId.values()].reduce((sum, set) => sum + set.size, 0);
  }

  /** Registers a query; the returned function ends it. */
  add(id: string | null, handle: QueryHandle): () => void {
    if (id === null) this.#anonymous++;
    else this.#of(id).add(handle);
    let isDone = false;
    return () => {
      if (isDone) return;
      isDone = true;
      handle.close();
      if (id === null) {
        this.#anonymous--;
        return;
      }
      const set = this.#of(id);
      set.delete(handle);
      if (set.size === 0) this.#byId.delete(id);
    };
  }

  /** Cancels every query of that id; unknown ids are fine. */
  cancel(id: string): void {
    for (const handle of this.#byId.get(id) ?? []) handle.cancel();
  }

  #of(id: string): Set<QueryHandle> {
    let set = this.#byId.get(id);
    if (set === undefined) {
      set = new Set();
      this.#byId.set(id, set);
    }
    return set;
  }
}
