// Packs a segment folder into the flat index.zip of deep storage, and unpacks one that is not trusted.
// Fed by publish (pack) and historical (unpack). Source: druid-segment-format.md 5.1.

import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32 } from 'node:zlib';
import yauzl from 'yauzl';
import { Failure, messageOf } from '../../core/runtime/failure.ts';
import { type FileHashes, HashTaker, type SegmentHashes } from './segment-hashes.ts';
import { zipBytes } from './zip-writer.ts';

/** A packed segment. */
export interface ZippedSegment {
  /** Bytes of the zip file. */
  readonly bytes: number;
  /** Of the zip file, lower-case hex. */
  readonly sha256: string;
}

/** The only files a segment has. */
const NAMES = /^(?:\d{5}\.smoosh|factory\.json|meta\.smoosh|version\.bin)$/;

/**
 * Packs the files of `dir`, sorted by name, into `zipPath`, which must not exist, and makes it durable.
 *
 * @throws Failure `transient` SegmentUnwritable
 */
export async function zipSegment(dir: string, zipPath: string): Promise<ZippedSegment> {
  try {
    const names = (await readdir(dir)).filter((name) => NAMES.test(name)).toSorted();
    const files = names.map((name) => ({ name, path: join(dir, name) }));
    const hash = createHash('sha256');
    let bytes = 0;
    const count = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk);
        bytes += chunk.length;
        done(null, chunk);
      },
    });
    const out = createWriteStream(zipPath, { flags: 'wx', flush: true });
    await pipeline(zipBytes(files), count, out);
    return { bytes, sha256: hash.digest('hex') };
  } catch (error) {
    const text = `segment ${dir}: packing into ${zipPath}: ${messageOf(error)}`;
    throw new Failure('transient', 'SegmentUnwritable', text, error);
  }
}

/** What {@link unzipSegment} accepts. */
export interface UnzipLimits {
  /** Sum of the unpacked sizes, e.g. DataSegment.size and some room. */
  readonly bytesMax: number;
}

/** What {@link unzipSegment} unpacked. */
export interface UnzippedSegment {
  /** Sum of the unpacked sizes. */
  readonly bytes: number;
  /** Taken from the very bytes whose checksums were verified, before they were on a disk. */
  readonly hashes: SegmentHashes;
}

/** More files than any segment of the largest size has. */
const FILES_MAX = 10_000;

/**
 * Unpacks `zipPath` into `dir`, which is created and must not exist or be empty. On failure it is removed.
 *
 * @throws Failure `corrupt` SegmentCorrupt for an unreadable zip, other names than a segment's, checksum errors or
 *         more bytes than declared or allowed; `transient` SegmentUnwritable for disk errors
 */
export async function unzipSegment(
  zipPath: string,
  dir: string,
  limits: UnzipLimits,
): Promise<UnzippedSegment> {
  await mkdir(dir, { recursive: true });
  try {
    return await unpack(zipPath, dir, limits);
  } catch (error) {
    await rm(dir, { recursive: true, force: true });
    throw classify(zipPath, error);
  }
}

function corrupt(zipPath: string, what: string, cause?: unknown): Failure {
  return new Failure('corrupt', 'SegmentCorrupt', `${zipPath}: ${what}`, cause);
}

/** System errors carry a code of capitals; everything else comes from the bytes of the zip. */
function classify(zipPath: string, error: unknown): Failure {
  if (error instanceof Failure) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (/^E[A-Z]+$/.test(code)) {
    const text = `unpacking ${zipPath}: ${messageOf(error)}`;
    return new Failure('transient', 'SegmentUnwritable', text, error);
  }
  return corrupt(zipPath, messageOf(error), error);
}

async function unpack(zipPath: string, dir: string, limits: UnzipLimits): Promise<UnzippedSegment> {
  const zip = await yauzl.openPromise(zipPath, { strictFileNames: true, validateEntrySizes: true });
  const hashes = new Map<string, FileHashes>();
  let bytes = 0;
  try {
    if (zip.entryCount > FILES_MAX) throw corrupt(zipPath, `${zip.entryCount} entries`);
    for await (const entry of zip.eachEntry()) {
      const name = entry.fileName;
      if (!NAMES.test(name) || hashes.has(name)) {
        throw corrupt(zipPath, `entry ${JSON.stringify(name)} is no file of a segment`);
      }
      bytes += entry.uncompressedSize;
      if (bytes > limits.bytesMax) {
        throw corrupt(zipPath, `unpacks to ${bytes} bytes or more, ${limits.bytesMax} are allowed`);
      }
      const source = await zip.openReadStreamPromise(entry);
      const taker = new HashTaker();
      let sum = 0;
      const check = new Transform({
        transform(chunk: Buffer, _encoding, done) {
          sum = crc32(chunk, sum);
          taker.add(chunk);
          done(null, chunk);
        },
      });
      await pipeline(
        source,
        check,
        createWriteStream(join(dir, name), { flags: 'wx', flush: true }),
      );
      if (sum !== entry.crc32) throw corrupt(zipPath, `entry ${name} has a wrong checksum`);
      hashes.set(name, taker.done());
    }
  } finally {
    zip.close();
  }
  if (!hashes.has('meta.smoosh') || !hashes.has('version.bin')) {
    throw corrupt(zipPath, 'it has no meta.smoosh and version.bin');
  }
  await syncFolder(dir);
  return { bytes, hashes };
}

async function syncFolder(dir: string): Promise<void> {
  const folder = await open(dir, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
