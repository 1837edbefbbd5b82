// The codecs of record batches, by the number in a batch's attributes. Each appends the plain records to an
// arena, within its bound.

import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import snappy from 'snappyjs';
import { Failure, isFailure, messageOf } from '../../../core/runtime/failure.ts';
import type { Arena } from './arena.ts';
import { decodeLz4Frame } from './lz4-frame.ts';

/** Codec numbers of a batch's attributes, in order: index = number. */
const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;

/** Appends the records of `bytes[from, to)`. @throws Failure `corrupt` CodecUnknown, CodecDataBroken, BatchTooLarge */
export function decompress(
  codec: number,
  bytes: Uint8Array,
  from: number,
  to: number,
  arena: Arena,
): void {
  const source = bytes.subarray(from, to);
  try {
    switch (CODECS[codec]) {
      case 'none':
        return arena.append(source);
      case 'gzip':
        return arena.append(gunzipSync(source, { maxOutputLength: arena.room }));
      case 'snappy':
        return decodeSnappy(source, arena);
      case 'lz4':
        return decodeLz4Frame(bytes, from, to, arena);
      case 'zstd':
        return arena.append(zstdDecompressSync(source, { maxOutputLength: arena.room }));
      default:
        throw new Failure(
          'corrupt',
          'CodecUnknown',
          `compression codec ${codec} is unknown; known are ${CODECS.join(', ')}`,
        );
    }
  } catch (error) {
    if (isFailure(error)) throw error;
    throw new Failure(
      'corrupt',
      'CodecDataBroken',
      `${CODECS[codec]} data: ${messageOf(error)}`,
      error,
    );
  }
}

// The framing of snappy-java: this magic, two versions of four bytes, then blocks with a big-endian length.
const XERIAL = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00];

function decodeSnappy(source: Uint8Array, arena: Arena): void {
  if (!XERIAL.every((byte, i) => source[i] === byte)) return appendSnappyBlock(source, arena);
  const view = new DataView(source.buffer, source.byteOffset, source.byteLength);
  for (let at = 16; at < source.length;) {
    const length = at + 4 <= source.length ? view.getUint32(at) : Infinity;
    if (length > source.length - at - 4) throw new Error('a block is longer than the data');
    appendSnappyBlock(source.subarray(at + 4, at + 4 + length), arena);
    at += 4 + length;
  }
}

// A copy of at most 64 bytes takes three: no honest block grows more than this.
const SNAPPY_RATIO_MAX = 22;

function appendSnappyBlock(block: Uint8Array, arena: Arena): void {
  // The library allocates what the block claims, so the claim is bounded first.
  arena.append(
    snappy.uncompress(block, Math.min(arena.room, block.length * SNAPPY_RATIO_MAX + 64)),
  );
}
