// The dictionary of a string column in a segment: plain or front coded, read lazily. Feeds string-column.ts.
// Source: druid-segment-format.md 2.3.2 to 2.3.4.

import { emptySlice, pointAt } from '../view/byte-slice.ts';
import type { ByteSlice, Dictionary } from '../view/view.ts';
import type { ReadContext } from './block-cache.ts';
import { type FrontCodedReader, readFrontCoded } from './front-coded.ts';
import { asciiText, type IndexedReader, readIndexed } from './indexed-container.ts';
import type { Cursor } from './internal-file.ts';
import type { SegmentFiles } from './segment-files.ts';

/** First byte of an encoded dictionary, where a container has its version. */
const ENCODED = 0x7f;

/** Reads the dictionary at the cursor and moves past it. @throws Failure `corrupt` */
export function readStringDictionary(
  cursor: Cursor,
  context: ReadContext,
  files: SegmentFiles,
  isLittleEndian: boolean,
): Dictionary {
  const start = cursor.position;
  if (cursor.u8() !== ENCODED) {
    cursor.position = start;
    return new StoredDictionary(plainEntries(readIndexed(cursor, context, files)));
  }
  const encoding = cursor.u8();
  if (encoding === 0)
    return new StoredDictionary(plainEntries(readIndexed(cursor, context, files)));
  if (encoding !== 1)
    throw cursor.file.corrupt(start + 1, `dictionary encoding ${encoding} is unknown`);
  return new StoredDictionary(frontCodedEntries(readFrontCoded(cursor, context, isLittleEndian)));
}

interface Entries {
  readonly size: number;
  readonly sorted: boolean;
  bytes(id: number): Uint8Array | undefined;
  read(id: number, out: ByteSlice): boolean;
  texts?(ids: Int32Array): (string | null)[];
}

function plainEntries(reader: IndexedReader): Entries {
  return {
    size: reader.size,
    sorted: reader.sorted,
    bytes: (id) => reader.get(id),
    read: (id, out) => reader.read(id, out),
    texts: (ids) => reader.texts(ids),
  };
}

function frontCodedEntries(reader: FrontCodedReader): Entries {
  const shift = reader.hasNull ? 1 : 0;
  const bytes = (id: number): Uint8Array | undefined =>
    id < shift ? undefined : reader.get(id - shift);
  return {
    size: reader.values + shift,
    sorted: true,
    bytes,
    read(id, out) {
      const value = bytes(id);
      if (value === undefined) return false;
      pointAt(out, value);
      return true;
    },
  };
}

/** A chunk of which so many entries were read one after the other is turned into text as a whole. */
const READS_BEFORE_TEXT = 8;

/** Used within one call. */
const slice = emptySlice();
const NO_BYTES = slice.bytes;

class StoredDictionary implements Dictionary {
  readonly size: number;
  readonly sorted: boolean;
  readonly #entries: Entries;
  #bytes: Uint8Array = NO_BYTES;
  #buffer: Buffer = Buffer.from(NO_BYTES);
  /** All of the buffer as text, where a byte is a character; undefined as long as it is not worth it. */
  #text: string | undefined;
  #reads = 0;

  constructor(entries: Entries) {
    this.size = entries.size;
    this.sorted = entries.sorted;
    this.#entries = entries;
  }

  value(id: number): string | null {
    if (!this.#entries.read(id, slice)) return null;
    const { bytes, start, end } = slice;
    // Entries of one chunk are mostly read one after the other: one buffer over it serves them all.
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
      this.#text = undefined;
      this.#reads = 0;
    }
    if (++this.#reads === READS_BEFORE_TEXT) this.#text = asciiText(bytes);
    return this.#text?.slice(start, end) ?? this.#buffer.toString('utf8', start, end);
  }

  readonly values = (ids: Int32Array): (string | null)[] =>
    this.#entries.texts?.(ids) ?? Array.from(ids, (id) => this.value(id));

  readUtf8(id: number, out: ByteSlice): boolean {
    return this.#entries.read(id, out);
  }

  idOf(value: string | null): number {
    const hasNull = this.size > 0 && this.#entries.bytes(0) === undefined;
    if (value === null) return hasNull ? 0 : -1;
    return this.sorted ? this.#search(value, hasNull ? 1 : 0) : this.#scan(value);
  }

  #search(value: string, first: number): number {
    let low = first;
    let high = this.size - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const found = this.value(middle) ?? '';
      if (found === value) return middle;
      if (found < value) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  #scan(value: string): number {
    for (let id = 0; id < this.size; id++) if (this.value(id) === value) return id;
    return -1;
  }
}
