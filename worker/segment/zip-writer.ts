// Writes a zip: local headers and deflated files as they come, sizes and checksums behind each file, the directory
// at the end. Fed by zip.ts with the files of a segment; read by unzipSegment and by Java's ZipInputStream, which takes
// sizes behind a file only when it is deflated. Source: druid-segment-format.md 5.1; APPNOTE.TXT 4.3, 4.5.3.

import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { crc32, createDeflateRaw } from 'node:zlib';
import { assert } from '../../core/runtime/failure.ts';

/** A file to pack. */
export interface ZipSource {
  /** Its name in the zip. */
  readonly name: string;
  readonly path: string;
}

/** A packed file, as the directory names it. */
export interface ZipEntry {
  readonly name: string;
  readonly crc32: number;
  /** Deflated. */
  readonly packedBytes: number;
  readonly bytes: number;
  /** Of the local header, from the start of the zip. */
  readonly offset: number;
}

/** Bytes read and packed at once: large enough that going to another thread and back does not count. */
const PIECE_BYTES = 1 << 20;
/**
 * LZ4 blocks have no matches left, so nearly all there is to gain is in the codes; a window of 4 KiB, whose tables stay in the
 * first cache, finds the matches of dictionaries and offsets as well as one of 32 KiB does, in two thirds of the time.
 */
const DEFLATE = { level: 1, windowBits: 12, chunkSize: PIECE_BYTES };

const U32_MAX = 0xffff_ffff;
const U16_MAX = 0xffff;
/** 2.0 for deflate, 4.5 for 64-bit offsets; made by Unix, so that the mode below counts. */
const [VERSION, VERSION_64, UNIX] = [20, 45, 3 << 8];
/** Sizes and checksum stand behind the file; names are UTF-8. */
const FLAGS = 0x0808;
const DEFLATED = 8;
/** 1980-01-01 0:00, the first there is; a fixed one, so that the same segment gives the same zip. */
const DATE = 0x21 * 0x10000;
/** A regular file that its owner may write. */
const MODE = 0o100644 * 0x10000;

/** A kind of record: bytes of its fields, the signature's first. */
type Layout = readonly (2 | 4 | 8)[];

const LOCAL: Layout = [4, 2, 2, 2, 4, 4, 4, 4, 2, 2];
const DESCRIPTOR: Layout = [4, 4, 4, 4];
const LINE: Layout = [4, 2, 2, 2, 2, 4, 4, 4, 4, 2, 2, 2, 2, 2, 4, 4];
const WIDE_OFFSET: Layout = [2, 2, 8];
const WIDE_END: Layout = [4, 8, 2, 2, 4, 4, 8, 8, 8, 8];
const WIDE_LOCATOR: Layout = [4, 4, 8, 4];
const END: Layout = [4, 2, 2, 2, 2, 4, 4, 2];

/**
 * The bytes of a zip of `sources`, in their order.
 *
 * @throws Error of the file system
 */
export async function* zipBytes(sources: readonly ZipSource[]): AsyncGenerator<Buffer> {
  const entries: ZipEntry[] = [];
  let offset = 0;
  for (const { name, path } of sources) {
    const head = localHeader(name);
    yield head;
    let [sum, bytes, packedBytes] = [0, 0, 0];
    const measured = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
      for await (const chunk of chunks) {
        sum = crc32(chunk, sum);
        bytes += chunk.length;
        yield chunk;
      }
    };
    const file = createReadStream(path, { highWaterMark: PIECE_BYTES });
    // An error destroys the last of them, so it is thrown by the loop.
    const packed = pipeline(file, measured, createDeflateRaw(DEFLATE), () => undefined);
    for await (const chunk of packed as AsyncIterable<Buffer>) {
      packedBytes += chunk.length;
      yield chunk;
    }
    const entry = { name, crc32: sum, packedBytes, bytes, offset };
    const tail = descriptor(entry);
    yield tail;
    entries.push(entry);
    offset += head.length + packedBytes + tail.length;
  }
  yield zipDirectory(entries, offset);
}

function record(layout: Layout, ...values: readonly number[]): Buffer {
  const out = Buffer.alloc(layout.reduce((sum: number, size) => sum + size, 0));
  let at = 0;
  for (const [i, size] of layout.entries()) {
    const value = values[i] ?? 0;
    if (size === 8) out.writeBigUInt64LE(BigInt(value), at);
    else out.writeUIntLE(value, at, size);
    at += size;
  }
  return out;
}

function localHeader(name: string): Buffer {
  const text = Buffer.from(name);
  const head = [0x04034b50, VERSION, FLAGS, DEFLATED, DATE, 0, 0, 0, text.length, 0];
  return Buffer.concat([record(LOCAL, ...head), text]);
}

function descriptor({ name, crc32: sum, packedBytes, bytes }: ZipEntry): Buffer {
  assert(bytes < 2 ** 31, `file '${name}' has ${bytes} bytes, chunk files have less than 2 GiB`);
  return record(DESCRIPTOR, 0x08074b50, sum, packedBytes, bytes);
}

/** The end of a zip, its directory, which starts at `start`. Offsets that 32 bits do not hold have 64. */
export function zipDirectory(entries: readonly ZipEntry[], start: number): Buffer {
  const lines = Buffer.concat(entries.map(directoryLine));
  const [count, bytes] = [entries.length, lines.length];
  if (start <= U32_MAX) {
    const end = record(END, 0x06054b50, 0, 0, count, count, bytes, start, 0);
    return Buffer.concat([lines, end]);
  }
  const versions = [UNIX | VERSION_64, VERSION_64];
  return Buffer.concat([
    lines,
    record(WIDE_END, 0x06064b50, 44, ...versions, 0, 0, count, count, bytes, start),
    record(WIDE_LOCATOR, 0x07064b50, 0, start + bytes, 1),
    record(END, 0x06054b50, 0, 0, U16_MAX, U16_MAX, bytes, U32_MAX, 0),
  ]);
}

function directoryLine({ name, crc32: sum, packedBytes, bytes, offset }: ZipEntry): Buffer {
  const text = Buffer.from(name);
  const isWide = offset > U32_MAX;
  const extra = isWide ? record(WIDE_OFFSET, 1, 8, offset) : Buffer.alloc(0);
  const version = isWide ? VERSION_64 : VERSION;
  const head = [0x02014b50, UNIX | version, version, FLAGS, DEFLATED, DATE];
  const sizes = [sum, packedBytes, bytes, text.length, extra.length, 0, 0, 0];
  const line = record(LINE, ...head, ...sizes, MODE, isWide ? U32_MAX : offset);
  return Buffer.concat([line, text, extra]);
}
