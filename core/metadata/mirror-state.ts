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
  const entries = new Map<string, Versioned>();
  const ready = Promise.withResolvers<void>();
  let waiters: { readonly revision: number; readonly wake: () => void }[] = [];
  let revision = 0;
  let isConnected = false;
  let isClosed = false;

  function deliver(changes: readonly Change[], upTo: number): void {
    revision = Math.max(revision, upTo);
    if (changes.length > 0) onChange(changes);
    const due = waiters.filter((waiter) => waiter.revision <= revision);
    waiters = waiters.filter((waiter) => waiter.revision > revision);
    for (const waiter of due) waiter.wake();
  }

  function change({ key, entry }: MirrorEvent): Change | undefined {
    const previous = entries.get(key);
    if (entry !== undefined) {
      // A resumed watch may repeat what a list has brought already.
      if (previous !== undefined && previous.modRevision >= entry.modRevision) return undefined;
      entries.set(key, entry);
      return { type: 'put', entry, previous };
    }
    if (previous === undefined) return undefined;
    entries.delete(key);
    return { type: 'delete', previous };
  }

  function applyEvents(events: readonly MirrorEvent[], upTo: number): void {
    // A copy that was listed in between has seen these already.
    if (isClosed || upTo <= revision) return;
    deliver(
      events.map(change).filter((c) => c !== undefined),
      upTo,
    );
  }

  return {
    get isAwaited() {
      return waiters.length > 0;
    },
    apply: applyEvents,
    replace(list, at) {
      if (isClosed) return;
      // A store that went back in time (a restore) is followed: what it says now is the truth.
      if (at <= revision) revision = at - 1;
      const present = new Set(list.map((entry) => entry.key));
      const gone = [...entries.keys()]
        .filter((key) => !present.has(key))
        .map((key) => ({ key, entry: undefined }));
      const put = list
        .toSorted((a, b) => a.modRevision - b.modRevision)
        .map((entry) => ({ key: entry.key, entry }));
      applyEvents([...gone, ...put], at);
      ready.resolve();
    },
    setConnected(value) {
      isConnected = value;
    },
    mirror: {
      ready: ready.promise,
      entries: () => entries,
      get: (key) => entries.get(key),
      revision: () => revision,
      isConnected: () => isConnected,
      async caughtUp(wanted, timeoutMs) {
        if (revision >= wanted) return;
        const { promise, resolve } = Promise.withResolvers<void>();
        const waiter = { revision: wanted, wake: resolve };
        waiters.push(waiter);
        hooks.onBehind();
        try {
          await withTimeout(promise, timeoutMs, hooks.clock, () => {
            return new Failure(
              'transient',
              'WatchBehind',
              `the watch stands at revision ${revision}, not yet at ${wanted}, after ${timeoutMs} ms`,
            );
          });
        } finally {
          waiters = waiters.filter((other) => other !== waiter);
        }
      },
      close() {
        if (isClosed) return;
        isClosed = true;
        isConnected = false;
        hooks.onClose();
      },
    },
  };
}
