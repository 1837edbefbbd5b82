// String columns of a segment: dictionary, ids and bitmaps. Fed by column-file.ts; read through the view.
// Source: druid-segment-format.md 2.3.3, 2.7.
//
//   part = u8 version, [i32 flags if version >= 2], dictionary, ids, [bitmaps unless flag 4], [spatial index]

import { Failure } from '../../core/runtime/failure.ts';
import type { Dictionary, IdLists, StringColumn } from '../view/view.ts';
import type { ReadContext } from './block-cache.ts';
import { type IdListReader, readCompressedIdLists, readPlainIdLists } from './id-lists.ts';
import { type IndexedReader, readIndexed } from './indexed-container.ts';
import { type IntReader, readCompressedInts, readPlainInts } from './int-sequence.ts';
import type { Cursor } from './internal-file.ts';
import type { BitmapReader } from './roaring-reader.ts';
import type { SegmentFiles } from './segment-files.ts';
import { readStringDictionary } from './string-dictionary.ts';

const FLAG_MULTI = 1;
const FLAG_MULTI_V3 = 2;
const FLAG_NO_BITMAPS = 4;
/** Bit 3 repeats what version 2 says; anything above is from a release we do not know. */
const FLAGS_KNOWN = 15;

/** What the descriptor of a part says. */
interface StringPart {
  readonly rows: number;
  readonly isLittleEndian: boolean;
  readonly bitmaps: BitmapReader;
}

/** Reads a stringDictionary part, to the end of the file. @throws Failure `corrupt` */
export function readStringPart(
  cursor: Cursor,
  context: ReadContext,
  files: SegmentFiles,
  part: StringPart,
): StringColumn {
  const { file } = cursor;
  const start = cursor.position;
  const version = cursor.u8();
  if (version > 3) throw file.corrupt(start, `a string part of version ${version}`);
  const flags = version >= 2 ? cursor.i32() : version === 1 ? FLAG_MULTI : 0;
  if ((flags & ~FLAGS_KNOWN) !== 0)
    throw file.corrupt(start + 1, `string part flags ${flags} are unknown`);
  const dictionary = readStringDictionary(cursor, context, files, part.isLittleEndian);
  const limit = dictionary.size;
  const ids = readIds(cursor, context, {
    version,
    flags,
    limit,
    isLittleEndian: part.isLittleEndian,
  });
  const rows = 'rows' in ids ? ids.rows : ids.length;
  if (rows !== part.rows) throw file.corrupt(start, `${rows} rows, the segment has ${part.rows}`);
  const hasBitmaps = (flags & FLAG_NO_BITMAPS) === 0;
  const bitmaps = hasBitmaps ? readIndexed(cursor, context, files) : undefined;
  if (bitmaps !== undefined && bitmaps.size !== limit) {
    throw file.corrupt(start, `${bitmaps.size} bitmaps for ${limit} dictionary entries`);
  }
  return new StoredStringColumn(dictionary, ids, bitmaps, part);
}

function readIds(
  cursor: Cursor,
  context: ReadContext,
  options: {
    readonly version: number;
    readonly flags: number;
    readonly limit: number;
    readonly isLittleEndian: boolean;
  },
): IntReader | IdListReader {
  const { version, flags, limit, isLittleEndian } = options;
  if (version === 2) {
    if ((flags & FLAG_MULTI_V3) !== 0) {
      return readCompressedIdLists(cursor, context, { isLittleEndian, limit, version: 3 });
    }
    if ((flags & FLAG_MULTI) !== 0) {
      return readCompressedIdLists(cursor, context, { isLittleEndian, limit, version: 2 });
    }
    return readCompressedInts(cursor, context, { isLittleEndian, limit, hasWidth: true });
  }
  const isMulti = (flags & (FLAG_MULTI | FLAG_MULTI_V3)) !== 0;
  return isMulti ? readPlainIdLists(cursor, context, limit) : readPlainInts(cursor, context, limit);
}

