// Block containers: an indexed container whose elements are compressed blocks of a fixed number of values.
// Read by number columns and id columns. Source: druid-segment-format.md 2.2.2.
//
//   container = 01 flag, i32 bytes after this field, i32 blocks, i32 end offset per block, values
//   value     = i32 marker, compressed block

import { BLOCK_BYTES_MAX, type Compression, decompress, peekDecompressed } from './compression.ts';
import type { TakeBytes } from './block-cache.ts';
import type { Cursor, InternalFile } from './internal-file.ts';
import { lz4Input, peekLz4At, peekLz4Pair, secondOfPair } from './lz4-wasm.ts';
import { AHEAD_BYTES, placeOn } from './read-ahead.ts';

/** What a block's size follows from. */
export interface BlockShape {
  /** Values in all. */
  readonly values: number;
  /** Values in every block but the last. */
  readonly sizePer: number;
  readonly compression: Compression;
  /** Decompressed bytes of a block of so many values. */
  bytesOf(values: number): number;
}

/** Numbered blocks of bytes. */
export interface BlockSource {
  /** The decompressed bytes of a block, in memory that `take` gives. */
  read(index: number, take: TakeBytes): Uint8Array<ArrayBuffer>;
  /** The same bytes, at the start of a buffer aligned for any number, valid until the next call of any source. */
  peek(index: number): Uint8Array<ArrayBuffer>;
  /**
   * As {@link peek}, for who goes on with the next block: that one may be unpacked along, which is quicker. What it gave is not given
   * again before the next.
   */
  peekOn(index: number): Uint8Array<ArrayBuffer>;
  /** Where block `index` starts in its file, for messages. */
  offsetOf(index: number): number;
}

/** No compression makes a block longer than this. */
const COMPRESSED_MAX = BLOCK_BYTES_MAX + 1024;

/**
 * Reads the container at the cursor and moves past it.
 *
 * @throws Failure `corrupt` unless there are as many blocks as the values need, each within the container
 */
export function readBlockContainer(cursor: Cursor, shape: BlockShape): BlockSource {
  const { file } = cursor;
  const start = cursor.position;
  if (cursor.u8() !== 1) throw file.corrupt(start, 'a block container of version 1 is expected');
  cursor.u8();
  const bytes = cursor.size(cursor.remaining - 4, 'length of the block container');
  const end = cursor.position + bytes;
  cursor.need(bytes);
  const blocks = cursor.size(Math.floor((bytes - 4) / 4), 'number of blocks');
  const expected = shape.sizePer === 0 ? 0 : Math.ceil(shape.values / shape.sizePer);
  if (blocks !== expected) {
    throw file.corrupt(start, `${blocks} blocks for ${shape.values} values, expected ${expected}`);
  }
  const ends = readEnds(file, cursor.position, blocks, end - cursor.position - 4 * blocks);
  const valuesAt = cursor.position + 4 * blocks;
  cursor.position = end;
  return blockSource(file, shape, ends, valuesAt);
}

function readEnds(file: InternalFile, at: number, count: number, valueBytes: number): Int32Array {
  const view = new DataView(file.read(at, 4 * count).buffer);
  const ends = new Int32Array(count);
  let previous = 0;
  for (let i = 0; i < count; i++) {
    const end = view.getInt32(4 * i);
    if (end < previous + 4 || end > valueBytes) {
      throw file.corrupt(at + 4 * i, `block ${i} ends at ${end}, the one before at ${previous}`);
    }
    ends[i] = end;
    previous = end;
  }
  return ends;
}

/** Whose block was unpacked along with the one before it and waits to be asked for: of the container with these `ends`. */
let waiting: { readonly ends: Int32Array; readonly index: number } | undefined;
/** A container whose blocks were unpacked along in vain so often has them unpacked one by one. */
const LOST_MAX = 2;

