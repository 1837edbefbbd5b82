// Indexed containers: numbered values of any length, null apart from empty. Dictionaries, bitmaps, complex
// columns and name lists are made of them. Read in chunks of elements, cached. Source: druid-segment-format.md 2.1.
//
//   v1 = 01, u8 sorted, i32 bytes after this field, i32 n, i32 end offset * n, values
//   v2 = 02, u8 sorted, i32 p, i32 n, str base; file <base>_header: n end offsets little-endian;
//        files <base>_value_<i>: values of 2^p elements each
//   value = i32 marker (-1 = null), payload

import { isAscii } from 'node:buffer';
import { emptySlice } from '../view/byte-slice.ts';
import type { ByteSlice } from '../view/view.ts';
import { cachedBlocks, type CachedBlocks, type ReadContext } from './block-cache.ts';
import type { Cursor, InternalFile } from './internal-file.ts';
import type { SegmentFiles } from './segment-files.ts';

/** Elements fetched at once: enough that a scan reads in large steps, few enough for one look-up. */
const CHUNK = 1024;
/** Chunks with more bytes are read an element at a time. */
const CHUNK_BYTES_MAX = 1 << 20;

interface Chunk {
  /** Element k of the chunk ends here, relative to the value area. */
  readonly ends: Int32Array;
  /** Where element 0 of the chunk starts, relative to the value area. */
  readonly start: number;
  /** The bytes from `start`, or undefined when they are too many. */
  readonly bytes: Uint8Array | undefined;
}

/** A range of the file with end offsets and values. */
interface Part {
  readonly file: InternalFile;
  readonly valuesAt: number;
  readonly valueBytes: number;
}

/** What the two versions differ in. */
interface Layout {
  readonly size: number;
  readonly sorted: boolean;
  readonly headerFile: InternalFile;
  readonly headerAt: number;
  readonly isLittleEndian: boolean;
  partOf(element: number): Part;
  /** True when the element is the first of its value area. */
  isFirst(element: number): boolean;
}

/** Numbered values. */
export class IndexedReader {
  readonly size: number;
  /** The "strictly ascending" flag. */
  readonly sorted: boolean;
  readonly #layout: Layout;
  readonly #chunks: CachedBlocks<Chunk>;

  constructor(layout: Layout, context: ReadContext) {
    this.size = layout.size;
    this.sorted = layout.sorted;
    this.#layout = layout;
    this.#chunks = cachedBlocks(context, (index) => {
      const value = readChunk(layout, index * CHUNK);
      return { value, bytes: value.ends.byteLength + (value.bytes?.byteLength ?? 0) };
    });
  }

  /** The payload of an element, valid as long as it is held; undefined for null. Ids outside are a bug. */
  get(element: number): Uint8Array | undefined {
    return this.read(element, slice) ? slice.bytes.subarray(slice.start, slice.end) : undefined;
  }

  /** Points `out` at the payload of an element. False for null. Ids outside are a bug. */
  read(element: number, out: ByteSlice): boolean {
    if (!(element >= 0 && element < this.size)) {
      throw this.#layout.headerFile.corrupt(
        this.#layout.headerAt,
        `element ${element} of ${this.size}`,
      );
    }
    const index = Math.floor(element / CHUNK);
    const chunk = this.#chunks.get(index);
    const k = element - index * CHUNK;
    const start = this.#startOf(element, chunk, k);
    const end = chunk.ends[k]!;
    if (chunk.bytes !== undefined) {
      out.bytes = chunk.bytes;
      out.start = start - chunk.start;
      out.end = end - chunk.start;
    } else {
      const part = this.#layout.partOf(element);
      out.bytes = part.file.read(part.valuesAt + start, end - start);
      out.start = 0;
      out.end = end - start;
    }
    // Only a payload of no bytes may be null: old writers kept the length where the marker is.
    const isNull = end - start === 4 && out.bytes[out.start] === 0xff;
    out.start += 4;
    return !isNull;
  }

  /** The elements as UTF-8 text, null for null. Ids outside are a bug. */
  texts(elements: Int32Array): (string | null)[] {
    const texts: (string | null)[] = [];
    let current = -1;
    let chunk: Chunk | undefined;
    let whole: string | undefined;
    for (let i = 0; i < elements.length; i++) {
      const element = elements[i]!;
      const index = Math.floor(element / CHUNK);
      if (index !== current) {
        current = index;
        chunk = element >= 0 && element < this.size ? this.#chunks.get(index) : undefined;
        whole = chunk?.bytes === undefined ? undefined : asciiText(chunk.bytes);
      }
      if (chunk === undefined || whole === undefined || element >= this.size) {
        texts.push(this.#text(element));
        continue;
      }
      const k = element - index * CHUNK;
      const start = this.#startOf(element, chunk, k);
      // ASCII: so there is no null, whose marker is not.
      texts.push(whole.slice(start - chunk.start + 4, chunk.ends[k]! - chunk.start));
    }
    return texts;
  }

  /** Where element `k` of a chunk starts, relative to the value area. */
  #startOf(element: number, chunk: Chunk, k: number): number {
    if (this.#layout.isFirst(element)) return 0;
    return k === 0 ? chunk.start : chunk.ends[k - 1]!;
  }

  #text(element: number): string | null {
    if (!this.read(element, slice)) return null;
    const { bytes, start, end } = slice;
    return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString();
  }

  /** Where an element is, for messages. */
  get file(): InternalFile {
    return this.#layout.headerFile;
  }
}

