// The supplier of a long, double or float column: n values in blocks. Read by number-column.ts and, for
// `__time`, by reader.ts. Source: druid-segment-format.md 2.4.1.
//
//   supplier = 02, i32 rows, i32 sizePer, i8 compression id (longs: id - 126 = encoded), [encoding header], blocks
//            | 01, i32 rows, i32 sizePer, block container (LZF)

import { cachedBlocks, type Decoded, type ReadContext, type TakeBytes } from './block-cache.ts';
import {
  type BlockShape,
  type BlockSource,
  checkBlockSize,
  readBlockContainer,
  readPlainRun,
} from './block-container.ts';
import {
  BlockNumbers,
  type NumberBlock,
  type NumberSupplier,
  type NumberType,
} from './block-numbers.ts';
import { BLOCK_BYTES_MAX, compressionOf } from './compression.ts';
import type { Cursor } from './internal-file.ts';
import type { Place } from './place.ts';
import { narrowLongs } from './peeked-numbers.ts';
import { type LongDecoder, plainLongs, readLongEncoding } from './long-encoding.ts';

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
  const isPeekable = compression === 'lz4' && !isEncoded;
  const decoder =
    type === 'LONG' ? longDecoder(longs, isPeekable) : floatingDecoder(type, isLittleEndian);
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
  /** Longs where the block was unpacked, see {@link BlockSource.peekOn}; absent where they are no such longs. */
  peek?(from: BlockPlace, values: number): BigInt64Array<ArrayBuffer>;
}

/** Decodes longs where the block was unpacked; what fits 32 bits is never copied in 64. */
function longDecoder(longs: LongDecoder, isPeekable = false): NumberDecoder {
  const peek: NumberDecoder['peek'] = ({ source, index, file }, values) =>
    longs.decode(source.peekOn(index), values, file, source.offsetOf(index));
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
    ...(isPeekable ? { peek } : {}),
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
  const source: BlockSource = { offsetOf, read: peek, peek, peekOn: peek };
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
  const decode = (index: number, take: TakeBytes): Decoded<NumberBlock> => {
    const values = Math.min(sizePer, rows - index * sizePer);
    const value = decoder.decode({ source, index, file }, values, take);
    return { value, bytes: value.byteLength, buffer: value.buffer };
  };
  const blocks = cachedBlocks(context, decode, true);
  const { peek } = decoder;
  const peekLongs =
    peek === undefined
      ? undefined
      : (index: number): BigInt64Array =>
          peek({ source, index, file }, Math.min(sizePer, rows - index * sizePer));
  return new BlockNumbers({ type, rows, sizePer, blocks, peekLongs });
}
