// The WebAssembly module of segments: an instance a thread, its memory laid out by wasm/layout.as. Used by lz4-wasm.ts,
// peeked-numbers.ts and slot-sums.ts.

import { KERNEL_BASE64 } from './generated/kernel.ts';

/** A number of the memory's layout. */
interface Constant {
  readonly value: number;
}

/** The exports of wasm/kernel.as, which has the comments. Memory never grows, so its buffer stays the same. */
interface Kernel {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly AHEAD: Constant;
  readonly AHEAD_MAX: Constant;
  readonly INPUT: Constant;
  readonly INPUT_MAX: Constant;
  readonly OUTPUT: Constant;
  readonly OUTPUT_2: Constant;
  readonly OUTPUT_MAX: Constant;
  readonly SLOTS: Constant;
  readonly SLOTS_MAX: Constant;
  readonly SUMS: Constant;
  readonly SUMS_MAX: Constant;
  decompress(at: number, length: number, limit: number): number;
  decompressPair(
    at: number,
    length: number,
    limit: number,
    at2: number,
    length2: number,
    limit2: number,
  ): number;
  compress(length: number): number;
  compressSmall(length: number, width: number, isMost: number): number;
  narrow(at: number, count: number): number;
  sum(at: number, count: number): bigint;
  sumMasked(at: number, words: number): bigint;
  greatestOf8(length: number): number;
  greatestOf16(length: number): number;
  areLongsWithin(at: number, count: number, power: number): number;
  areIntsWithin(count: number, power: number): number;
  addLongs(at: number, count: number): void;
  addInts(count: number): void;
}

/** The part of WebAssembly used here: the type library of Node alone does not declare its values. */
interface WasmRuntime {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
}

function instantiate(): Kernel {
  const { WebAssembly: wasm } = globalThis as unknown as { readonly WebAssembly: WasmRuntime };
  const module = new wasm.Module(Buffer.from(KERNEL_BASE64, 'base64'));
  const imports = { env: { abort: () => undefined } };
  return new wasm.Instance(module, imports).exports as Kernel;
}

/** Its functions. */
export const kernel: Kernel = instantiate();
/** Its memory. */
export const memory: Uint8Array<ArrayBuffer> = new Uint8Array(kernel.memory.buffer);
/** Where input lies in it. */
export const INPUT: number = kernel.INPUT.value;
/** Where blocks are unpacked. */
export const OUTPUT: number = kernel.OUTPUT.value;

/** Where a second one is unpacked along with it. */
export const OUTPUT_2: number = kernel.OUTPUT_2.value;

/** True for bytes that lie where blocks are unpacked. */
export function isUnpacked({ buffer, byteOffset }: ArrayBufferView): boolean {
  return buffer === memory.buffer && (byteOffset === OUTPUT || byteOffset === OUTPUT_2);
}
