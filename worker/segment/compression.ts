// Block compression by Druid's ids: all are read and written. Fed by block readers and writers. Source: druid-segment-format.md 2.2.1, 8.2.

import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { Failure } from '../../core/runtime/failure.ts';
import type { Place } from './place.ts';
import { compressLz4, compressLz4Small, decompressLz4, peekLz4 } from './lz4-wasm.ts';
import { lzfCompress } from './lzf-writer.ts';
import { lzfDecompress } from './lzf.ts';

/** Ids as stored; signed bytes. */
const COMPRESSION_IDS = { lzf: 0, lz4: 1, zstd: 2, uncompressed: -1, none: -2 } as const;
/** A compression by name. */
export type Compression = keyof typeof COMPRESSION_IDS;

/** The most bytes of a decompressed block. Source: druid-segment-format.md 2.2.2. */
export const BLOCK_BYTES_MAX = 65_536;

/** The name of an id. @throws Failure `corrupt` for an unknown one */
export function compressionOf(id: number, place: Place, offset: number): Compression {
  switch (id) {
    case 0:
      return 'lzf';
    case 1:
      return 'lz4';
    case 2:
      return 'zstd';
    case -1:
      return 'uncompressed';
    case -2:
      return 'none';
    default:
      throw place.corrupt(offset, `compression id ${id} is unknown`);
  }
}

/** Decompresses a block to exactly `out.length` bytes. @throws Failure `corrupt` when it holds more or less */
export function decompress(
  compression: Compression,
  src: Uint8Array,
  out: Uint8Array,
  place: Place,
  offset: number,
): void {
  const length = decompressSome(compression, src, out);
  if (length !== out.length) throw misfit(compression, length, out.length, place, offset);
}

/** What was peeked at last, unless by LZ4, which has a place of its own. */
const peeked = new Uint8Array(BLOCK_BYTES_MAX);

/**
 * As {@link decompress} of `length` bytes, at most {@link BLOCK_BYTES_MAX}, without an array of their own: valid until the
 * next block is unpacked, aligned for any number.
 */
export function peekDecompressed(
  compression: Compression,
  src: Uint8Array,
  length: number,
  place: Place,
  offset: number,
): Uint8Array<ArrayBuffer> {
  if (compression === 'lz4') {
    const bytes = peekLz4(src, length);
    if (bytes?.length === length) return bytes;
    throw misfit(compression, bytes?.length ?? -1, length, place, offset);
  }
  const out = peeked.subarray(0, length);
  decompress(compression, src, out, place, offset);
  return out;
}

function misfit(
  compression: Compression,
  got: number,
  expected: number,
  place: Place,
  offset: number,
): Failure {
  const what = got < 0 ? 'is malformed or too long' : `holds ${got} bytes`;
  return place.corrupt(offset, `${compression} block ${what}, expected ${expected} bytes`);
}

function decompressSome(compression: Compression, src: Uint8Array, out: Uint8Array): number {
  switch (compression) {
    case 'lz4':
      return decompressLz4(src, out);
    case 'lzf':
      return lzfDecompress(src, out);
    case 'zstd':
      return zstdInto(src, out);
    default:
      if (src.length <= out.length) out.set(src);
      return src.length <= out.length ? src.length : -1;
  }
}

function zstdInto(src: Uint8Array, out: Uint8Array): number {
  let bytes: Uint8Array;
  try {
    bytes = zstdDecompressSync(src, { maxOutputLength: out.length });
  } catch {
    return -1;
  }
  out.set(bytes);
  return bytes.length;
}

/** Compressions a block can be written with; the last three are lz4 and zstd written with more effort. */
export type WrittenCompression =
  | Exclude<Compression, 'none'>
  | 'lz4Small'
  | 'lz4Smallest'
  | 'zstdSmall';

/** The id that a block is stored with. */
export function compressionId(compression: WrittenCompression | 'none'): number {
  switch (compression) {
    case 'lz4Small':
    case 'lz4Smallest':
      return COMPRESSION_IDS.lz4;
    case 'zstdSmall':
      return COMPRESSION_IDS.zstd;
    default:
      return COMPRESSION_IDS[compression];
  }
}

/** The highest level, which Druid takes. */
const ZSTD_SMALL = { params: { [constants.ZSTD_c_compressionLevel]: 22 } };

/** Compresses a block of values of `width` bytes; the result is valid until the next call. */
export function compress(
  compression: WrittenCompression,
  block: Uint8Array,
  width = 1,
): Uint8Array {
  switch (compression) {
    case 'lz4':
      return compressLz4(block);
    case 'lz4Small':
      return compressLz4Small(block, width, false);
    case 'lz4Smallest':
      return compressLz4Small(block, width, true);
    case 'lzf':
      return lzfCompress(block);
    case 'zstd':
      return zstdCompressSync(block);
    case 'zstdSmall':
      return zstdCompressSync(block, ZSTD_SMALL);
    default:
      return block;
  }
}
