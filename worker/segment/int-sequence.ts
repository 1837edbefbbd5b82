// Sequences of non-negative ints: dictionary ids and row offsets, in the layouts of all releases.
// Read by string columns. Source: druid-segment-format.md 2.2.3.
//
//   V0 = 00, u8 w, i32 byteCount, values of w bytes big-endian, 4-w zero bytes
//   C2 = 02, u8 w, i32 n, i32 sizePer, u8 compression, block container of w-byte values in value order
//   CI = 02, i32 n, i32 sizePer, u8 compression, block container of 4-byte values in value order

import {
  cachedBlocks,
  type CachedBlocks,
  type Decoded,
  eachRun,
  type ReadContext,
  type TakeBytes,
} from './block-cache.ts';
import {
  type BlockSource,
  checkBlockSize,
  readBlockContainer,
  readPlainRun,
} from './block-container.ts';
import { compressionOf } from './compression.ts';
import type { Cursor, InternalFile } from './internal-file.ts';
import { greatestPeeked } from './peeked-numbers.ts';

type IntBlock = Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer> | Int32Array<ArrayBuffer>;

/** Reads runs of a sequence. */
export interface IntReader {
  readonly length: number;
  /** Copies values `from .. from+count-1` to `out[at..]`. The caller keeps within `length`. */
  read(from: number, count: number, out: Int32Array, at: number): void;
}

/** How the bytes of a sequence are laid out. */
interface IntLayout {
  readonly length: number;
  readonly sizePer: number;
  readonly width: number;
  readonly isLittleEndian: boolean;
  /** Exclusive: a value at or above it is corrupt. */
  readonly limit: number;
}

class BlockIntReader implements IntReader {
  readonly length: number;
  readonly #sizePer: number;
  readonly #blocks: CachedBlocks<IntBlock>;

  constructor(file: InternalFile, context: ReadContext, source: BlockSource, layout: IntLayout) {
    this.length = layout.length;
    this.#sizePer = layout.sizePer;
    const decode = (index: number, take: TakeBytes): Decoded<IntBlock> => {
      const numbers = widen(source.peek(index), layout);
      checkLimit(numbers, layout.limit, file, source.offsetOf(index));
      const value = copyOf(numbers, take);
      return { value, bytes: value.byteLength, buffer: value.buffer };
    };
    this.#blocks = cachedBlocks(context, decode, true);
  }

  read(from: number, count: number, out: Int32Array, at: number): void {
    eachRun(this.#blocks, this.#sizePer, from, count, (block, start, n, done) =>
      out.set(block.subarray(start, start + n), at + done),
    );
  }
}

type IntNumbers = Uint8Array | Uint16Array | Int32Array;

/** Bytes of a block as an array of numbers, where they are. Three-byte values are copied. */
function widen(bytes: Uint8Array, layout: IntLayout): IntNumbers {
  const { width, isLittleEndian } = layout;
  const { buffer, byteOffset, length } = bytes;
  if (width === 1) return bytes;
  if (width === 2) {
    if (!isLittleEndian) Buffer.from(buffer, byteOffset, length).swap16();
    return new Uint16Array(buffer, byteOffset, length >>> 1);
  }
  if (width === 4) {
    if (!isLittleEndian) Buffer.from(buffer, byteOffset, length).swap32();
    return new Int32Array(buffer, byteOffset, length >>> 2);
  }
  const out = new Int32Array(length / 3);
  const [low, high] = isLittleEndian ? [0, 2] : [2, 0];
  for (let i = 0, p = 0; i < out.length; i++, p += 3) {
    out[i] = bytes[p + low]! | (bytes[p + 1]! << 8) | (bytes[p + high]! << 16);
  }
  return out;
}

/** The numbers in memory that `take` gives. */
function copyOf(numbers: IntNumbers, take: TakeBytes): IntBlock {
  const buffer = take(numbers.byteLength);
  const out =
    numbers instanceof Uint8Array
      ? new Uint8Array(buffer)
      : numbers instanceof Uint16Array
        ? new Uint16Array(buffer)
        : new Int32Array(buffer);
  out.set(numbers);
  return out;
}

