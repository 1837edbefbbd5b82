// The supplier of a long, double or float column: n values in blocks. Read by number-column.ts and, for
// `__time`, by reader.ts. Source: druid-segment-format.md 2.4.1.
//
//   supplier = 02, i32 rows, i32 sizePer, i8 compression id (longs: id - 126 = encoded), [encoding header], blocks
//            | 01, i32 rows, i32 sizePer, block container (LZF)

import {
  cachedBlocks,
  type CachedBlocks,
  type ReadContext,
  type TakeBytes,
} from './block-cache.ts';
import {
  type BlockShape,
  type BlockSource,
  checkBlockSize,
  readBlockContainer,
  readPlainRun,
} from './block-container.ts';
import { BLOCK_BYTES_MAX, compressionOf } from './compression.ts';
import type { Cursor } from './internal-file.ts';
import type { Place } from './place.ts';
import { narrowLongs, sumPeeked } from './lz4-wasm.ts';
import { type LongDecoder, plainLongs, readLongEncoding } from './long-encoding.ts';

/** Value types of numeric columns. */
export type NumberType = 'LONG' | 'DOUBLE' | 'FLOAT';
/** Longs that fit 32 bits are kept so: half the memory, and sums need no BigInt. */
type NumberBlock =
  | BigInt64Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>
  | Float32Array<ArrayBuffer>;

/** Values of a numeric column, nulls as 0. */
export interface NumberSupplier {
  readonly rows: number;
  readonly type: NumberType;
  /** LONG only. */
  readLongs(from: number, count: number, out: BigInt64Array): void;
  readDoubles(from: number, count: number, out: Float64Array): void;
  /** See {@link NumericColumn.intRun}. */
  intRun(from: number, count: number): Int32Array | undefined;
  /** See {@link NumericColumn.runSum}. */
  runSum(from: number, count: number): number | undefined;
}

/** Ids below this are `id - 126` and announce an encoding header. */
const ENCODED_BELOW = -2;

/** Reads the supplier at the cursor, up to its end. @throws Failure `corrupt` */
export function readNumberSupplier(
  cursor: Cursor,
  context: ReadContext,
  type: NumberType,
  isLittleEndian: boolean,
): NumberSupplier {
  const { file } = cursor;
  const start = cursor.position;
  const version = cursor.u8();
  if (version !== 1 && version !== 2) throw file.corrupt(start, `numbers of version ${version}`);
  const rows = cursor.size(0x7fffffff, 'number of rows');
  const sizePer = cursor.size(0x7fffffff, 'values a block');
  const rawId = version === 1 ? 0 : cursor.i8();
  const isEncoded = type === 'LONG' && rawId < ENCODED_BELOW;
  const id = isEncoded ? ((rawId + 126) << 24) >> 24 : rawId;
  const compression = compressionOf(id, file, start + 9);
  const longs = isEncoded ? readLongEncoding(cursor, isLittleEndian) : plainLongs(isLittleEndian);
  const decoder = type === 'LONG' ? longDecoder(longs) : floatingDecoder(type, isLittleEndian);
  if (compression === 'none' && isEncoded)
    return packedRun(cursor, context, rows, longDecoder(longs));
  if (compression === 'none') {
    const per = 8192;
    const source = readPlainRun(cursor, rows, per, decoder.bytesOf(1));
    return blockSupplier(cursor, context, { type, rows, sizePer: per, source, decoder });
  }
  const shape: BlockShape = { values: rows, sizePer, compression, bytesOf: decoder.bytesOf };
  checkBlockSize(file, start + 5, shape);
  const source = readBlockContainer(cursor, shape);
  return blockSupplier(cursor, context, { type, rows, sizePer, source, decoder });
}

/** Block `index` of `source`. */
interface BlockPlace {
  readonly source: BlockSource;
  readonly index: number;
  readonly file: Place;
}

interface NumberDecoder {
  bytesOf(values: number): number;
  decode(from: BlockPlace, values: number, take: TakeBytes): NumberBlock;
  /** The sum of a block that is not kept, NaN unless all values are integers of 32 bits; undefined = decode it. */
  sum?(from: BlockPlace, values: number): number | undefined;
}

/** Decodes longs where the block was unpacked; what fits 32 bits is never copied in 64. */
function longDecoder(longs: LongDecoder): NumberDecoder {
  return {
    bytesOf: longs.bytesOf,
    decode({ source, index, file }, values, take) {
      const bytes = source.peek(index);
      const decoded = longs.decode(bytes, values, file, source.offsetOf(index));
      const narrow = narrowLongs(decoded, take);
      if (narrow !== undefined || decoded.buffer !== bytes.buffer) return narrow ?? decoded;
      const kept = new BigInt64Array(take(decoded.byteLength));
      kept.set(decoded);
      return kept;
    },
    sum: ({ source, index, file }, values) =>
      sumPeeked(longs.decode(source.peek(index), values, file, source.offsetOf(index))),
  };
}

function floatingDecoder(type: 'DOUBLE' | 'FLOAT', isLittleEndian: boolean): NumberDecoder {
  const width = type === 'DOUBLE' ? 8 : 4;
  return {
    bytesOf: (values) => width * values,
    decode({ source, index }, _values, take) {
      const bytes = source.read(index, take);
      const buffer = Buffer.from(bytes.buffer);
      if (!isLittleEndian) void (width === 8 ? buffer.swap64() : buffer.swap32());
      return width === 8 ? new Float64Array(bytes.buffer) : new Float32Array(bytes.buffer);
    },
  };
}

