// The inside of a mirror that all stores share: the copy, its revision, and who waits for it to catch up.
// Adapters feed it events or whole lists; it tells the difference to the mirror's owner.

import type { Clock } from '../runtime/clock.ts';
import { Failure } from '../runtime/failure.ts';
import { withTimeout } from '../runtime/timeout.ts';
import type { Change, Mirror, Versioned } from './port.ts';

/** One event of a store: the entry now at a key, or its absence. */
export interface MirrorEvent {
  readonly key: string;
  /** Undefined when the key was deleted. */
  readonly entry: Versioned | undefined;
}

/** A mirror and the handles by which an adapter feeds it. */
export interface MirrorState {
  readonly mirror: Mirror;
  /** Events in revision order, all of a revision together; then the copy stands at `revision`. */
  apply(events: readonly MirrorEvent[], revision: number): void;
  /** The whole content at `revision`: what differs from the copy is delivered as changes. */
  replace(entries: readonly Versioned[], revision: number): void;
  setConnected(isConnected: boolean): void;
  /** True while somebody waits for a revision. */
  readonly isAwaited: boolean;
}

/** What the adapter does when the owner closes the mirror, or waits for a revision that has not come. */
export interface MirrorHooks {
  readonly clock: Clock;
  readonly onClose: () => void;
  /** Asks the store for a sign of progress. */
  readonly onBehind: () => void;
}

/** Builds an empty mirror at revision 0. */
export function createMirrorState(
  onChange: (changes: readonly Change[]) => void,
  hooks: MirrorHooks,
): MirrorState {
  const copy = new MirrorCopy(onChange, hooks);
  return {
    mirror: copy,
    apply: (events, revision) => copy.apply(events, revision),
    replace: (entries, revision) => copy.replace(entries, revision),
    setConnected: (isConnected) => copy.setConnected(isConnected),
    get isAwaited() {
      return copy.isAwaited;
    },
  };
}

class MirrorCopy implements Mirror {
  readonly #onChange: (changes: readonly Change[]) => void;
  readonly #hooks: MirrorHooks;
  readonly #entries = new Map<string, Versioned>();
  readonly #ready = Promise.withResolvers<void>();
  #waiters: { readonly revision: number; readonly wake: () => void }[] = [];
  #revision = 0;
  #isConnected = false;
  #isClosed = false;

  constructor(onChange: (changes: readonly Change[]) => void, hooks: MirrorHooks) {
    this.#onChange = onChange;
    this.#hooks = hooks;
  }

  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  get isAwaited(): boolean {
    return this.#waiters.length > 0;
  }

  entries(): ReadonlyMap<string, Versioned> {
    return this.#entries;
  }

  get(key: string): Versioned | undefined {
    return this.#entries.get(key);
  }

  revision(): number {
    return this.#revision;
  }

  isConnected(): boolean {
    return this.#isConnected;
  }

  setConnected(isConnected: boolean): void {
    this.#isConnected = isConnected && !this.#isClosed;
  }

  apply(events: readonly MirrorEvent[], upTo: number): void {
    // A copy that was listed in between has seen these already.
    if (this.#isClosed || upTo <= this.#revision) return;
    this.#deliver(events, upTo);
  }

  replace(list: readonly Versioned[], at: number): void {
    if (this.#isClosed) return;
    const present = new Set(list.map((entry) => entry.key));
    const gone = [...this.#entries.keys()].filter((key) => !present.has(key));
    const put = list.toSorted((a, b) => a.modRevision - b.modRevision);
    // A store that went back in time (a restore) is followed: what it says now is the truth.
    this.#deliver(
      [
        ...gone.map((key) => ({ key, entry: undefined })),
        ...put.map((entry) => ({ key: entry.key, entry })),
      ],
      at,
    );
    this.#ready.resolve();
  }

  #deliver(events: readonly MirrorEvent[], revision: number): void {
    const changes = events
      .map((event) => this.#change(event))
      .filter((change) => change !== undefined);
    this.#revision = revision;
    if (changes.length > 0) this.#onChange(changes);
    const due = this.#waiters.filter((waiter) => waiter.revision <= revision);
    this.#waiters = this.#waiters.filter((waiter) => waiter.revision > revision);
    for (const waiter of due) waiter.wake();
  }

  /** Undefined when the copy has it already. */
  #change({ key, entry }: MirrorEvent): Change | undefined {
    const previous = this.#entries.get(key);
    if (entry !== undefined) {
      if (previous?.modRevision === entry.modRevision) return undefined;
      this.#entries.set(key, entry);
      return { type: 'put', entry, previous };
    }
    if (previous === undefined) return undefined;
    this.#entries.delete(key);
    return { type: 'delete', previous };
  }

  async caughtUp(wanted: number, timeoutMs: number): Promise<void> {
    if (this.#revision >= wanted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiter = { revision: wanted, wake: resolve };
    this.#waiters.push(waiter);
    this.#hooks.onBehind();
    try {
      await withTimeout(promise, timeoutMs, this.#hooks.clock, () => {
        const text = `the watch stands at revision ${this.#revision}, not yet at ${wanted}, after ${timeoutMs} ms`;
        return new Failure('transient', 'WatchBehind', text);
      });
    } finally {
      this.#waiters = this.#waiters.filter((other) => other !== waiter);
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#isConnected = false;
    this.#hooks.onClose();
  }
}
