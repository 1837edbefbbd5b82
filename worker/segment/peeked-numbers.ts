// What is done to the numbers of a block where it was unpacked, before any is copied. Used by number-supplier.ts and
// int-sequence.ts.

import type { TakeBytes } from './block-cache.ts';
import { INPUT, isUnpacked, kernel, memory, OUTPUT } from './kernel.ts';

/** Longs cut to 32 bits at once. */
const NARROWED_MAX = 8192;
const ints = new Int32Array(memory.buffer, INPUT, NARROWED_MAX);

/**
 * The same longs in 32 bits, in memory that `take` gives; undefined when they do not all fit. Fastest for what
 * peekLz4 gave.
 */
export function narrowLongs(
  longs: BigInt64Array,
  take: TakeBytes,
): Int32Array<ArrayBuffer> | undefined {
  const isInPlace = isUnpacked(longs) && longs.length <= NARROWED_MAX;
  let out: Int32Array<ArrayBuffer> | undefined;
  for (let at = 0; at < longs.length; at += NARROWED_MAX) {
    const count = Math.min(NARROWED_MAX, longs.length - at);
    if (!isInPlace)
      memory.set(new Uint8Array(longs.buffer, longs.byteOffset + 8 * at, 8 * count), OUTPUT);
    if (kernel.narrow(isInPlace ? longs.byteOffset : OUTPUT, count) === 0) return undefined;
    out ??= new Int32Array(take(4 * longs.length));
    out.set(count === NARROWED_MAX ? ints : ints.subarray(0, count), at);
  }
  return out ?? new Int32Array(0);
}

/** The sum, wrapping in 64 bits, of longs that peekLz4 gave; undefined for others. */
export function sumPeeked(longs: BigInt64Array): bigint | undefined {
  return isUnpacked(longs) ? kernel.sum(longs.byteOffset, longs.length) : undefined;
}

/** The greatest of numbers of one or two bytes that peekLz4 gave; undefined for others. */
export function greatestPeeked(numbers: Uint8Array | Uint16Array): number | undefined {
  const { byteLength } = numbers;
  if (!isUnpacked(numbers)) return undefined;
  return numbers.BYTES_PER_ELEMENT === 1
    ? kernel.greatestOf8(byteLength)
    : kernel.greatestOf16(byteLength);
}

const masks = new Int32Array(memory.buffer, kernel.SLOTS.value, kernel.SLOTS_MAX.value);

/**
 * The sum, wrapping in 64 bits, of those longs that peekLz4 gave whose bit is set in the first `wordCount` words (bit r & 31 of
 * word r >> 5 for long r); undefined for other longs. No bit beyond the last long is set.
 */
export function sumMaskedPeeked(
  longs: BigInt64Array,
  words: Int32Array,
  wordCount: number,
): bigint | undefined {
  if (!isUnpacked(longs) || wordCount > (longs.length + 31) >> 5) return undefined;
  for (let w = 0; w < wordCount; w++) masks[w] = words[w]!;
  return kernel.sumMasked(longs.byteOffset, wordCount);
}
