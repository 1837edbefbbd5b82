// An open chunk file of a segment, read by position. With hashes, every stretch that a read touches is compared before
// its bytes are used; some stretches are kept, as neighbours are often read next. Opened by segment-files.ts, read by
// internal-file.ts.

import { readSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { type FileHashes, STRETCH_BYTES } from './segment-hashes.ts';

/** The outcome of a read: `bad` is where bytes are missing or differ, an offset in the chunk file. */
export type ChunkRead =
  | { readonly kind: 'done' }
  | { readonly kind: 'short' | 'changed'; readonly bad: number };

const DONE: ChunkRead = { kind: 'done' };

/** Verified stretches kept by a thread: 1 MiB in all. */
const KEPT = 64;

interface Kept {
  file: ChunkFile | undefined;
  stretch: number;
  readonly bytes: Uint8Array;
}

/** Found by place: one that is read over and over stays unless another falls on its place. */
const kept: (Kept | undefined)[] = Array.from({ length: KEPT }, () => undefined);
let nextSalt = 0;

/** A chunk file. */
export class ChunkFile {
  readonly fd: number;
  readonly bytes: number;
  readonly #stretches: Uint32Array | undefined;
  /** Sets the stretches of files apart in the table. */
  readonly #salt = nextSalt++ * 31;

  constructor(fd: number, bytes: number, hashes?: FileHashes) {
    this.fd = fd;
    this.bytes = bytes;
    this.#stretches = hashes?.stretches;
  }

  /** Reads `length` bytes at `position`, all inside the file when it was opened. @throws errors of the system */
  read(position: number, out: Uint8Array, at: number, length: number): ChunkRead {
    const stretches = this.#stretches;
    if (stretches === undefined) {
      const got = this.#fill(position, out, at, length);
      return got === length ? DONE : { kind: 'short', bad: position + got };
    }
    const end = position + length;
    for (let from = position; from < end;) {
      const stretch = Math.floor(from / STRETCH_BYTES);
      const start = stretch * STRETCH_BYTES;
      const size = Math.min(STRETCH_BYTES, this.bytes - start);
      const to = Math.min(end, start + size);
      const target = at + from - position;
      // A whole stretch is compared where it is wanted; a part of one is taken from a verified copy.
      const isWhole = from === start && to === start + size;
      const got = isWhole
        ? this.#verify(stretch, out.subarray(target, target + size))
        : this.#copy(stretch, size, out, target, from - start, to - from);
      if (got !== DONE) return got;
      from = to;
    }
    return DONE;
  }

  #copy(
    stretch: number,
    size: number,
    out: Uint8Array,
    at: number,
    offset: number,
    length: number,
  ): ChunkRead {
    const place = (this.#salt + stretch) % KEPT;
    const entry = (kept[place] ??= {
      file: undefined,
      stretch: 0,
      bytes: new Uint8Array(STRETCH_BYTES),
    });
    if (entry.file !== this || entry.stretch !== stretch) {
      entry.file = undefined;
      const got = this.#verify(stretch, entry.bytes.subarray(0, size));
      if (got !== DONE) return got;
      entry.file = this;
      entry.stretch = stretch;
    }
    out.set(entry.bytes.subarray(offset, offset + length), at);
    return DONE;
  }

  #verify(stretch: number, out: Uint8Array): ChunkRead {
    const start = stretch * STRETCH_BYTES;
    const got = this.#fill(start, out, 0, out.length);
    if (got < out.length) return { kind: 'short', bad: start + got };
    return crc32(out) === this.#stretches?.[stretch] ? DONE : { kind: 'changed', bad: start };
  }

  #fill(position: number, out: Uint8Array, at: number, length: number): number {
    let done = 0;
    while (done < length) {
      const got = readSync(this.fd, out, at + done, length - done, position + done);
      if (got === 0) break;
      done += got;
    }
    return done;
  }
}

/** Lets go of the stretches of a closed file. */
export function forgetStretches(file: ChunkFile): void {
  for (const entry of kept) if (entry?.file === file) entry.file = undefined;
}
