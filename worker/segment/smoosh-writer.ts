// Writes the internal files of a segment one after the other into chunk files, then the index and the two small
// files, all made durable. Fed by build.ts. Source: druid-segment-format.md 1; the grammar stands in smoosh.ts.

import {
  closeSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { Failure, messageOf } from '../../core/runtime/failure.ts';
import { copyRange } from '../view/byte-slice.ts';
import { bytesOfI32, bytesOfStr, type ByteWriter } from './byte-writer.ts';
import {
  CHUNK_BYTES_MAX,
  chunkName,
  FACTORY_JSON,
  type SmooshEntry,
  VERSION_BYTES,
  writeSmooshIndex,
} from './smoosh.ts';

/** Bytes collected before a write: large enough that the call does not count. */
const BUFFER_BYTES = 1 << 20;

/** A segment folder being written. */
export class SmooshWriter implements ByteWriter {
  readonly #dir: string;
  readonly #chunkBytesMax: number;
  readonly #entries: SmooshEntry[] = [];
  readonly #fds: number[] = [];
  readonly #buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  #used = 0;
  /** Bytes of the current chunk file already on disk. */
  #flushed = 0;
  #name = '';
  /** Where the current internal file starts in its chunk. */
  #start = 0;

  /** @param dir  created; must not exist or be empty */
  constructor(dir: string, chunkBytesMax: number = CHUNK_BYTES_MAX) {
    this.#dir = dir;
    this.#chunkBytesMax = chunkBytesMax;
    this.#guard('creating the folder', () => mkdirSync(dir, { recursive: true }));
    this.#openChunk();
  }

  get position(): number {
    return this.#flushed + this.#used - this.#start;
  }

  /** Starts an internal file. */
  begin(name: string): void {
    this.#name = name;
    this.#start = this.#flushed + this.#used;
  }

  /** Ends it; one that does not fit what is left of the chunk moves to a new chunk file. */
  end(): void {
    const length = this.position;
    if (length > this.#chunkBytesMax) {
      throw new Failure(
        'config',
        'SegmentTooLarge',
        `column '${this.#name}' has ${length} bytes, at most ${this.#chunkBytesMax} fit; lower segments.maxRows`,
      );
    }
    if (this.#start + length > this.#chunkBytesMax) this.#moveToNewChunk(length);
    const chunk = this.#fds.length - 1;
    this.#entries.push({ name: this.#name, chunk, start: this.#start, end: this.#start + length });
  }

  /** Writes index, version and factory, and makes all durable. @returns the sum of the file sizes */
  finish(): number {
    this.#flush();
    let bytes = this.#entries.reduce((sum, entry) => sum + entry.end - entry.start, 0);
    const index = writeSmooshIndex(
      { chunks: this.#fds.length, entries: this.#entries },
      this.#chunkBytesMax,
    );
    const small = [
      ['meta.smoosh', Buffer.from(index)],
      ['factory.json', Buffer.from(FACTORY_JSON)],
      ['version.bin', VERSION_BYTES],
    ] as const;
    this.#guard('making it durable', () => {
      for (const [name, content] of small) {
        writeFileSync(join(this.#dir, name), content, { flush: true });
        bytes += content.length;
      }
      for (const fd of this.#fds) fsyncSync(fd);
      this.close();
      syncFolder(this.#dir);
      syncFolder(dirname(this.#dir));
    });
    return bytes;
  }

  /** Closes the chunk files, finished or not. */
  close(): void {
    for (const fd of this.#fds.splice(0)) closeSync(fd);
  }

  u8(value: number): void {
    this.#room(1);
    this.#buffer[this.#used++] = value;
  }

  i32(value: number): void {
    this.#room(4);
    this.#used = this.#buffer.writeInt32BE(value, this.#used);
  }

  i64(value: bigint): void {
    this.#room(8);
    this.#used = this.#buffer.writeBigInt64BE(value, this.#used);
  }

  bytes(bytes: Uint8Array): void {
    this.range(bytes, 0, bytes.length);
  }

  range(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (length > BUFFER_BYTES) {
      this.#flush();
      this.#write(bytes.subarray(start, end), this.#flushed);
      this.#flushed += length;
      return;
    }
    this.#room(length);
    copyRange(bytes, start, end, this.#buffer, this.#used);
    this.#used += length;
  }

  str(text: string): void {
    this.bytes(bytesOfStr(text));
  }

  reserve(length: number): number {
    const position = this.position;
    let left = length;
    while (left > 0) {
      const n = Math.min(left, BUFFER_BYTES);
      this.#room(n);
      this.#buffer.fill(0, this.#used, this.#used + n);
      this.#used += n;
      left -= n;
    }
    return position;
  }

  patch(position: number, bytes: Uint8Array): void {
    const at = this.#start + position;
    if (at >= this.#flushed) {
      this.#buffer.set(bytes, at - this.#flushed);
      return;
    }
    this.#flush();
    this.#write(bytes, at);
  }

  #room(length: number): void {
    if (this.#used + length > BUFFER_BYTES) this.#flush();
  }

  #flush(): void {
    this.#write(this.#buffer.subarray(0, this.#used), this.#flushed);
    this.#flushed += this.#used;
    this.#used = 0;
  }

  #write(bytes: Uint8Array, at: number): void {
    let done = 0;
    while (done < bytes.length) {
      done += this.#guard(`writing '${this.#name}'`, () =>
        writeSync(this.#fd(), bytes, done, bytes.length - done, at + done),
      );
    }
  }

  /** Disk full, no permission, folder in use: the caller may try again elsewhere or later. */
  #guard<T>(what: string, write: () => T): T {
    try {
      return write();
    } catch (error) {
      const text = `segment ${this.#dir}: ${what}: ${messageOf(error)}`;
      throw new Failure('transient', 'SegmentUnwritable', text, error);
    }
  }

  #fd(): number {
    const fd = this.#fds.at(-1);
    if (fd === undefined)
      throw new Failure('bug', 'AssertionFailed', 'the segment writer is closed');
    return fd;
  }

  #openChunk(): void {
    const path = join(this.#dir, chunkName(this.#fds.length));
    // Exclusive: a folder that holds a segment already is never written over.
    this.#fds.push(this.#guard('creating a chunk file', () => openSync(path, 'wx+')));
    this.#flushed = 0;
    this.#used = 0;
    this.#start = 0;
  }

  #moveToNewChunk(length: number): void {
    this.#flush();
    const old = this.#fd();
    const start = this.#start;
    this.#openChunk();
    const piece = Buffer.allocUnsafe(BUFFER_BYTES);
    while (this.#flushed < length) {
      const want = Math.min(BUFFER_BYTES, length - this.#flushed);
      const n = readSync(old, piece, 0, want, start + this.#flushed);
      this.#write(piece.subarray(0, n), this.#flushed);
      this.#flushed += n;
    }
    ftruncateSync(old, start);
  }
}

/** For patches of four bytes. */
export function patchI32(out: ByteWriter, position: number, value: number): void {
  out.patch(position, bytesOfI32(value));
}

function syncFolder(dir: string): void {
  const fd = openSync(dir, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
