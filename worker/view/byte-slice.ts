// Slices of bytes without a view of each: what readers and writers of dictionary values hand to one another.

import type { ByteSlice } from './view.ts';

/** A slice of nothing, to be filled. */
export function emptySlice(): ByteSlice {
  return { bytes: new Uint8Array(0), start: 0, end: 0 };
}

/** Points `slice` at all of `bytes`. */
export function pointAt(slice: ByteSlice, bytes: Uint8Array): void {
  slice.bytes = bytes;
  slice.start = 0;
  slice.end = bytes.length;
}

/** Up to here copying in a loop costs less than a view of the bytes. */
const SHORT_BYTES = 48;

/** Copies `bytes[start..end)` to `out[at..)`. */
export function copyRange(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  at: number,
): void {
  if (end - start > SHORT_BYTES) {
    out.set(bytes.subarray(start, end), at);
    return;
  }
  let to = at;
  for (let i = start; i < end; i++) out[to++] = bytes[i]!;
}
