// Bytes of a file read before they are asked for: a system call costs more than the blocks of a column that it brings. For those
// who read on from where they were; what is read elsewhere goes straight to internal-file.ts. Used by block-container.ts.

import type { InternalFile } from './internal-file.ts';
import { kernel, memory } from './kernel.ts';

/** Read at once; a block takes about an eighth of it. */
const AHEAD_BYTES = 128 * 1024;
const AHEAD = kernel.AHEAD.value;

/** Bytes `start .. end-1` of a file. */
interface Window {
  file: InternalFile | undefined;
  start: number;
  end: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Files that a thread reads side by side. In the kernel's memory, where blocks are unpacked from; the one used last comes last. */
const windows: Window[] = Array.from(
  { length: kernel.AHEAD_MAX.value / AHEAD_BYTES },
  (_, i): Window => {
    const at = AHEAD + i * AHEAD_BYTES;
    return { file: undefined, start: 0, end: 0, bytes: memory.subarray(at, at + AHEAD_BYTES) };
  },
);

/**
 * The `length` bytes at `offset`, and unseen those behind them, up to `end`. Valid until the next call.
 *
 * @throws Failure as {@link InternalFile.readInto}, for any of the bytes up to `end`
 */
export function readOn(
  file: InternalFile,
  offset: number,
  length: number,
  end: number,
): Uint8Array<ArrayBuffer> {
  const found = windows.findIndex(
    (window) => window.file === file && window.start <= offset && offset + length <= window.end,
  );
  if (found < 0 && length > AHEAD_BYTES) return file.read(offset, length);
  const window = takeWindow(found);
  if (found < 0) {
    // Of nobody until it is filled: reading may fail.
    window.file = undefined;
    const size = Math.max(length, Math.min(AHEAD_BYTES, end - offset));
    file.readInto(offset, window.bytes, 0, size);
    window.file = file;
    window.start = offset;
    window.end = offset + size;
  }
  const at = offset - window.start;
  return window.bytes.subarray(at, at + length);
}

/** Window `index`, or for -1 the one not used for longest, moved to the end. */
function takeWindow(index: number): Window {
  const [window] = windows.splice(Math.max(0, index), 1);
  if (window === undefined) throw new TypeError('there are windows');
  windows.push(window);
  return window;
}
