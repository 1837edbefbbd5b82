// The LZ4 codec that is used: WebAssembly for blocks up to 64 KiB, which all blocks of a segment are, and the
// plain one beyond. Fed by block readers and writers. One instance a thread.

import { LZ4_WASM_BASE64 } from './generated/lz4.ts';
import type { TakeBytes } from './block-cache.ts';
import { lz4Bound, lz4Compress, lz4Decompress } from './lz4.ts';

/** The exports of wasm/lz4.as. Memory never grows, so its buffer stays the same. */
interface Lz4Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly INPUT: { readonly value: number };
  readonly OUTPUT: { readonly value: number };
  readonly INPUT_MAX: { readonly value: number };
  readonly OUTPUT_MAX: { readonly value: number };
  decompress(length: number, limit: number): number;
  narrow(count: number): number;
  sum(count: number): number;
  greatestOf8(length: number): number;
  greatestOf16(length: number): number;
  compress(length: number): number;
  compressSmall(length: number, width: number, isMost: number): number;
}

/** The part of WebAssembly used here: the type library of Node alone does not declare its values. */
interface WasmRuntime {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
}

function instantiate(): Lz4Exports {
  const { WebAssembly: wasm } = globalThis as unknown as { readonly WebAssembly: WasmRuntime };
  const module = new wasm.Module(Buffer.from(LZ4_WASM_BASE64, 'base64'));
  const imports = { env: { abort: () => undefined } };
  return new wasm.Instance(module, imports).exports as Lz4Exports;
}

const codec = instantiate();
const memory = new Uint8Array(codec.memory.buffer);
const INPUT = codec.INPUT.value;
const OUTPUT = codec.OUTPUT.value;
const INPUT_MAX = codec.INPUT_MAX.value;
const OUTPUT_MAX = codec.OUTPUT_MAX.value;
/** Where a block to be unpacked is best read to: it is not copied then. Overwritten by any function of this file. */
export const lz4Input: Uint8Array = memory.subarray(INPUT, INPUT + INPUT_MAX);
/** Positions of the small form are 16 bits. */
const SMALL_MAX = 65_536;

function placeInput(src: Uint8Array): void {
  if (src.buffer !== memory.buffer || src.byteOffset !== INPUT) memory.set(src, INPUT);
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
  placeInput(src);
  const length = codec.decompress(src.length, dst.length);
  if (length > 0) dst.set(memory.subarray(OUTPUT, OUTPUT + length));
  return length;
}

/**
 * The decompressed bytes of `src`, where they were made: valid until the next call of any function of this file.
 *
 * @returns undefined when the block is malformed or holds more than `lengthMax` bytes, which are at most 65,536
 */
export function peekLz4(src: Uint8Array, lengthMax: number): Uint8Array<ArrayBuffer> | undefined {
  if (src.length > INPUT_MAX || lengthMax > OUTPUT_MAX) return undefined;
  placeInput(src);
  const length = codec.decompress(src.length, lengthMax);
  return length < 0 ? undefined : memory.subarray(OUTPUT, OUTPUT + length);
}

/** Longs cut to 32 bits at once. */
const NARROWED_MAX = 8192;
const ints = new Int32Array(codec.memory.buffer, INPUT, NARROWED_MAX);

/**
 * The same longs in 32 bits, in memory that `take` gives; undefined when they do not all fit. Fastest for what
 * {@link peekLz4} gave.
 */
export function narrowLongs(
  longs: BigInt64Array,
  take: TakeBytes,
): Int32Array<ArrayBuffer> | undefined {
  const isInPlace = isOutput(longs) && longs.length <= NARROWED_MAX;
  let out: Int32Array<ArrayBuffer> | undefined;
  for (let at = 0; at < longs.length; at += NARROWED_MAX) {
    const count = Math.min(NARROWED_MAX, longs.length - at);
    if (!isInPlace)
      memory.set(new Uint8Array(longs.buffer, longs.byteOffset + 8 * at, 8 * count), OUTPUT);
    if (codec.narrow(count) === 0) return undefined;
    out ??= new Int32Array(take(4 * longs.length));
    out.set(count === NARROWED_MAX ? ints : ints.subarray(0, count), at);
  }
  return out ?? new Int32Array(0);
}

/** The sum of longs that {@link peekLz4} gave, NaN unless all fit 32 bits; undefined for others. */
export function sumPeeked(longs: BigInt64Array): number | undefined {
  return isOutput(longs) ? codec.sum(longs.length) : undefined;
}

/** The greatest of numbers of one or two bytes that {@link peekLz4} gave; undefined for others. */
export function greatestPeeked(numbers: Uint8Array | Uint16Array): number | undefined {
  if (!isOutput(numbers)) return undefined;
  const { byteLength } = numbers;
  return numbers.BYTES_PER_ELEMENT === 1
    ? codec.greatestOf8(byteLength)
    : codec.greatestOf16(byteLength);
}

function isOutput({ buffer, byteOffset }: ArrayBufferView): boolean {
  return buffer === memory.buffer && byteOffset === OUTPUT;
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
  return memory.subarray(OUTPUT, OUTPUT + codec.compress(src.length));
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
  return memory.subarray(OUTPUT, OUTPUT + codec.compressSmall(src.length, width, isMost ? 1 : 0));
}
