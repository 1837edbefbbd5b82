// Opens the files of a segment folder and hands out its internal files. Chunk files stay open until close, so
// that a segment whose folder was removed can still be read. Fed by reader.ts, dump.ts and validate.ts.

import { closeSync, fstatSync, openSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Failure, messageOf } from '../../core/runtime/failure.ts';
import { InternalFile } from './internal-file.ts';
import { chunkName, readSmooshIndex, VERSION_BYTES } from './smoosh.ts';

/** meta.smoosh has a line per column: beyond this it is not one. */
const META_BYTES_MAX = 64 << 20;

/** The open files of one segment. */
export class SegmentFiles {
  readonly dir: string;
  /** Sum of the file sizes, as in DataSegment.size. */
  readonly sizeBytes: number;
  readonly #fds: readonly number[];
  readonly #files: ReadonlyMap<string, InternalFile>;
  #isOpen = true;

  /**
   * @throws Failure `corrupt` SegmentCorrupt when a file is missing, malformed or shorter than its index says;
   *         `transient` SegmentUnreadable when the system refuses to read
   */
  constructor(dir: string) {
    this.dir = dir;
    const version = readSmall(dir, 'version.bin', 4);
    if (Buffer.compare(version, VERSION_BYTES) !== 0) {
      throw corrupt(dir, 'version.bin', `is ${version.toString('hex')}, only version 9 is read`);
    }
    const factoryBytes = checkFactory(dir);
    const meta = readSmall(dir, 'meta.smoosh', META_BYTES_MAX);
    const index = readSmooshIndex(meta.toString('utf8'));
    if (typeof index === 'string') throw corrupt(dir, 'meta.smoosh', index);
    const fds: number[] = [];
    try {
      const sizes = Array.from({ length: index.chunks }, (_, i) =>
        openChunk(dir, chunkName(i), fds),
      );
      const files = new Map<string, InternalFile>();
      for (const { name, chunk, start, end } of index.entries) {
        const fd = fds[chunk];
        if (fd === undefined || end > (sizes[chunk] ?? 0)) {
          const text = `file '${name}' ends at ${end}, ${chunkName(chunk)} has ${sizes[chunk]} bytes`;
          throw corrupt(dir, 'meta.smoosh', text);
        }
        if (files.has(name)) throw corrupt(dir, 'meta.smoosh', `file '${name}' is listed twice`);
        files.set(name, new InternalFile(dir, name, fd, start, end - start));
      }
      this.#files = files;
      this.sizeBytes = sizes.reduce((a, b) => a + b, version.length + meta.length + factoryBytes);
    } catch (error) {
      for (const fd of fds) closeSync(fd);
      throw error;
    }
    this.#fds = fds;
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
    for (const fd of this.#fds) closeSync(fd);
  }
}

function corrupt(dir: string, file: string, what: string): Failure {
  return new Failure('corrupt', 'SegmentCorrupt', `segment ${dir}: ${file} ${what}`);
}

/** Absent is legal; what is there must be JSON of the one type there is. Returns its size. */
function checkFactory(dir: string): number {
  let bytes: Buffer;
  try {
    bytes = readFileSync(join(dir, 'factory.json'));
  } catch (error) {
    if (isMissing(error)) return 0;
    throw unreadable(dir, 'factory.json', error);
  }
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

function readSmall(dir: string, name: string, bytesMax: number): Buffer {
  try {
    const { size } = statSync(join(dir, name));
    if (size > bytesMax)
      throw corrupt(dir, name, `has ${size} bytes, at most ${bytesMax} expected`);
    return readFileSync(join(dir, name));
  } catch (error) {
    if (isMissing(error)) throw corrupt(dir, name, 'is missing');
    throw unreadable(dir, name, error);
  }
}

function openChunk(dir: string, name: string, fds: number[]): number {
  try {
    const fd = openSync(join(dir, name), 'r');
    fds.push(fd);
    return fstatSync(fd).size;
  } catch (error) {
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
