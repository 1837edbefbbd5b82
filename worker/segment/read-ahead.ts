// Bytes of a file read before they are asked for: a system call costs more than the blocks of a column that it brings. For those
// who read on from where they were; what is read elsewhere goes straight to internal-file.ts. Used by block-container.ts.

import type { InternalFile } from './internal-file.ts';
import { kernel, memory } from './kernel.ts';

/** Read at once; a block takes about an eighth of it. */
export const AHEAD_BYTES: number = 128 * 1024;
const AHEAD = kernel.AHEAD.value;

/** Bytes `start .. end-1` of a file, at `at` in the kernel's memory. */
interface Window {
  file: InternalFile | undefined;
  start: number;
  end: number;
  /** When it was used last. */
  turn: number;
  readonly at: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

let turns = 0;

/** Files that a thread reads side by side, in the kernel's memory, where blocks are unpacked from. */
const windows: readonly Window[] = Array.from(
  { length: kernel.AHEAD_MAX.value / AHEAD_BYTES },
  (_, i): Window => {
    const at = AHEAD + i * AHEAD_BYTES;
    const bytes = memory.subarray(at, at + AHEAD_BYTES);
    return { file: undefined, start: 0, end: 0, turn: 0, at, bytes };
  },
);

/**
 * Where in the kernel's memory the `length` bytes at `offset`, at most {@link AHEAD_BYTES}, are until the next call. Unseen those behind
 * them are read along, up to `end`.
 *
 * @throws Failure as {@link InternalFile.readInto}, for any of the bytes up to `end`
 */
export function placeOn(file: InternalFile, offset: number, length: number, end: number): number {
  let window = windows[0]!;
  for (const each of windows) {
    if (each.file === file && each.start <= offset && offset + length <= each.end) {
      each.turn = ++turns;
      return each.at + offset - each.start;
    }
    if (each.turn < window.turn) window = each;
  }
  // Of nobody until it is filled: reading may fail.
  window.file = undefined;
  const size = Math.max(length, Math.min(AHEAD_BYTES, end - offset));
  file.readInto(offset, window.bytes, 0, size);
  window.file = file;
  window.start = offset;
  window.end = offset + size;
  window.turn = ++turns;
  return window.at;
}
