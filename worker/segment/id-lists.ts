// Lists of dictionary ids, one a row: the multi-value layouts of all releases. Read by string columns.
// Source: druid-segment-format.md 2.2.3.
//
//   V1 = 01, u8 w, i32 bytes after this field, i32 rows, i32 end offset in bytes per row, ids big-endian, 4-w zeros
//   M2 = 02, C2 of offsets, C2 of ids        M3 = 03, CI of offsets, C2 of ids
//   offsets of M2 and M3: rows + 1 values, the first 0

import type { IdLists } from '../view/view.ts';
import type { ReadContext } from './block-cache.ts';
import { type IntReader, readBareInts, readCompressedInts } from './int-sequence.ts';
import type { Cursor, InternalFile } from './internal-file.ts';

/** Value lists of a column. */
export class IdListReader {
  readonly rows: number;
  readonly #file: InternalFile;
  readonly #ids: IntReader;
  /** Offsets of rows `from .. from+count`, in values. */
  readonly #readOffsets: (from: number, count: number, out: Int32Array) => void;

  constructor(
    file: InternalFile,
    rows: number,
    ids: IntReader,
    readOffsets: (from: number, count: number, out: Int32Array) => void,
  ) {
    this.rows = rows;
    this.#file = file;
    this.#ids = ids;
    this.#readOffsets = readOffsets;
  }

  /** Lists of rows `from .. from+count-1`; the caller keeps within `rows`. @throws Failure `corrupt` */
  read(from: number, count: number, out: IdLists): void {
    if (out.offsets.length < count + 1) out.offsets = new Int32Array(count + 1);
    const { offsets } = out;
    this.#readOffsets(from, count, offsets);
    const base = offsets[0] ?? 0;
    let previous = base;
    for (let i = 0; i <= count; i++) {
      const offset = offsets[i]!;
      if (offset < previous || offset > this.#ids.length) {
        throw this.#file.corrupt(
          0,
          `list of row ${from + i} starts at ${offset}, the one before at ${previous}`,
        );
      }
      offsets[i] = offset - base;
      previous = offset;
    }
    const values = previous - base;
    if (out.ids.length < values) out.ids = new Int32Array(Math.max(values, 2 * out.ids.length));
    this.#ids.read(base, values, out.ids, 0);
  }
}

/** Reads M2 or M3 at the cursor and moves past it. @throws Failure `corrupt` */
export function readCompressedIdLists(
  cursor: Cursor,
  context: ReadContext,
  options: { readonly isLittleEndian: boolean; readonly limit: number; readonly version: 2 | 3 },
): IdListReader {
  const { file } = cursor;
  const start = cursor.position;
  const { version, isLittleEndian, limit } = options;
  if (cursor.u8() !== version)
    throw file.corrupt(start, `id lists of version ${version} are expected`);
  const any = { isLittleEndian, limit: 0x7fffffff, hasWidth: version === 2 };
  const offsets = readCompressedInts(cursor, context, any);
  if (offsets.length < 1) throw file.corrupt(start, 'id lists without a first offset');
  const ids = readCompressedInts(cursor, context, { isLittleEndian, limit, hasWidth: true });
  return new IdListReader(file, offsets.length - 1, ids, (from, count, out) =>
    offsets.read(from, count + 1, out, 0),
  );
}

/** Reads V1 at the cursor and moves past it. @throws Failure `corrupt` */
export function readPlainIdLists(
  cursor: Cursor,
  context: ReadContext,
  limit: number,
): IdListReader {
  const { file } = cursor;
  const start = cursor.position;
  if (cursor.u8() !== 1) throw file.corrupt(start, 'plain id lists of version 1 are expected');
  const width = cursor.u8();
  if (width < 1 || width > 4) throw file.corrupt(start + 1, `ids of ${width} bytes`);
  const bytes = cursor.size(cursor.remaining - 4, 'bytes of the id lists');
  const end = cursor.position + bytes;
  const rows = cursor.size(Math.floor((bytes - 4) / 4), 'number of id lists');
  const ends = readBareInts(cursor, context, { length: rows, width: 4, limit: 0x7fffffff });
  const valueBytes = end - cursor.position - (4 - width);
  if (valueBytes < 0 || valueBytes % width !== 0) {
    throw file.corrupt(cursor.position, `${valueBytes} bytes are not whole ids of ${width} bytes`);
  }
  const ids = readBareInts(cursor, context, { length: valueBytes / width, width, limit });
  cursor.position = end;
  return new IdListReader(file, rows, ids, (from, count, out) => {
    out[0] = 0;
    const skip = from === 0 ? 1 : 0;
    ends.read(from - 1 + skip, count + 1 - skip, out, skip);
    for (let i = 0; i <= count; i++) {
      if (out[i]! % width !== 0)
        throw file.corrupt(start, `list of row ${from + i} starts inside an id`);
      out[i] = out[i]! / width;
    }
  });
}
