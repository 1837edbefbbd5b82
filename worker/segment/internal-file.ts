// One internal file of a segment: a range of an open chunk file, read by position. Every read is checked against the
// range, so that no length taken from the file can reach past it or allocate more than it holds, and where the segment
// has hashes against them, so that no byte that changed on disk is used.
// Fed by segment-files.ts; read by every column reader.

import { Failure, messageOf } from '../../core/runtime/failure.ts';
import type { ChunkFile, ChunkRead } from './chunk-file.ts';
import type { Place } from './place.ts';

const CHANGED = 'the bytes on disk have changed since the segment was loaded';

/** A range of bytes of a chunk file, and its name. Offsets are relative to the range. */
export class InternalFile implements Place {
  readonly dir: string;
  readonly name: string;
  readonly length: number;
  readonly #chunk: ChunkFile;
  readonly #start: number;

  constructor(dir: string, name: string, chunk: ChunkFile, start: number, length: number) {
    this.dir = dir;
    this.name = name;
    this.length = length;
    this.#chunk = chunk;
    this.#start = start;
  }

  corrupt(offset: number, what: string): Failure {
    return new Failure('corrupt', 'SegmentCorrupt', this.#where(offset, what));
  }

  /** `length` bytes at `offset` in an array of their own. @throws Failure `corrupt` beyond the range */
  read(offset: number, length: number): Uint8Array<ArrayBuffer> {
    this.check(offset, length);
    const out = new Uint8Array(length);
    this.readInto(offset, out, 0, length);
    return out;
  }

  /** As {@link read}, into `out` at `at`. @throws Failure `corrupt` SegmentChanged where bytes differ from their hash */
  readInto(offset: number, out: Uint8Array, at: number, length: number): void {
    this.check(offset, length);
    const got = this.#read(this.#start + offset, out, at, length);
    if (got.kind === 'done') return;
    // A stretch may begin in the file before this one.
    const bad = Math.max(0, got.bad - this.#start);
    if (got.kind === 'short')
      throw this.corrupt(bad, 'the chunk file is shorter than its index says');
    throw new Failure('corrupt', 'SegmentChanged', this.#where(bad, CHANGED));
  }

  /** @throws Failure `corrupt` unless `length` bytes at `offset` are inside */
  check(offset: number, length: number): void {
    if (length < 0 || offset < 0 || length > this.length - offset) {
      throw this.corrupt(offset, `${length} bytes expected, ${this.length - offset} left`);
    }
  }

  #where(offset: number, what: string): string {
    return `segment ${this.dir}: file '${this.name}' at offset ${offset}: ${what}`;
  }

  #read(position: number, out: Uint8Array, at: number, length: number): ChunkRead {
    try {
      return this.#chunk.read(position, out, at, length);
    } catch (error) {
      const text = `segment ${this.dir}: reading '${this.name}': ${messageOf(error)}`;
      throw new Failure('transient', 'SegmentUnreadable', text, error);
    }
  }
}

/** Bytes a {@link Cursor} fetches at once: headers are short, and one call costs about a microsecond. */
const WINDOW_BYTES = 4096;

/** Reads headers one after the other. All multi-byte values are big-endian, as all framing is. */
export class Cursor {
  readonly file: InternalFile;
  position: number;
  readonly end: number;
  #window: DataView = new DataView(new ArrayBuffer(0));
  #windowStart = 0;

  constructor(file: InternalFile, position = 0, end: number = file.length) {
    this.file = file;
    this.position = position;
    this.end = end;
  }

  get remaining(): number {
    return this.end - this.position;
  }

  u8(): number {
    return this.#take(1).getUint8(this.position++ - this.#windowStart);
  }

  i8(): number {
    return this.#take(1).getInt8(this.position++ - this.#windowStart);
  }

  i32(): number {
    const value = this.#take(4).getInt32(this.position - this.#windowStart);
    this.position += 4;
    return value;
  }

  i64(): bigint {
    const value = this.#take(8).getBigInt64(this.position - this.#windowStart);
    this.position += 8;
    return value;
  }

  /** An i32 that is a length or count: at least 0, and at most `max`. */
  size(max: number, what: string): number {
    const at = this.position;
    const value = this.i32();
    if (value < 0 || value > max) {
      throw this.file.corrupt(at, `${what} is ${value}, expected 0 to ${max}`);
    }
    return value;
  }

  bytes(length: number): Uint8Array {
    this.need(length);
    const out = this.file.read(this.position, length);
    this.position += length;
    return out;
  }

  /** i32 byte length and UTF-8 bytes. */
  str(what: string): string {
    const length = this.size(this.remaining - 4, `length of ${what}`);
    return new TextDecoder().decode(this.bytes(length));
  }

  /** Seven bits a byte, low group first, top bit set on the last. Source: druid-segment-format.md 2.2.6. */
  vbyte(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte >= 0x80) return value;
    }
    throw this.file.corrupt(this.position, 'a variable-length number has no end');
  }

  /** Moves past `length` bytes. */
  skip(length: number): void {
    this.need(length);
    this.position += length;
  }

  /** @throws Failure `corrupt` unless `length` bytes are left */
  need(length: number): void {
    if (length < 0 || length > this.remaining) {
      throw this.file.corrupt(
        this.position,
        `${length} bytes expected, ${this.remaining} left in this section`,
      );
    }
  }

  #take(length: number): DataView {
    this.need(length);
    const windowEnd = this.#windowStart + this.#window.byteLength;
    if (this.position < this.#windowStart || this.position + length > windowEnd) {
      const bytes = this.file.read(this.position, Math.min(WINDOW_BYTES, this.remaining));
      this.#window = new DataView(bytes.buffer);
      this.#windowStart = this.position;
    }
    return this.#window;
  }
}
