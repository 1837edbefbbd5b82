// What the encoders of this folder write to: a sink of big-endian framing and bytes, with places that are
// filled in later. Implemented by smoosh-writer.ts on files and below in memory.

/** A sink of bytes. Positions are relative to the start of the internal file. */
export interface ByteWriter {
  readonly position: number;
  u8(value: number): void;
  i32(value: number): void;
  i64(value: bigint): void;
  /** Copied before the call returns. */
  bytes(bytes: Uint8Array): void;
  /** `bytes[start..end)`, copied before the call returns. */
  range(bytes: Uint8Array, start: number, end: number): void;
  /** i32 byte length and UTF-8 bytes. */
  str(text: string): void;
  /** Leaves `length` bytes to be filled by {@link patch}; returns where they are. */
  reserve(length: number): number;
  /** Overwrites bytes already written or reserved. */
  patch(position: number, bytes: Uint8Array): void;
}

const encoder = new TextEncoder();

/** The big-endian bytes of an i32. */
export function bytesOfI32(value: number): Uint8Array {
  return Uint8Array.of(value >> 24, value >> 16, value >> 8, value);
}

/** The bytes of a `str`. */
export function bytesOfStr(text: string): Uint8Array {
  const utf8 = encoder.encode(text);
  const out = new Uint8Array(4 + utf8.length);
  out.set(bytesOfI32(utf8.length));
  out.set(utf8, 4);
  return out;
}

/** Turns int32s into big-endian bytes, the layout of end offsets, in place. */
export function toBigEndian(values: Int32Array): Uint8Array {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength).swap32();
}
