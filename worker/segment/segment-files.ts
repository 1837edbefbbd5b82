// Opens the files of a segment folder and hands out its internal files. Chunk files stay open until close, so
// that a segment whose folder was removed can still be read. Fed by reader.ts, dump.ts and validate.ts.

import { closeSync, fstatSync, openSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Failure, messageOf } from '../../core/runtime/failure.ts';
import { ChunkFile, forgetStretches } from './chunk-file.ts';
import { InternalFile } from './internal-file.ts';
import { changedAt, type SegmentHashes } from './segment-hashes.ts';
import { chunkName, readSmooshIndex, VERSION_BYTES } from './smoosh.ts';

/** meta.smoosh has a line per column: beyond this it is not one. */
const META_BYTES_MAX = 64 << 20;

/** The open files of one segment. */
export class SegmentFiles {
  readonly dir: string;
  /** Sum of the file sizes, as in DataSegment.size. */
  readonly sizeBytes: number;
  readonly #chunks: readonly ChunkFile[];
  readonly #files: ReadonlyMap<string, InternalFile>;
  #isOpen = true;

  /**
   * With `hashes` every byte read, now and later, is compared with them.
   *
   * @throws Failure `corrupt` SegmentCorrupt when a file is missing, malformed or shorter than its index says,
   *         SegmentChanged when it differs from its hashes;
   *         `transient` SegmentUnreadable when the system refuses to read
   */
  constructor(dir: string, hashes?: SegmentHashes) {
    this.dir = dir;
    const version = readSmall(dir, 'version.bin', 4, hashes);
    if (Buffer.compare(version, VERSION_BYTES) !== 0) {
      throw corrupt(dir, 'version.bin', `is ${version.toString('hex')}, only version 9 is read`);
    }
    const factoryBytes = checkFactory(dir, hashes);
    const meta = readSmall(dir, 'meta.smoosh', META_BYTES_MAX, hashes);
    const index = readSmooshIndex(meta.toString('utf8'));
    if (typeof index === 'string') throw corrupt(dir, 'meta.smoosh', index);
    const chunks: ChunkFile[] = [];
    try {
      for (let i = 0; i < index.chunks; i++) chunks.push(openChunk(dir, chunkName(i), hashes));
      const files = new Map<string, InternalFile>();
      for (const { name, chunk: number, start, end } of index.entries) {
        const chunk = chunks[number];
        if (chunk === undefined || end > chunk.bytes) {
          const text = `file '${name}' ends at ${end}, ${chunkName(number)} has ${chunk?.bytes} bytes`;
          throw corrupt(dir, 'meta.smoosh', text);
        }
        if (files.has(name)) throw corrupt(dir, 'meta.smoosh', `file '${name}' is listed twice`);
        files.set(name, new InternalFile(dir, name, chunk, start, end - start));
      }
      this.#files = files;
      const outside = version.length + meta.length + factoryBytes;
      this.sizeBytes = chunks.reduce((sum, chunk) => sum + chunk.bytes, outside);
    } catch (error) {
      for (const { fd } of chunks) closeSync(fd);
      throw error;
    }
    this.#chunks = chunks;
  }

  /** Names and lengths in bytes, in the order of meta.smoosh. */
  list(): { readonly name: string; readonly bytes: number }[] {
    return [...this.#files.values()].map((file) => ({ name: file.name, bytes: file.length }));
  }

  /** An internal file, or undefined. */
  find(name: string): InternalFile | undefined {
    return this.#files.get(name);
  }

  /** An internal file. @throws Failure `corrupt` when it is not there */
  file(name: string): InternalFile {
    const file = this.#files.get(name);
    if (file === undefined) throw corrupt(this.dir, 'meta.smoosh', `file '${name}' is not listed`);
    return file;
  }

  /** Closes the chunk files. Calling it again does nothing. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const chunk of this.#chunks) {
      forgetStretches(chunk);
      closeSync(chunk.fd);
    }
  }
}

function corrupt(dir: string, file: string, what: string): Failure {
  return new Failure('corrupt', 'SegmentCorrupt', `segment ${dir}: ${file} ${what}`);
}

/** Absent is legal; what is there must be JSON of the one type there is. Returns its size. */
function checkFactory(dir: string, hashes: SegmentHashes | undefined): number {
  let bytes: Buffer;
  try {
    bytes = readFileSync(join(dir, 'factory.json'));
  } catch (error) {
    if (isMissing(error) && hashes?.has('factory.json') !== true) return 0;
    if (isMissing(error)) throw changed(dir, 'factory.json', 0, 'it is missing');
    throw unreadable(dir, 'factory.json', error);
  }
  checkHashes(dir, 'factory.json', bytes, hashes);
  let type: unknown;
  try {
    const json: unknown = JSON.parse(bytes.toString('utf8'));
    type = typeof json === 'object' && json !== null && 'type' in json ? json.type : undefined;
  } catch (error) {
    throw corrupt(dir, 'factory.json', `is not JSON: ${messageOf(error)}`);
  }
  if (type !== 'mMapSegmentFactory') {
    throw corrupt(
      dir,
      'factory.json',
      `names type ${JSON.stringify(type)}, only mMapSegmentFactory is read`,
    );
  }
  return bytes.length;
}

function changed(dir: string, name: string, offset: number, what: string): Failure {
  const text = `segment ${dir}: ${name} at offset ${offset}: ${what} since the segment was loaded`;
  return new Failure('corrupt', 'SegmentChanged', text);
}

/** Compares all of a file. */
function checkHashes(
  dir: string,
  name: string,
  bytes: Uint8Array,
  hashes: SegmentHashes | undefined,
): void {
  if (hashes === undefined) return;
  const own = hashes.get(name);
  const at = own === undefined ? 0 : changedAt(bytes, own);
  if (at !== undefined) throw changed(dir, name, at, 'the bytes on disk have changed');
}

function readSmall(
  dir: string,
  name: string,
  bytesMax: number,
  hashes: SegmentHashes | undefined,
): Buffer {
  try {
    const { size } = statSync(join(dir, name));
    if (size > bytesMax)
      throw corrupt(dir, name, `has ${size} bytes, at most ${bytesMax} expected`);
    const bytes = readFileSync(join(dir, name));
    checkHashes(dir, name, bytes, hashes);
    return bytes;
  } catch (error) {
    if (isMissing(error)) throw corrupt(dir, name, 'is missing');
    throw unreadable(dir, name, error);
  }
}

function openChunk(dir: string, name: string, hashes: SegmentHashes | undefined): ChunkFile {
  let fd: number | undefined;
  try {
    fd = openSync(join(dir, name), 'r');
    const { size } = fstatSync(fd);
    const own = hashes?.get(name);
    if (hashes !== undefined && own?.bytes !== size) {
      throw changed(dir, name, size, `${size} bytes on disk instead of ${own?.bytes}`);
    }
    return new ChunkFile(fd, size, own);
  } catch (error) {
    if (fd !== undefined) closeSync(fd);
    if (isMissing(error)) throw corrupt(dir, name, 'is missing');
    throw unreadable(dir, name, error);
  }
}

function isMissing(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    (error.code === 'ENOENT' || error.code === 'ENOTDIR')
  );
}

function unreadable(dir: string, name: string, error: unknown): Failure {
  if (error instanceof Failure) return error;
  const text = `segment ${dir}: ${name}: ${messageOf(error)}`;
  return new Failure('transient', 'SegmentUnreadable', text, error);
}
