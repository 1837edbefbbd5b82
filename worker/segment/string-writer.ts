// Writes string columns: dictionary, ids or id lists, and a bitmap for each entry. Fed by build.ts.
// Source: druid-segment-format.md 2.3; the grammars stand in string-column.ts, int-sequence.ts and id-lists.ts.

import { emptySlice } from '../view/byte-slice.ts';
import type { BitmapWriter } from './bitmap-writer.ts';
import { writeBlocks } from './block-writer.ts';
import type { ByteWriter } from './byte-writer.ts';
import { compressionId, type WrittenCompression } from './compression.ts';
import { IndexedWriter } from './indexed-writer.ts';
import { patchI32 } from './smoosh-writer.ts';
import type { ValueArena } from './value-arena.ts';

/** A string column in row order. Ids ascend with the values; null, if there, is id 0. */
interface StringValues {
  readonly rows: number;
  readonly hasNull: boolean;
  /** Non-null values, ascending, distinct. */
  readonly values: ValueArena;
  /** Ids of all rows, one after the other; room beyond is ignored. */
  readonly ids: Int32Array;
  /** rows + 1 entries for multi-value columns. */
  readonly offsets: Int32Array | undefined;
  readonly hasBitmaps: boolean;
  readonly bitmaps: BitmapWriter;
  /** Room for an int a row, used while the column is written. */
  readonly scratch: Int32Array;
  readonly compression: WrittenCompression;
}

const FLAG_MULTI_V3 = 2;
const FLAG_NO_BITMAPS = 4;
/** Ids a block by bytes of an id: powers of two of at most 64 KiB. */
const IDS_PER = [0, 65_536, 32_768, 16_384, 16_384];
const OFFSETS_PER = 16_384;

/** Writes the column file of a dimension whose every row is null. */
export function writeNullColumn(out: ByteWriter, rows: number, bitmapJson: string): void {
  out.str(
    `{"valueType":"STRING","hasMultipleValues":false,"parts":[{"type":"null","numRows":${rows},` +
      `"bitmapSerdeFactory":${bitmapJson}}]}`,
  );
}

/** Writes the whole column file. */
export function writeStringColumn(out: ByteWriter, column: StringValues): void {
  const { offsets, hasBitmaps, compression, hasNull, values, rows } = column;
  const isMulti = offsets !== undefined;
  out.str(
    `{"valueType":"STRING","hasMultipleValues":${isMulti},"parts":[{"type":"stringDictionary",` +
      `"bitmapSerdeFactory":${column.bitmaps.json},"byteOrder":"LITTLE_ENDIAN"}]}`,
  );
  if (compression === 'uncompressed') writePlainHead(out, isMulti, hasBitmaps);
  else {
    out.u8(2);
    out.i32((isMulti ? FLAG_MULTI_V3 : 0) | (hasBitmaps ? 0 : FLAG_NO_BITMAPS));
  }
  writeDictionary(out, hasNull, values);
  const size = values.size + (hasNull ? 1 : 0);
  const count = offsets === undefined ? rows : offsets[rows]!;
  if (compression === 'uncompressed') writePlainIds(out, column, count, size);
  else writeCompressedIds(out, column, compression, { count, size });
  if (hasBitmaps) writeBitmaps(out, column, count, size);
}

function writeDictionary(out: ByteWriter, hasNull: boolean, values: ValueArena): void {
  const writer = new IndexedWriter(out, values.size + (hasNull ? 1 : 0), true);
  if (hasNull) writer.add(undefined);
  const value = emptySlice();
  for (let i = 0; i < values.size; i++) {
    values.read(i, value);
    writer.addRange(value.bytes, value.start, value.end);
  }
  writer.finish();
}

/** Version 0 and 1 have no flags; a column without bitmaps needs version 3. */
function writePlainHead(out: ByteWriter, isMulti: boolean, hasBitmaps: boolean): void {
  if (hasBitmaps) {
    out.u8(isMulti ? 1 : 0);
    return;
  }
  out.u8(3);
  out.i32((isMulti ? 1 : 0) | FLAG_NO_BITMAPS);
}

/** Bytes of an id. Druid takes the cardinality, not the largest id. */
function widthOf(size: number): number {
  if (size <= 0xff) return 1;
  if (size <= 0xffff) return 2;
  return size <= 0xffffff ? 3 : 4;
}