/** Used within one call. */
const slice = emptySlice();

/** A longer chunk is not made one text, which the text of one element might keep in memory. */
const TEXT_BYTES_MAX = 65_536;

/** All bytes of a chunk as text, where each is a character. */
export function asciiText(bytes: Uint8Array): string | undefined {
  if (bytes.length > TEXT_BYTES_MAX || !isAscii(bytes)) return undefined;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

function readChunk(layout: Layout, first: number): Chunk {
  const { headerFile, headerAt, isLittleEndian, size } = layout;
  const count = Math.min(CHUNK, size - first);
  const before = layout.isFirst(first) ? 0 : 1;
  const at = headerAt + 4 * (first - before);
  const view = new DataView(headerFile.read(at, 4 * (count + before)).buffer);
  const start = before === 0 ? 0 : view.getInt32(0, isLittleEndian);
  const ends = new Int32Array(count);
  let previous = start;
  for (let k = 0; k < count; k++) {
    const end = view.getInt32(4 * (k + before), isLittleEndian);
    if (layout.isFirst(first + k)) previous = 0;
    if (previous < 0 || end < previous + 4 || end > layout.partOf(first + k).valueBytes) {
      throw headerFile.corrupt(
        at + 4 * k,
        `element ${first + k} ends at ${end}, the one before at ${previous}`,
      );
    }
    ends[k] = end;
    previous = end;
  }
  const part = layout.partOf(first);
  // A chunk that continues in a second value file has no bytes in common.
  const isOnePart = layout.partOf(first + count - 1).file === part.file;
  const length = previous - start;
  const hasBytes = isOnePart && length <= CHUNK_BYTES_MAX;
  const bytes = hasBytes ? part.file.read(part.valuesAt + start, length) : undefined;
  return { ends, start, bytes };
}

/** Reads the container at the cursor and moves past its inline part. @throws Failure `corrupt` */
export function readIndexed(
  cursor: Cursor,
  context: ReadContext,
  files: SegmentFiles,
): IndexedReader {
  const { file } = cursor;
  const start = cursor.position;
  const version = cursor.u8();
  const sorted = cursor.u8() === 1;
  if (version === 1) return readVersion1(cursor, context, sorted);
  if (version !== 2) throw file.corrupt(start, `an indexed container of version ${version}`);
  const power = cursor.size(30, 'elements a file as a power of two');
  const size = cursor.size(0x7fffffff, 'number of elements');
  const base = cursor.str('base name');
  const header = files.file(`${base}_header`);
  header.check(0, 4 * size);
  const per = 2 ** power;
  const parts = Array.from({ length: Math.ceil(size / per) }, (_, i) => {
    const part = files.file(`${base}_value_${i}`);
    return { file: part, valuesAt: 0, valueBytes: part.length };
  });
  const layout: Layout = {
    size,
    sorted,
    headerFile: header,
    headerAt: 0,
    isLittleEndian: true,
    partOf: (element) => parts[Math.floor(element / per)] ?? { file, valuesAt: 0, valueBytes: 0 },
    isFirst: (element) => element % per === 0,
  };
  return new IndexedReader(layout, context);
}

function readVersion1(cursor: Cursor, context: ReadContext, sorted: boolean): IndexedReader {
  const { file } = cursor;
  const bytes = cursor.size(cursor.remaining - 4, 'length of the indexed container');
  const end = cursor.position + bytes;
  cursor.need(bytes);
  const size = cursor.size(Math.floor((bytes - 4) / 4), 'number of elements');
  const headerAt = cursor.position;
  const valuesAt = headerAt + 4 * size;
  cursor.position = end;
  const part = { file, valuesAt, valueBytes: end - valuesAt };
  const layout: Layout = {
    size,
    sorted,
    headerFile: file,
    headerAt,
    isLittleEndian: false,
    partOf: () => part,
    isFirst: (element) => element === 0,
  };
  return new IndexedReader(layout, context);
}

/** All strings of a short container, null where null. */
export function readNames(
  cursor: Cursor,
  context: ReadContext,
  files: SegmentFiles,
): (string | null)[] {
  const reader = readIndexed(cursor, context, files);
  const decoder = new TextDecoder();
  return Array.from({ length: reader.size }, (_, i) => {
    const bytes = reader.get(i);
    return bytes === undefined ? null : decoder.decode(bytes);
  });
}