function blockSource(
  file: InternalFile,
  shape: BlockShape,
  ends: Int32Array,
  valuesAt: number,
): BlockSource {
  const offsetOf = (index: number): number =>
    valuesAt + (index === 0 ? 0 : (ends[index - 1] ?? 0)) + 4;
  const bytesOf = (index: number): number =>
    shape.bytesOf(Math.min(shape.sizePer, shape.values - index * shape.sizePer));
  const lengthOf = (index: number): number => {
    const offset = offsetOf(index);
    const length = valuesAt + (ends[index] ?? 0) - offset;
    if (length > COMPRESSED_MAX) throw file.corrupt(offset, `block ${index} has ${length} bytes`);
    return length;
  };
  const packed = (index: number): Uint8Array => {
    const length = lengthOf(index);
    file.readInto(offsetOf(index), lz4Input, 0, length);
    return lz4Input.subarray(0, length);
  };
  const { compression } = shape;
  const end = valuesAt + (ends.at(-1) ?? 0);
  const peekAlone = (index: number): Uint8Array<ArrayBuffer> =>
    peekDecompressed(compression, packed(index), bytesOf(index), file, offsetOf(index));
  let nextIndex = -1;
  const peek = (index: number): Uint8Array<ArrayBuffer> => {
    const isNext = index === nextIndex;
    nextIndex = index + 1;
    if (!isNext || compression !== 'lz4') return peekAlone(index);
    const length = lengthOf(index);
    const bytes = peekLz4At(placeOn(file, offsetOf(index), length, end), length, bytesOf(index));
    // Where it is wrong the other way tells how.
    return bytes?.length === bytesOf(index) ? bytes : peekAlone(index);
  };
  let awaited = -1;
  let lost = 0;
  /** Block `index`, and the next along; undefined when either is not what it should be, or both are too long. */
  const peekPair = (index: number): Uint8Array<ArrayBuffer> | undefined => {
    const next = index + 1;
    const [first, second] = [lengthOf(index), lengthOf(next)];
    if (first + 4 + second > AHEAD_BYTES) return undefined;
    const at = placeOn(file, offsetOf(index), first + 4 + second, end);
    const bytes = peekLz4Pair(
      { at, packed: first, length: bytesOf(index) },
      { at: at + first + 4, packed: second, length: bytesOf(next) },
    );
    if (bytes === undefined) return undefined;
    waiting = { ends, index: next };
    awaited = next;
    nextIndex = next + 1;
    return bytes;
  };
  return {
    offsetOf,
    read(index, take) {
      const out = new Uint8Array(take(bytesOf(index)));
      decompress(compression, packed(index), out, file, offsetOf(index));
      return out;
    },
    peek,
    peekOn(index) {
      if (waiting?.ends === ends && waiting.index === index) {
        waiting = undefined;
        return secondOfPair(bytesOf(index));
      }
      if (index === awaited) {
        lost++;
        nextIndex = index;
      }
      const isPaired = index === nextIndex && index + 1 < ends.length && lost < LOST_MAX;
      return (isPaired && compression === 'lz4' ? peekPair(index) : undefined) ?? peek(index);
    },
  };
}

/** Values that lie back to back without blocks, read as if in blocks of `sizePer`. Moves the cursor past them. */
export function readPlainRun(
  cursor: Cursor,
  values: number,
  sizePer: number,
  width: number,
): BlockSource {
  const { file, position: at } = cursor;
  cursor.skip(values * width);
  const offsetOf = (index: number): number => at + index * sizePer * width;
  const bytesOf = (index: number): number => Math.min(sizePer, values - index * sizePer) * width;
  const peek = (index: number): Uint8Array<ArrayBuffer> =>
    file.read(offsetOf(index), bytesOf(index));
  return {
    offsetOf,
    read(index, take) {
      const out = new Uint8Array(take(bytesOf(index)));
      file.readInto(offsetOf(index), out, 0, out.length);
      return out;
    },
    peek,
    peekOn: peek,
  };
}

/** @throws Failure `corrupt` unless full blocks hold at least one value and at most {@link BLOCK_BYTES_MAX} bytes */
export function checkBlockSize(file: InternalFile, offset: number, shape: BlockShape): void {
  const { sizePer, values } = shape;
  if (sizePer < 0 || (sizePer === 0 && values > 0) || shape.bytesOf(sizePer) > BLOCK_BYTES_MAX) {
    throw file.corrupt(
      offset,
      `${sizePer} values a block: expected 1 or more, at most ${BLOCK_BYTES_MAX} bytes`,
    );
  }
}
