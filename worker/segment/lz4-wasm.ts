// The LZ4 codec that is used: WebAssembly for blocks up to 64 KiB, which all blocks of a segment are, and the
// plain one beyond. Fed by block readers and writers. One instance a thread.

import { lz4Bound, lz4Compress, lz4Decompress } from './lz4.ts';
import { INPUT, kernel, memory, OUTPUT, OUTPUT_2 } from './kernel.ts';

const INPUT_MAX = kernel.INPUT_MAX.value;
const OUTPUT_MAX = kernel.OUTPUT_MAX.value;
/** Where a block to be unpacked is best read to: it is not copied then. Overwritten by any call of the kernel. */
export const lz4Input: Uint8Array = memory.subarray(INPUT, INPUT + INPUT_MAX);
/** Positions of the small form are 16 bits. */
const SMALL_MAX = 65_536;

/** Views over what was unpacked: nearly all blocks have one length, so that one serves them. */
let output = memory.subarray(OUTPUT, OUTPUT);
let output2 = memory.subarray(OUTPUT_2, OUTPUT_2);

function outputOf(length: number): Uint8Array<ArrayBuffer> {
  if (output.length !== length) output = memory.subarray(OUTPUT, OUTPUT + length);
  return output;
}

/** Unpacks to OUTPUT; what lies in the kernel's memory already is not copied. */
function unpack(src: Uint8Array, limit: number): number {
  const isPlaced = src.buffer === memory.buffer;
  if (!isPlaced) memory.set(src, INPUT);
  return kernel.decompress(isPlaced ? src.byteOffset : INPUT, src.length, limit);
}

/**
 * Decompresses `src` into `dst` from its start.
 *
 * @returns the number of bytes written, or -1 when the block is malformed or does not fit `dst`
 */
export function decompressLz4(src: Uint8Array, dst: Uint8Array): number {
  if (src.length > INPUT_MAX || dst.length > OUTPUT_MAX) {
    return lz4Decompress(src, 0, src.length, dst);
  }
  const length = unpack(src, dst.length);
  if (length > 0) dst.set(outputOf(length));
  return length;
}

/**
 * The decompressed bytes of `src`, where they were made: valid until the next call of the kernel.
 *
 * @returns undefined when the block is malformed or holds more than `lengthMax` bytes, which are at most 65,536
 */
export function peekLz4(src: Uint8Array, lengthMax: number): Uint8Array<ArrayBuffer> | undefined {
  if (src.length > INPUT_MAX || lengthMax > OUTPUT_MAX) return undefined;
  const length = unpack(src, lengthMax);
  return length < 0 ? undefined : outputOf(length);
}

/** As {@link peekLz4}, for the `length` bytes at `at` in the kernel's memory, with 64 more behind them (read-ahead.ts). */
export function peekLz4At(
  at: number,
  length: number,
  lengthMax: number,
): Uint8Array<ArrayBuffer> | undefined {
  if (lengthMax > OUTPUT_MAX) return undefined;
  const got = kernel.decompress(at, length, lengthMax);
  return got < 0 ? undefined : outputOf(got);
}

/** A packed block in the kernel's memory, with 64 bytes behind it, and the bytes it holds: at most 65,536. */
export interface PlacedBlock {
  readonly at: number;
  readonly packed: number;
  readonly length: number;
}

/**
 * As {@link peekLz4At} for two blocks at once, which is quicker. Gives the first; the second is that of {@link secondOfPair}.
 *
 * @returns undefined when one of them is malformed or holds another number of bytes
 */
export function peekLz4Pair(a: PlacedBlock, b: PlacedBlock): Uint8Array<ArrayBuffer> | undefined {
  const isGood = kernel.decompressPair(a.at, a.packed, a.length, b.at, b.packed, b.length);
  return isGood === 0 ? undefined : outputOf(a.length);
}

/** The second block of the last {@link peekLz4Pair}, of `length` bytes. */
export function secondOfPair(length: number): Uint8Array<ArrayBuffer> {
  if (output2.length !== length) output2 = memory.subarray(OUTPUT_2, OUTPUT_2 + length);
  return output2;
}

/**
 * Compresses `src`. Always succeeds: what does not compress becomes literals.
 *
 * @returns the block, valid until the next call
 */
export function compressLz4(src: Uint8Array): Uint8Array {
  if (lz4Bound(src.length) > OUTPUT_MAX) {
    const out = new Uint8Array(lz4Bound(src.length));
    return out.subarray(0, lz4Compress(src, out));
  }
  memory.set(src, INPUT);
  return memory.subarray(OUTPUT, OUTPUT + kernel.compress(src.length));
}

/**
 * Compresses `src`, whose values have `width` bytes, to about what Druid's high compression takes, at about seven times
 * the cost of {@link compressLz4}; with `isMost` to less than that, at thirty times. Blocks beyond 64 KiB are written
 * as there.
 *
 * @returns the block, valid until the next call
 */
export function compressLz4Small(src: Uint8Array, width: number, isMost: boolean): Uint8Array {
  if (src.length > SMALL_MAX) return compressLz4(src);
  memory.set(src, INPUT);
  return memory.subarray(OUTPUT, OUTPUT + kernel.compressSmall(src.length, width, isMost ? 1 : 0));
}
