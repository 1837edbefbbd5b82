// Bytes of a file read before they are asked for: a system call costs more than the blocks of a column that it brings. For those
// who read on from where they were; what is read elsewhere goes straight to internal-file.ts. Used by block-container.ts.

import type { InternalFile } from './internal-file.ts';

/** Read at once; a block takes about an eighth of it. */
const AHEAD_BYTES = 128 * 1024;
/** Files that a thread reads side by side, 128 KiB each. */
const WINDOWS = 4;

/** Bytes `start .. end-1` of a file. */
interface Window {
  file: InternalFile | undefined;
  start: number;
  end: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The one used last comes last. */
const windows: Window[] = [];

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

/** Window `index`, or a new one for -1, moved to the end. */
function takeWindow(index: number): Window {
  const isNew = index < 0 && windows.length < WINDOWS;
  const window = isNew
    ? { file: undefined, start: 0, end: 0, bytes: new Uint8Array(AHEAD_BYTES) }
    : windows.splice(Math.max(0, index), 1)[0]!;
  windows.push(window);
  return window;
}
