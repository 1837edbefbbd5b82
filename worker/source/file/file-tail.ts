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
  const { pool, clock, blockBytes } = options;
  let reader: FileReader | undefined;
  /** Where the text in `carry` begins. */
  let position = offset;
  /** Bytes read that are no whole line yet. */
  let carry: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  let beginning: Uint8Array | undefined;
  let stamp: FileStamp | undefined;
  let stillSinceMs = 0;

  async function reopen(): Promise<FileReader> {
    await reader?.close();
    reader = undefined;
    reader = await openFileReader(path, position + carry.length);
    return reader;
  }

  /** Makes sure that what was read is of the file that was begun; true when the file has changed since the last look. */
  async function examine(): Promise<boolean> {
    const now = await stampOf(path);
    const isSame =
      stamp !== undefined &&
      stamp.inode === now.inode &&
      stamp.bytes === now.bytes &&
      stamp.modifiedMs === now.modifiedMs;
    if (isSame) return false;
    const bytes = await readBeginning(path);
    if (beginning !== undefined && !beginsWith(bytes, beginning))
      throw changed(`its beginning (first ${BEGINNING_BYTES} bytes) is another`);
    const end = position + carry.length;
    const length = await lengthAtLeast(now, end);
    if (length < end) throw changed(`it has ${length} bytes, but was read up to ${end}`);
    beginning = bytes;
    stamp = now;
    stillSinceMs = clock.monotonicMs();
    return true;
  }

  // A compressed file is inflated only when it could be too short: after the first look, or when it shrank.
  async function lengthAtLeast(now: FileStamp, end: number): Promise<number> {
    if (!path.endsWith('.gz')) return now.bytes;
    const hasShrunk = stamp === undefined || now.bytes < stamp.bytes;
    return hasShrunk && end > 0 ? textBytes(path) : end;
  }

  function changed(how: string): Failure {
    return new Failure(
      'corrupt',
      'FileChanged',
      `source file '${path}' is not the one that was read: ${how}; reset its offset or name another file`,
    );
  }

  function take(length: number): { bytes: Uint8Array<ArrayBuffer>; fromOffset: number } {
    const bytes = pool.take(length);
    bytes.set(carry.subarray(0, length));
    const fromOffset = position;
    position += length;
    carry = carry.slice(length);
    return { bytes, fromOffset };
  }

  /** Reads one block behind what is carried; false at the end of the file. */
  async function readMore(from: FileReader): Promise<boolean> {
    const room = Math.max(blockBytes - carry.length, blockBytes >> 1, 1);
    const larger = new Uint8Array(carry.length + room);
    larger.set(carry);
    const read = await from.read(larger.subarray(carry.length));
    carry = larger.subarray(0, carry.length + read);
    return read > 0;
  }

  return {
    async next(signal) {
      while (!signal.aborted) {
        if (reader === undefined) await examine();
        const from = reader ?? (await reopen());
        if (await readMore(from)) {
          const end =
            carry.length >= LINE_BYTES_MAX ? carry.length : carry.lastIndexOf(NEWLINE) + 1;
          if (end === 0) continue;
          // Looked at after the read: a file put in its place meanwhile must not pass for its continuation.
          await examine();
          return take(end);
        }
        const isChanged = await examine();
        if (isChanged) {
          await reopen();
          continue;
        }
        const isSettled = clock.monotonicMs() - stillSinceMs >= options.settleMs;
        if (carry.length > 0 && isSettled) return take(carry.length);
        await clock.sleep(options.pollMs, signal);
      }
      return undefined;
    },
    async close() {
      await reader?.close();
      reader = undefined;
    },
  };
}
