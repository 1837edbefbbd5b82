// Druid's order of strings on their UTF-8 bytes, and packed prefixes that make comparing cheap: most values
// differ in their first six bytes, which fit a double. Used to sort and merge dictionaries.
// Source: druid-segment-format.md 2.3.2.

import type { ByteSlice } from '../view/view.ts';

/** Bytes of a value in one packed prefix: 48 bits, exact in a double. */
export const PREFIX_BYTES = 6;

/**
 * Rank of a byte so that comparing ranks orders like UTF-16 code units: lead bytes f0..f4 (surrogate pairs,
 * d800 and up) come before ee and ef (e000 and up). 0 is left for "no byte", 255 never occurs in UTF-8.
 */
const RANK: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte >= 0xf0 && byte <= 0xf4) return byte - 1;
  if (byte === 0xee || byte === 0xef) return byte + 6;
  return Math.min(byte + 1, 255);
});

/** The packed ranks of up to six bytes from `at`; bytes beyond `end` count as less than any other. */
export function prefixAt(bytes: Uint8Array, at: number, end: number): number {
  if (end - at >= PREFIX_BYTES) {
    const high = (RANK[bytes[at]!]! << 16) | (RANK[bytes[at + 1]!]! << 8) | RANK[bytes[at + 2]!]!;
    const low =
      (RANK[bytes[at + 3]!]! << 16) | (RANK[bytes[at + 4]!]! << 8) | RANK[bytes[at + 5]!]!;
    return high * 16_777_216 + low;
  }
  let packed = 0;
  for (let i = 0; i < PREFIX_BYTES; i++)
    packed = packed * 256 + (at + i < end ? RANK[bytes[at + i]!]! : 0);
  return packed;
}

/** Compares two values. */
export function compareUtf8(a: ByteSlice, b: ByteSlice): number {
  const [aBytes, bBytes] = [a.bytes, b.bytes];
  const shift = b.start - a.start;
  const end = Math.min(a.end, b.end - shift);
  for (let i = a.start; i < end; i++) {
    const [x, y] = [aBytes[i]!, bBytes[i + shift]!];
    if (x !== y) return RANK[x]! - RANK[y]!;
  }
  return a.end - a.start - (b.end - b.start);
}

/** Ranges this short are sorted by insertion. */
const INSERTION_MAX = 16;

/** Sorts `keys[low..high)` ascending, and `items` along with them. Not stable. */
export function sortPairs(keys: Float64Array, items: Int32Array, low: number, high: number): void {
  let from = low;
  let to = high;
  while (to - from > INSERTION_MAX) {
    const pivot = medianOf(keys, from, (from + to) >>> 1, to - 1);
    let left = from;
    let right = to - 1;
    while (left <= right) {
      while (keys[left]! < pivot) left++;
      while (keys[right]! > pivot) right--;
      if (left > right) break;
      swap(keys, items, left, right);
      left++;
      right--;
    }
    // The shorter side by recursion, so that the stack stays below log2 of the length.
    if (right - from < to - left) {
      sortPairs(keys, items, from, right + 1);
      from = left;
    } else {
      sortPairs(keys, items, left, to);
      to = right + 1;
    }
  }
  insertionSort(keys, items, from, to);
}

function medianOf(keys: Float64Array, a: number, b: number, c: number): number {
  const [x, y, z] = [keys[a]!, keys[b]!, keys[c]!];
  return Math.max(Math.min(x, y), Math.min(Math.max(x, y), z));
}

function swap(keys: Float64Array, items: Int32Array, a: number, b: number): void {
  const key = keys[a]!;
  keys[a] = keys[b]!;
  keys[b] = key;
  const item = items[a]!;
  items[a] = items[b]!;
  items[b] = item;
}

function insertionSort(keys: Float64Array, items: Int32Array, low: number, high: number): void {
  for (let i = low + 1; i < high; i++) {
    const key = keys[i]!;
    const item = items[i]!;
    let k = i - 1;
    for (; k >= low && keys[k]! > key; k--) {
      keys[k + 1] = keys[k]!;
      items[k + 1] = items[k]!;
    }
    keys[k + 1] = key;
    items[k + 1] = item;
  }
}
