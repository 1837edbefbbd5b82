// Follows one file: whole lines in blocks, then whatever is appended. Notices when the file is no longer the
// one that was read.

import type { Clock } from '../../../core/runtime/clock.ts';
import { Failure } from '../../../core/runtime/failure.ts';
import type { BufferPool } from '../buffer-pool.ts';
import {
  beginsWith,
  BEGINNING_BYTES,
  type FileStamp,
  readBeginning,
  stampOf,
  textBytes,
} from './file-identity.ts';
import { type FileReader, openFileReader } from './file-reader.ts';

/** How to follow. */
export interface FileTailOptions {
  readonly blockBytes: number;
  readonly pollMs: number;
  readonly settleMs: number;
  readonly pool: BufferPool;
  readonly clock: Clock;
}

/** A file being followed. */
export interface FileTail {
  /**
   * The next lines, from a buffer of the pool; waits for them. Undefined when the signal aborts.
   *
   * @throws Failure `corrupt` FileChanged, FileBroken; `config` SourceFileMissing; `transient` SourceUnavailable
   */
  next(
    signal: AbortSignal,
  ): Promise<{ readonly bytes: Uint8Array<ArrayBuffer>; readonly fromOffset: number } | undefined>;
  close(): Promise<void>;
}

// A line that is longer is taken in pieces; each is a bad record of its own, and reading goes on.
const LINE_BYTES_MAX = 64 * 1024 * 1024;
const NEWLINE = 10;

/** Follows `path` from `offset` of its text. */
export function createFileTail(path: string, offset: number, options: FileTailOptions): FileTail {
  return new Tail(path, offset, options);
}

class Tail implements FileTail {
  readonly #path: string;
  readonly #options: FileTailOptions;
  #reader: FileReader | undefined;
  /** Where the text in `carry` begins. */
  #position: number;
  /** Bytes read that are no whole line yet. */
  #carry: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #beginning: Uint8Array | undefined;
  #stamp: FileStamp | undefined;
  #stillSinceMs = 0;

  constructor(path: string, offset: number, options: FileTailOptions) {
    this.#path = path;
    this.#position = offset;
    this.#options = options;
  }

  async next(signal: AbortSignal): ReturnType<FileTail['next']> {
    const { clock, settleMs, pollMs } = this.#options;
    while (!signal.aborted) {
      if (this.#reader === undefined) await this.#examine();
      const from = this.#reader ?? (await this.#reopen());
      if (await this.#readMore(from)) {
        const isTooLong = this.#carry.length >= LINE_BYTES_MAX;
        const end = isTooLong ? this.#carry.length : this.#carry.lastIndexOf(NEWLINE) + 1;
        if (end === 0) continue;
        // Looked at after the read: a file put in its place meanwhile must not pass for its continuation.
        await this.#examine();
        return this.#take(end);
      }
      if (await this.#examine()) {
        await this.#reopen();
        continue;
      }
      const isSettled = clock.monotonicMs() - this.#stillSinceMs >= settleMs;
      if (this.#carry.length > 0 && isSettled) return this.#take(this.#carry.length);
      await clock.sleep(pollMs, signal);
    }
    return undefined;
  }

  async close(): Promise<void> {
    await this.#reader?.close();
    this.#reader = undefined;
  }

  async #reopen(): Promise<FileReader> {
    await this.close();
    this.#reader = await openFileReader(this.#path, this.#position + this.#carry.length);
    return this.#reader;
  }

  /** Makes sure that what was read is of the file that was begun; true when it has changed since the last look. */
  async #examine(): Promise<boolean> {
    const now = await stampOf(this.#path);
    const before = this.#stamp;
    const isSame =
      before?.inode === now.inode &&
      before.bytes === now.bytes &&
      before.modifiedMs === now.modifiedMs;
    if (isSame) return false;
    const bytes = await readBeginning(this.#path);
    if (this.#beginning !== undefined && !beginsWith(bytes, this.#beginning)) {
      throw this.#changed(`its beginning (first ${BEGINNING_BYTES} bytes) is another`);
    }
    const end = this.#position + this.#carry.length;
    const length = await this.#lengthAtLeast(now, end);
    if (length < end) throw this.#changed(`it has ${length} bytes, but was read up to ${end}`);
    this.#beginning = bytes;
    this.#stamp = now;
    this.#stillSinceMs = this.#options.clock.monotonicMs();
    return true;
  }

  // A compressed file is inflated only when it could be too short: after the first look, or when it shrank.
  async #lengthAtLeast(now: FileStamp, end: number): Promise<number> {
    if (!this.#path.endsWith('.gz')) return now.bytes;
    const hasShrunk = this.#stamp === undefined || now.bytes < this.#stamp.bytes;
    return hasShrunk && end > 0 ? textBytes(this.#path) : end;
  }

  #changed(how: string): Failure {
    const text = `source file '${this.#path}' is not the one that was read: ${how}; reset its offset or name another file`;
    return new Failure('corrupt', 'FileChanged', text);
  }

  #take(length: number): { bytes: Uint8Array<ArrayBuffer>; fromOffset: number } {
    const bytes = this.#options.pool.take(length);
    bytes.set(this.#carry.subarray(0, length));
    const fromOffset = this.#position;
    this.#position += length;
    this.#carry = this.#carry.slice(length);
    return { bytes, fromOffset };
  }

  /** Reads one block behind what is carried; false at the end of the file. */
  async #readMore(from: FileReader): Promise<boolean> {
    const { blockBytes } = this.#options;
    const carried = this.#carry;
    const room = Math.max(blockBytes - carried.length, blockBytes >> 1, 1);
    const larger = new Uint8Array(carried.length + room);
    larger.set(carried);
    const read = await from.read(larger.subarray(carried.length));
    this.#carry = larger.subarray(0, carried.length + read);
    return read > 0;
  }
}