class StoredStringColumn implements StringColumn {
  readonly kind = 'string';
  readonly type = 'STRING';
  readonly multi: boolean;
  readonly hasNulls: boolean;
  readonly dictionary: Dictionary;
  readonly hasBitmaps: boolean;
  readonly #single: IntReader | undefined;
  readonly #lists: IdListReader | undefined;
  readonly #bitmaps: IndexedReader | undefined;
  readonly #part: StringPart;

  constructor(
    dictionary: Dictionary,
    ids: IntReader | IdListReader,
    bitmaps: IndexedReader | undefined,
    part: StringPart,
  ) {
    this.dictionary = dictionary;
    this.hasNulls = dictionary.idOf(null) === 0;
    this.#single = 'rows' in ids ? undefined : ids;
    this.#lists = 'rows' in ids ? ids : undefined;
    this.multi = this.#lists !== undefined;
    this.#bitmaps = bitmaps;
    this.hasBitmaps = bitmaps !== undefined;
    this.#part = part;
  }

  readIds(from: number, count: number, out: Int32Array): void {
    checkRun(from, count, this.#part.rows);
    if (this.#single === undefined) throw bug('readIds of a multi-value column');
    this.#single.read(from, count, out, 0);
  }

  readIdLists(from: number, count: number, out: IdLists): void {
    checkRun(from, count, this.#part.rows);
    if (this.#lists !== undefined) {
      this.#lists.read(from, count, out);
      return;
    }
    if (out.offsets.length < count + 1) out.offsets = new Int32Array(count + 1);
    if (out.ids.length < count) out.ids = new Int32Array(count);
    for (let i = 0; i <= count; i++) out.offsets[i] = i;
    this.#single?.read(from, count, out.ids, 0);
  }

  orBitmap(id: number, words: Int32Array): void {
    const reader = this.#bitmapsOrBug();
    this.#part.bitmaps.or(reader.get(id) ?? EMPTY, words, this.#part.rows, reader.file, 0);
  }

  bitmapRows(id: number): number {
    const reader = this.#bitmapsOrBug();
    return this.#part.bitmaps.count(reader.get(id) ?? EMPTY, reader.file, 0);
  }

  #bitmapsOrBug(): IndexedReader {
    if (this.#bitmaps === undefined) throw bug('the column has no bitmaps');
    return this.#bitmaps;
  }
}

const EMPTY = new Uint8Array(0);

/** A string column whose every row is null; nothing of it is stored. */
export function nullStringColumn(rows: number): StringColumn {
  const dictionary: Dictionary = {
    size: 1,
    sorted: true,
    value: () => null,
    idOf: (value) => (value === null ? 0 : -1),
    readUtf8: () => false,
  };
  return {
    kind: 'string',
    type: 'STRING',
    multi: false,
    hasNulls: true,
    dictionary,
    hasBitmaps: true,
    readIds(from, count, out) {
      checkRun(from, count, rows);
      out.fill(0, 0, count);
    },
    readIdLists(from, count, out) {
      checkRun(from, count, rows);
      if (out.offsets.length < count + 1) out.offsets = new Int32Array(count + 1);
      if (out.ids.length < count) out.ids = new Int32Array(count);
      for (let i = 0; i <= count; i++) out.offsets[i] = i;
      out.ids.fill(0, 0, count);
    },
    orBitmap(_id, words) {
      for (let row = 0; row < rows; row++) words[row >> 5]! |= 1 << (row & 31);
    },
    bitmapRows: () => rows,
  };
}

/** @throws Failure `bug` unless the run is within the rows */
export function checkRun(from: number, count: number, rows: number): void {
  if (from < 0 || count < 0 || from + count > rows) throw bug(`rows ${from} + ${count} of ${rows}`);
}

function bug(message: string): Failure {
  return new Failure('bug', 'AssertionFailed', message);
}
