// Hashes of a segment's files in stretches, taken while they were unpacked and their checksums verified, and kept in a
// file beside the segment, so that what a later read brings from the disk can be compared. Made by zip.ts's unpacking,
// kept by the historical, checked by hashed-file.ts.
//
//   file   = JSON head, LF, u32 crc per stretch of each file in order (little-endian), u32 crc of all before
//   head   = { version: 1, stretchBytes, files: [{ name, bytes }] }

import { readFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { Failure, messageOf } from '../../core/runtime/failure.ts';
import type { Place } from './place.ts';
import { isJsonObject, parseJsonObject } from './json-object.ts';

/**
 * Bytes of a stretch; the last of a file is shorter. A block of a column takes about two of them, and 16 KiB cost 256
 * bytes of memory for each MiB of segment.
 */
export const STRETCH_BYTES = 16_384;

/** The stretches of one file. */
export interface FileHashes {
  readonly bytes: number;
  /** CRC-32 of each stretch. */
  readonly stretches: Uint32Array;
}

/** By file name: chunk files, meta.smoosh, version.bin, factory.json. */
export type SegmentHashes = ReadonlyMap<string, FileHashes>;

/** Takes the hashes of one file as its bytes pass by. */
export class HashTaker {
  readonly #stretches: number[] = [];
  #bytes = 0;
  #crc = 0;

  add(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      const inStretch = this.#bytes % STRETCH_BYTES;
      const count = Math.min(STRETCH_BYTES - inStretch, chunk.length - at);
      this.#crc = crc32(chunk.subarray(at, at + count), inStretch === 0 ? 0 : this.#crc);
      at += count;
      this.#bytes += count;
      if (this.#bytes % STRETCH_BYTES === 0) this.#stretches.push(this.#crc);
    }
  }

  done(): FileHashes {
    const rest = this.#bytes % STRETCH_BYTES === 0 ? [] : [this.#crc];
    return { bytes: this.#bytes, stretches: Uint32Array.from([...this.#stretches, ...rest]) };
  }
}

/** The bytes of a hash file. */
export function writeHashes(hashes: SegmentHashes): Uint8Array {
  const files = [...hashes].map(([name, { bytes }]) => ({ name, bytes }));
  const head = Buffer.from(
    `${JSON.stringify({ version: 1, stretchBytes: STRETCH_BYTES, files })}\n`,
  );
  const count = [...hashes.values()].reduce((sum, file) => sum + file.stretches.length, 0);
  const out = Buffer.alloc(head.length + 4 * count + 4);
  head.copy(out);
  let at = head.length;
  for (const { stretches } of hashes.values())
    for (const crc of stretches) at = out.writeUInt32LE(crc, at);
  out.writeUInt32LE(crc32(out.subarray(0, at)), at);
  return out;
}

/**
 * Reads a hash file.
 *
 * @throws Failure `corrupt` SegmentChanged when it is missing or differs from its own hash; `transient`
 *         SegmentUnreadable when the system refuses to read
 */
export function readHashes(path: string, dir: string): SegmentHashes {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
      throw corrupt(dir, path, 0, 'it is missing');
    const text = `segment ${dir}: ${path}: ${messageOf(error)}`;
    throw new Failure('transient', 'SegmentUnreadable', text, error);
  }
  const place: Place = { corrupt: (offset, what) => corrupt(dir, path, offset, what) };
  const end = bytes.length - 4;
  if (end < 0 || crc32(bytes.subarray(0, end)) !== bytes.readUInt32LE(end))
    throw place.corrupt(Math.max(0, end), 'it differs from its own hash');
  const headEnd = bytes.indexOf(10);
  const hashes = new Map<string, FileHashes>();
  let at = headEnd + 1;
  for (const { name, bytes: length } of filesOf(bytes.toString('utf8', 0, headEnd), place)) {
    const stretches = new Uint32Array(Math.ceil(length / STRETCH_BYTES));
    if (at + 4 * stretches.length > end) throw place.corrupt(at, `no hashes of ${name}`);
    for (let i = 0; i < stretches.length; i++, at += 4) stretches[i] = bytes.readUInt32LE(at);
    hashes.set(name, { bytes: length, stretches });
  }
  return hashes;
}

function filesOf(text: string, place: Place): { readonly name: string; readonly bytes: number }[] {
  const { version, stretchBytes, files } = parseJsonObject(text, place, 0, 'the head');
  if (version !== 1 || stretchBytes !== STRETCH_BYTES || !Array.isArray(files))
    throw place.corrupt(0, 'hashes of another release');
  return files.map((file: unknown) => {
    if (!isJsonObject(file) || typeof file['name'] !== 'string' || !isCount(file['bytes']))
      throw place.corrupt(0, 'the head names no file');
    return { name: file['name'], bytes: file['bytes'] };
  });
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function corrupt(dir: string, file: string, offset: number, what: string): Failure {
  const text = `segment ${dir}: ${file} at offset ${offset}: ${what}`;
  return new Failure('corrupt', 'SegmentChanged', text);
}

/** The first stretch of `bytes`, all of a file, that differs: its offset; undefined when none does. */
export function changedAt(bytes: Uint8Array, hashes: FileHashes): number | undefined {
  const taker = new HashTaker();
  taker.add(bytes);
  const { stretches } = taker.done();
  const count = Math.max(stretches.length, hashes.stretches.length);
  for (let i = 0; i < count; i++)
    if (stretches[i] !== hashes.stretches[i]) return i * STRETCH_BYTES;
  return undefined;
}
