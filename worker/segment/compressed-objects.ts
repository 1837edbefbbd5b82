// Columns of objects in compressed blocks: `complexMetricCompression` of Druid's indexSpec. The bytes are handed on as
// they are. Fed by column-file.ts. Source: druid-segment-format.md 8.1 row 2; the rest seen on segments of Druid 33 and 37.
//
//   part   = 7f, 00, str metadata { byteOrder, bitmapSerdeFactory, fileNameBase, hasNulls }        JSON
//   files  = <base>.__complexColumn = 01, i32 objects
//            <base>.__complexColumn_offsets = blocks of i64, the end of each object    in the byte order of the metadata
//            <base>.__complexColumn_compressed = blocks of the objects
//            <base>.__nullIndex = i32 length, bitmap                                   if there are nulls
//   blocks = 01, u8 compression, i32 65536, i32 blocks, i32 end of each block (in that byte order), blocks

import { Failure } from '../../core/runtime/failure.ts';
import type { ComplexColumn } from '../view/view.ts';
import type { ReadContext } from './block-cache.ts';
import { ByteBlocks, type ByteBlocksHead, checkBounds } from './byte-blocks.ts';
import { BLOCK_BYTES_MAX, compressionOf } from './compression.ts';
import { Cursor, type InternalFile } from './internal-file.ts';
import { type JsonObject, parseJsonObject, textAt } from './json-object.ts';
import type { BitmapReader } from './roaring-reader.ts';
import type { SegmentFiles } from './segment-files.ts';
import { checkRun } from './string-column.ts';

/** First byte of the part. */
export const COMPRESSED_OBJECTS = 0x7f;

/** The longest object: more than any sketch of the largest size has. */
const OBJECT_BYTES_MAX = 32 << 20;
const END_BYTES = 8;
/** How Smile, a binary form of JSON, begins. No release that was looked at writes it here. */
const SMILE = ':)\n';

/** What the column's part says besides its type. */
interface ObjectsPart {
  readonly rows: number;
  readonly typeName: string;
  /** The codec that metadata name. @throws Failure `corrupt` for an unknown one */
  readonly bitmapsOf: (metadata: JsonObject) => BitmapReader;
}

function readHead(file: InternalFile, isLittleEndian: boolean): ByteBlocksHead {
  const cursor = new Cursor(file);
  if (cursor.u8() !== 1) throw file.corrupt(0, 'blocks of version 1 are expected');
  const compression = compressionOf(cursor.i8(), file, 1);
  const blockBytes = cursor.i32();
  if (blockBytes !== BLOCK_BYTES_MAX) throw file.corrupt(2, `blocks of ${blockBytes} bytes`);
  const blocks = cursor.size(Math.floor((cursor.remaining - 4) / 4), 'number of blocks');
  const endsAt = cursor.position;
  const view = new DataView(cursor.bytes(4 * blocks).buffer);
  const bounds = new Int32Array(blocks + 1);
  for (let i = 0; i < blocks; i++) bounds[i + 1] = view.getInt32(4 * i, isLittleEndian);
  checkBounds({ file, bounds }, cursor.remaining, endsAt - 4);
  return { file, compression, bounds, blocksAt: cursor.position };
}

/** Reads a part from its first byte. @throws Failure `corrupt`; `input` ColumnUnsupported for metadata in Smile */
export function readCompressedObjects(
  cursor: Cursor,
  context: ReadContext,
  files: SegmentFiles,
  part: ObjectsPart,
): ComplexColumn {
  const { file, position: start } = cursor;
  const { rows, typeName } = part;
  if (cursor.u8() !== COMPRESSED_OBJECTS || cursor.u8() !== 0)
    throw file.corrupt(start, 'compressed objects of version 0 are expected');
  const metadataAt = cursor.position;
  const text = cursor.str('the metadata');
  if (text.startsWith(SMILE))
    throw new Failure(
      'input',
      'ColumnUnsupported',
      `segment ${file.dir}: column '${file.name}' (its metadata are Smile) cannot be read; query other columns`,
    );
  const metadata = parseJsonObject(text, file, metadataAt, 'the metadata');
  const base = textAt(metadata, 'fileNameBase') ?? file.name;
  const isLittleEndian = textAt(metadata, 'byteOrder') !== 'BIG_ENDIAN';
  const counted = new Cursor(files.file(`${base}.__complexColumn`));
  if (counted.u8() !== 1) throw counted.file.corrupt(0, 'version 1 is expected');
  const count = counted.i32();
  if (count !== rows)
    throw counted.file.corrupt(1, `${count} objects, the segment has ${rows} rows`);
  const endsHead = readHead(files.file(`${base}.__complexColumn_offsets`), isLittleEndian);
  const ends = new ByteBlocks(endsHead, rows * END_BYTES, context);
  const eight = new Uint8Array(END_BYTES);
  const eightView = new DataView(eight.buffer);
  const endOf = (row: number): number => {
    if (row < 0) return 0;
    ends.copy(row * END_BYTES, END_BYTES, eight);
    return Number(eightView.getBigInt64(0, isLittleEndian));
  };
  const head = readHead(files.file(`${base}.__complexColumn_compressed`), isLittleEndian);
  const total = endOf(rows - 1);
  const most = (head.bounds.length - 1) * BLOCK_BYTES_MAX;
  if (!(total >= 0 && total <= most))
    throw endsHead.file.corrupt(endsHead.blocksAt, `the last object ends at ${total} of ${most}`);
  const objects = new ByteBlocks(head, total, context);
  const isNull = readNulls(metadata, base, files, part);
  const describe = (row: number): string =>
    `segment ${file.dir}: file '${head.file.name}' at offset ${head.blocksAt}, row ${row}`;
  return {
    kind: 'complex',
    type: 'COMPLEX',
    typeName,
    hasNulls: true,
    describe,
    readBytes(row) {
      checkRun(row, 1, rows);
      if (isNull(row)) return undefined;
      const from = endOf(row - 1);
      const length = endOf(row) - from;
      if (!(from >= 0 && length >= 0 && length <= OBJECT_BYTES_MAX && from + length <= total))
        throw endsHead.file.corrupt(endsHead.blocksAt, `row ${row} has ${length} bytes at ${from}`);
      if (length === 0) return undefined;
      const out = new Uint8Array(length);
      objects.copy(from, length, out);
      return out;
    },
  };
}

function readNulls(
  metadata: JsonObject,
  base: string,
  files: SegmentFiles,
  { rows, bitmapsOf }: ObjectsPart,
): (row: number) => boolean {
  if (metadata['hasNulls'] !== true) return () => false;
  const cursor = new Cursor(files.file(`${base}.__nullIndex`));
  const bytes = cursor.size(cursor.remaining - 4, 'length of the null bitmap');
  const at = cursor.position;
  const words = new Int32Array(Math.ceil(rows / 32));
  bitmapsOf(metadata).or(cursor.bytes(bytes), words, rows, cursor.file, at);
  return (row) => ((words[row >>> 5]! >>> (row & 31)) & 1) === 1;
}
