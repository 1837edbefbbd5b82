// What sources have read and nobody has taken yet: bounded in bytes, so that reading stops when the reader does.

import type { Fetched } from './port.ts';

/** Between the loops that read and the caller of `next`. */
export interface FetchedQueue {
  push(fetched: Fetched): void;
  /** All there is; waits for something, or until the signal aborts ([]) or the queue is closed ([]). */
  take(signal: AbortSignal): Promise<readonly Fetched[]>;
  /** Bytes that may still be read. Not above 0 = stop reading. */
  room(): number;
  /** Resolves once there is room, or the signal aborts. */
  untilRoom(signal: AbortSignal): Promise<void>;
  /** Forgets what was read of a partition. Returns the sets, whose buffers can be reused. */
  drop(partition: number): readonly Fetched[];
  close(): void;
}

/** A queue of at most `bytesMax` bytes and one set. */
export function createFetchedQueue(bytesMax: number): FetchedQueue {
  let items: Fetched[] = [];
  let bytes = 0;
  let isClosed = false;
  let changed = Promise.withResolvers<void>();
  const notify = (): void => {
    changed.resolve();
    changed = Promise.withResolvers<void>();
  };
  const sizeOf = (fetched: Fetched): number =>
    fetched.kind === 'records' ? fetched.set.bytes.length : 0;

  async function until(condition: () => boolean, signal: AbortSignal): Promise<void> {
    while (!condition() && !signal.aborted && !isClosed) await orAbort(changed.promise, signal);
  }

  return {
    push(fetched) {
      items.push(fetched);
      bytes += sizeOf(fetched);
      notify();
    },
    async take(signal) {
      await until(() => items.length > 0, signal);
      if (signal.aborted) return [];
      const taken = items;
      items = [];
      bytes = 0;
      notify();
      return taken;
    },
    room: () => bytesMax - bytes,
    untilRoom: (signal) => until(() => bytes < bytesMax, signal),
    drop(partition) {
      const isOf = (f: Fetched): boolean =>
        (f.kind === 'records' ? f.set.partition : f.stop.partition) === partition;
      const dropped = items.filter(isOf);
      items = items.filter((fetched) => !isOf(fetched));
      bytes = items.reduce((sum, fetched) => sum + sizeOf(fetched), 0);
      if (dropped.length > 0) notify();
      return dropped;
    },
    close() {
      isClosed = true;
      items = [];
      bytes = 0;
      notify();
    },
  };
}

/** Resolves with the promise or on abort; leaves no listener behind. */
export function orAbort(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      signal.removeEventListener('abort', finish);
      resolve();
    };
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', finish);
    promise.then(finish, finish);
  });
}