/** Packed longs without blocks: cut into runs that start at a byte. Eight values always do. */
function packedRun(
  cursor: Cursor,
  context: ReadContext,
  rows: number,
  decoder: NumberDecoder,
): NumberSupplier {
  const { file, position: at } = cursor;
  cursor.skip(decoder.bytesOf(rows));
  const per = 8192;
  const stride = decoder.bytesOf(per) - 4;
  if (decoder.bytesOf(per) > BLOCK_BYTES_MAX + 4)
    throw file.corrupt(at, 'packed longs are too wide');
  const offsetOf = (index: number): number => at + index * stride;
  const peek = (index: number): Uint8Array<ArrayBuffer> =>
    file.read(offsetOf(index), decoder.bytesOf(Math.min(per, rows - index * per)));
  const source: BlockSource = { offsetOf, read: peek, peek };
  return blockSupplier(cursor, context, { type: 'LONG', rows, sizePer: per, source, decoder });
}

function blockSupplier(
  cursor: Cursor,
  context: ReadContext,
  parts: {
    readonly type: NumberType;
    readonly rows: number;
    readonly sizePer: number;
    readonly source: BlockSource;
    readonly decoder: NumberDecoder;
  },
): NumberSupplier {
  const { type, rows, sizePer, source, decoder } = parts;
  const { file } = cursor;
  const blocks = cachedBlocks<NumberBlock>(context, (index, take) => {
    const values = Math.min(sizePer, rows - index * sizePer);
    const value = decoder.decode({ source, index, file }, values, take);
    return { value, bytes: value.byteLength, buffer: value.buffer };
  });
  const sum = (index: number): number | undefined =>
    decoder.sum?.({ source, index, file }, Math.min(sizePer, rows - index * sizePer));
  return new BlockNumbers({ type, rows, sizePer, blocks, sum });
}

class BlockNumbers implements NumberSupplier {
  readonly type: NumberType;
  readonly rows: number;
  readonly #sizePer: number;
  readonly #blocks: CachedBlocks<NumberBlock>;
  readonly #sumUndecoded: (index: number) => number | undefined;
  /** Sums of blocks; NaN = has other values than integers of 32 bits. A few bytes a block, so they stay. */
  readonly #sums: (number | undefined)[] = [];

  constructor(parts: {
    readonly type: NumberType;
    readonly rows: number;
    readonly sizePer: number;
    readonly blocks: CachedBlocks<NumberBlock>;
    readonly sum: (index: number) => number | undefined;
  }) {
    this.type = parts.type;
    this.rows = parts.rows;
    this.#sizePer = parts.sizePer;
    this.#blocks = parts.blocks;
    this.#sumUndecoded = parts.sum;
  }

  readLongs(from: number, count: number, out: BigInt64Array): void {
    let done = 0;
    while (done < count) {
      const index = Math.floor((from + done) / this.#sizePer);
      const start = from + done - index * this.#sizePer;
      const block = this.#blocks.get(index);
      const n = Math.min(count - done, block.length - start);
      if (block instanceof BigInt64Array) out.set(block.subarray(start, start + n), done);
      else if (block instanceof Int32Array) widenInts(block, start, n, out, done);
      done += n;
    }
  }

  intRun(from: number, count: number): Int32Array | undefined {
    const index = Math.floor(from / this.#sizePer);
    const start = from - index * this.#sizePer;
    // A run that ends in the next block, or an empty one at the very end.
    if (count === 0 || start + count > this.#sizePer) return undefined;
    const block = this.#blocks.lend(index);
    if (!(block instanceof Int32Array)) return undefined;
    return start === 0 && count === block.length ? block : block.subarray(start, start + count);
  }

  runSum(from: number, count: number): number | undefined {
    const index = Math.floor(from / this.#sizePer);
    const start = index * this.#sizePer;
    if (from !== start || count === 0) return undefined;
    if (count !== Math.min(this.#sizePer, this.rows - start)) return undefined;
    const sum = (this.#sums[index] ??= this.#sumOf(index));
    return Number.isNaN(sum) ? undefined : sum;
  }

  /** A block that only its sum is asked of is not worth memory in the cache. */
  #sumOf(index: number): number {
    const sum = this.#blocks.has(index) ? undefined : this.#sumUndecoded(index);
    if (sum !== undefined) return sum;
    const block = this.#blocks.get(index);
    return block instanceof Int32Array ? block.reduce((a, b) => a + b, 0) : Number.NaN;
  }

  readDoubles(from: number, count: number, out: Float64Array): void {
    let done = 0;
    while (done < count) {
      const index = Math.floor((from + done) / this.#sizePer);
      const start = from + done - index * this.#sizePer;
      const block = this.#blocks.get(index);
      const n = Math.min(count - done, block.length - start);
      if (block instanceof BigInt64Array) roundLongs(block, start, n, out, done);
      else out.set(block.subarray(start, start + n), done);
      done += n;
    }
  }
}

/** Longs from ints, by halves: low first, then the sign. */
function widenInts(
  block: Int32Array,
  start: number,
  count: number,
  out: BigInt64Array,
  at: number,
): void {
  const halves = new Int32Array(out.buffer, out.byteOffset + 8 * at, 2 * count);
  for (let i = 0, p = 0; i < count; i++, p += 2) {
    const value = block[start + i]!;
    halves[p] = value;
    halves[p + 1] = value >> 31;
  }
}

/** Longs to the nearest doubles without a BigInt per value: the high half is exact, one addition rounds. */
function roundLongs(
  block: BigInt64Array,
  start: number,
  count: number,
  out: Float64Array,
  at: number,
): void {
  const halves = new Int32Array(block.buffer, block.byteOffset, 2 * block.length);
  for (let i = 0, p = 2 * start; i < count; i++, p += 2) {
    out[at + i] = halves[p + 1]! * 4294967296 + (halves[p]! >>> 0);
  }
}