function checkLimit(block: IntNumbers, limit: number, file: InternalFile, offset: number): void {
  if (isWithin(block, limit)) return;
  for (let i = 0; i < block.length; i++) {
    if (block[i]! >= limit || block[i]! < 0) {
      throw file.corrupt(
        offset,
        `value ${i} of the block is ${block[i]}, expected 0 to ${limit - 1}`,
      );
    }
  }
}

/** True when no value is negative, nor at or above the limit; the sign bit of either shows it. */
function isWithin(block: IntNumbers, limit: number): boolean {
  if (limit > 256 ** block.BYTES_PER_ELEMENT - 1) return true;
  const last = limit - 1;
  const greatest = block instanceof Int32Array ? undefined : greatestPeeked(block);
  if (greatest !== undefined) return greatest <= last;
  let bits = 0;
  // A loop for each type: one loop over all of them would look up the type at every value.
  if (block instanceof Uint8Array) {
    for (let i = 0; i < block.length; i++) bits |= last - block[i]!;
  } else if (block instanceof Uint16Array) {
    for (let i = 0; i < block.length; i++) bits |= last - block[i]!;
  } else {
    for (let i = 0; i < block.length; i++) bits |= (last - block[i]!) | block[i]!;
  }
  return bits >= 0;
}

/** Values of an uncompressed sequence decoded at once. */
const PLAIN_BLOCK_VALUES = 16_384;

/** Reads V0 at the cursor and moves past it. @throws Failure `corrupt` */
export function readPlainInts(cursor: Cursor, context: ReadContext, limit: number): IntReader {
  const { file } = cursor;
  const start = cursor.position;
  if (cursor.u8() !== 0) throw file.corrupt(start, 'plain ints of version 0 are expected');
  const width = readWidth(cursor);
  const bytes = cursor.size(cursor.remaining - 4, 'bytes of plain ints');
  const padding = 4 - width;
  const length = (bytes - padding) / width;
  if (!Number.isInteger(length) || length < 0) {
    throw file.corrupt(
      start,
      `${bytes} bytes are not whole values of ${width} bytes and ${padding} more`,
    );
  }
  const sizePer = PLAIN_BLOCK_VALUES;
  const source = readPlainRun(cursor, length, sizePer, width);
  cursor.skip(padding);
  return new BlockIntReader(file, context, source, {
    length,
    sizePer,
    width,
    isLittleEndian: false,
    limit,
  });
}

/** Reads `length` big-endian ints of `width` bytes that lie at the cursor. @throws Failure `corrupt` */
export function readBareInts(
  cursor: Cursor,
  context: ReadContext,
  shape: { readonly length: number; readonly width: number; readonly limit: number },
): IntReader {
  const sizePer = PLAIN_BLOCK_VALUES;
  const source = readPlainRun(cursor, shape.length, sizePer, shape.width);
  return new BlockIntReader(cursor.file, context, source, {
    ...shape,
    sizePer,
    isLittleEndian: false,
  });
}

/** Reads C2 at the cursor and moves past it. @throws Failure `corrupt` */
export function readCompressedInts(
  cursor: Cursor,
  context: ReadContext,
  options: { readonly isLittleEndian: boolean; readonly limit: number; readonly hasWidth: boolean },
): IntReader {
  const { file } = cursor;
  const start = cursor.position;
  if (cursor.u8() !== 2) throw file.corrupt(start, 'compressed ints of version 2 are expected');
  const width = options.hasWidth ? readWidth(cursor) : 4;
  const length = cursor.size(0x7fffffff, 'number of ints');
  const sizePerAt = cursor.position;
  const sizePer = cursor.size(0x7fffffff, 'ints a block');
  const id = cursor.i8();
  const compression = compressionOf(id, file, cursor.position - 1);
  const shape = { values: length, sizePer, compression, bytesOf: (n: number) => n * width };
  checkBlockSize(file, sizePerAt, shape);
  const source = readBlockContainer(cursor, shape);
  return new BlockIntReader(file, context, source, { ...options, length, sizePer, width });
}

function readWidth(cursor: Cursor): number {
  const width = cursor.u8();
  if (width < 1 || width > 4) {
    throw cursor.file.corrupt(cursor.position - 1, `ints of ${width} bytes, expected 1 to 4`);
  }
  return width;
}
