// LZ4 frames as Kafka's clients write them: magic, descriptor, blocks, end mark. Header and content checksums
// are not looked at: the CRC of the batch covers them.
// Source: https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md

import { Failure } from '../../../core/runtime/failure.ts';
import type { Arena } from './arena.ts';

const MAGIC = 0x184d2204;

/** Appends the content of the frame in `bytes[from, to)` to the arena. @throws Failure `corrupt` Lz4Broken */
export function decodeLz4Frame(bytes: Uint8Array, from: number, to: number, arena: Arena): void {
  if (to - from < 7 || readUint32(bytes, from) !== MAGIC) throw broken('no frame magic');
  const flags = bytes[from + 4] ?? 0;
  if (flags >>> 6 !== 1) throw broken(`frame version ${flags >>> 6}`);
  const hasBlockChecksum = (flags & 0x10) !== 0;
  const hasContentSize = (flags & 0x08) !== 0;
  if ((flags & 0x01) !== 0) throw broken('frame needs a dictionary');
  const frameStart = arena.length;
  // Magic, flags, block descriptor, optional size, header checksum.
  let at = from + 7 + (hasContentSize ? 8 : 0);
  for (;;) {
    if (at + 4 > to) throw broken('a block is missing');
    const size = readUint32(bytes, at);
    at += 4;
    if (size === 0) return;
    const length = size & 0x7fffffff;
    if (length > to - at) throw broken('a block is longer than the frame');
    if (size >>> 31 === 1) arena.append(bytes.subarray(at, at + length));
    else decodeBlock(bytes, at, at + length, arena, frameStart);
    at += length + (hasBlockChecksum ? 4 : 0);
  }
}

// One block. Matches may reach back over blocks of the frame, never before it.
function decodeBlock(
  bytes: Uint8Array,
  from: number,
  to: number,
  arena: Arena,
  frameStart: number,
): void {
  let at = from;
  while (at < to) {
    const token = bytes[at++] ?? 0;
    let literals = token >>> 4;
    if (literals === 15) {
      let more: number;
      do {
        if (at >= to) throw broken('a length ends early');
        more = bytes[at++] ?? 0;
        literals += more;
      } while (more === 255);
    }
    if (literals > to - at) throw broken('literals end early');
    arena.append(bytes.subarray(at, at + literals));
    at += literals;
    if (at === to) return;
    if (to - at < 2) throw broken('an offset ends early');
    const distance = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
    at += 2;
    let length = (token & 15) + 4;
    if (length === 19) {
      let more: number;
      do {
        if (at >= to) throw broken('a length ends early');
        more = bytes[at++] ?? 0;
        length += more;
      } while (more === 255);
    }
    if (distance === 0 || distance > arena.length - frameStart)
      throw broken('a match reaches before the frame');
    copyMatch(arena, distance, length);
  }
}

function copyMatch(arena: Arena, distance: number, length: number): void {
  arena.reserve(length);
  const { bytes } = arena;
  const to = arena.length;
  // copyWithin copies as if at once; an overlapping match repeats what it has just written.
  if (distance >= length) bytes.copyWithin(to, to - distance, to - distance + length);
  else for (let i = 0; i < length; i++) bytes[to + i] = bytes[to + i - distance]!;
  arena.length += length;
}

function readUint32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16)) + bytes[at + 3]! * 0x1000000) >>>
    0
  );
}

function broken(why: string): Failure {
  return new Failure('corrupt', 'Lz4Broken', `lz4 data: ${why}`);
}