function writeCompressedIds(
  out: ByteWriter,
  column: StringValues,
  compression: WrittenCompression,
  { count, size }: { readonly count: number; readonly size: number },
): void {
  const { ids, offsets, rows } = column;
  if (offsets !== undefined) {
    out.u8(3);
    out.u8(2);
    out.i32(rows + 1);
    out.i32(OFFSETS_PER);
    out.u8(compressionId(compression) & 0xff);
    const shape = { count: rows + 1, sizePer: OFFSETS_PER, width: 4 };
    writeBlocks(out, compression, shape, {
      bytesOf: (n) => 4 * n,
      pack(from, n, block) {
        block.set(new Uint8Array(offsets.buffer, offsets.byteOffset + 4 * from, 4 * n));
      },
    });
  }
  const width = widthOf(size);
  const sizePer = IDS_PER[width] ?? 0;
  out.u8(2);
  out.u8(width);
  out.i32(count);
  out.i32(sizePer);
  out.u8(compressionId(compression) & 0xff);
  writeBlocks(
    out,
    compression,
    { count, sizePer, width },
    {
      bytesOf: (n) => width * n,
      pack: (from, n, block) => narrow(ids, from, n, width, block),
    },
  );
}

/** Ids as little-endian bytes of `width`. */
function narrow(ids: Int32Array, from: number, n: number, width: number, block: Uint8Array): void {
  const run = ids.subarray(from, from + n);
  if (width === 1) block.set(run);
  else if (width === 2) new Uint16Array(block.buffer).set(run);
  else if (width === 4) new Int32Array(block.buffer).set(run);
  else {
    for (let i = 0, p = 0; i < n; i++, p += 3) {
      const id = run[i]!;
      block[p] = id;
      block[p + 1] = id >> 8;
      block[p + 2] = id >> 16;
    }
  }
}

function writePlainIds(out: ByteWriter, column: StringValues, count: number, size: number): void {
  const width = widthOf(size);
  const { ids, offsets, rows } = column;
  out.u8(offsets === undefined ? 0 : 1);
  out.u8(width);
  const lengthAt = out.reserve(4);
  if (offsets !== undefined) {
    out.i32(rows);
    for (let row = 1; row <= rows; row++) out.i32(offsets[row]! * width);
  }
  for (let i = 0; i < count; i++) {
    for (let shift = 8 * (width - 1); shift >= 0; shift -= 8) out.u8(ids[i]! >> shift);
  }
  out.reserve(4 - width);
  patchI32(out, lengthAt, out.position - lengthAt - 4);
}

/** Groups rows by id (counting sort), then writes each group as a bitmap. */
function writeBitmaps(out: ByteWriter, column: StringValues, count: number, size: number): void {
  const { rows, ids, offsets, hasNull } = column;
  const starts = new Int32Array(size + 1);
  // A row that holds an id twice, or an empty list (it counts as null), makes this an upper bound.
  for (let i = 0; i < count; i++) starts[ids[i]! + 1]!++;
  if (offsets !== undefined && hasNull) {
    for (let row = 0; row < rows; row++) if (offsets[row] === offsets[row + 1]) starts[1]!++;
  }
  for (let id = 0; id < size; id++) starts[id + 1]! += starts[id]!;
  const total = starts[size]!;
  const grouped = total <= column.scratch.length ? column.scratch : new Int32Array(total);
  const ends = starts.slice(0, size);
  if (offsets === undefined) {
    for (let row = 0; row < rows; row++) grouped[ends[ids[row]!]!++] = row;
  } else {
    groupLists(offsets, ids, rows, { grouped, starts, ends });
  }
  const writer = new IndexedWriter(out, size, false);
  for (let id = 0; id < size; id++)
    writer.add(column.bitmaps.bytes(grouped, starts[id]!, ends[id]!));
  writer.finish();
}

function groupLists(
  offsets: Int32Array,
  ids: Int32Array,
  rows: number,
  groups: { readonly grouped: Int32Array; readonly starts: Int32Array; readonly ends: Int32Array },
): void {
  const { grouped, starts, ends } = groups;
  const add = (id: number, row: number): void => {
    const end = ends[id]!;
    if (end > starts[id]! && grouped[end - 1] === row) return;
    grouped[end] = row;
    ends[id] = end + 1;
  };
  for (let row = 0; row < rows; row++) {
    const [from, to] = [offsets[row]!, offsets[row + 1]!];
    if (from === to) add(0, row);
    for (let i = from; i < to; i++) add(ids[i]!, row);
  }
}
