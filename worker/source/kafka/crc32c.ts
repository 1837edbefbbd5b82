// CRC-32C of record batches, in a small wasm module (source in wasm/, built into generated/).

import { CRC32C_WASM } from './generated/crc32c-wasm.ts';

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  init(): void;
  buffer(length: number): number;
  checksum(length: number): number;
}

/** The part of WebAssembly used here: the type library of Node alone does not declare its values. */
interface WasmRuntime {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
}

/** Computes checksums; each call copies the bytes into the module's own memory. */
export type Crc32c = (bytes: Uint8Array, from: number, to: number) => number;

/** A checksum function with a memory of its own (64 KiB, grows to the largest batch). */
export function createCrc32c(): Crc32c {
  const { WebAssembly: runtime } = globalThis as unknown as { readonly WebAssembly: WasmRuntime };
  const module = new runtime.Module(Buffer.from(CRC32C_WASM, 'base64'));
  // The module is ours: these are the functions crc32c.as exports.
  const wasm = new runtime.Instance(module).exports as Exports;
  wasm.init();
  let memory = new Uint8Array(wasm.memory.buffer);
  return (bytes, from, to) => {
    const at = wasm.buffer(to - from);
    // Growing the memory detaches the old view.
    if (memory.length === 0 || memory.buffer !== wasm.memory.buffer)
      memory = new Uint8Array(wasm.memory.buffer);
    memory.set(bytes.subarray(from, to), at);
    return wasm.checksum(to - from) >>> 0;
  };
}
