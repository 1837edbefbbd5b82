// Frees shared memory that nobody refers to any more. V8 counts the bytes of a SharedArrayBuffer for no thread, so that
// a thread that lets go of hundreds of megabytes feels no need to collect, and the memory stays until it does by chance.
// Called where a thread lets go of an index: after a freeze has been persisted.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

let collect: (() => void) | undefined;

/** Collects the garbage of the calling thread: some milliseconds for each ten MiB of its heap. */
export function freeSharedMemory(): void {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    // The name exists in contexts made from now on, of this thread.
    collect = runInNewContext('gc') as () => void;
  }
  collect();
}
