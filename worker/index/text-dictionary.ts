// Text <-> id of one string dimension, in order of first appearance. Fed by the index with slices of a record;
// read by index views, on any thread, while it grows. Id 0 is always null.
//
// Open addressing with full comparison of the bytes, four a step (performance.md 5). A slot holds all that a look-up
// needs but the bytes, so that a value of a large dictionary costs two cache misses and one of a small one none.

import { hashBytes, type TextSlices } from '../view/fields.ts';
import { grownInts, sharedInts } from './shared.ts';

/** The arrays of a dictionary; shared memory, safe to read up to `size` entries. */
export interface DictionaryData {
  /** UTF-8 of all values back to back, each filled up with zeros to a whole word. */
  readonly arena: Int32Array;
  /** Two ints an id: first word in the arena, length in bytes. */
  readonly entries: Int32Array;
  /** Four ints a slot: id + 1 (0 = free), hash, and the two of `entries`. */
  readonly table: Int32Array;
  readonly size: number;
}

/** The dictionary while it grows. */
export class TextDictionary {
  #arena: Int32Array = sharedInts(256);
  #used = 0;
  #entries: Int32Array = sharedInts(2 * 64);
  #table: Int32Array = sharedInts(4 * 128);
  #size = 1;

  get size(): number {
    return this.#size;
  }

  /** Bytes of memory held. */
  get bytes(): number {
    return (this.#arena.length + this.#entries.length + this.#table.length) * 4;
  }

  /** Shareable arrays as of now. */
  data(): DictionaryData {
    return {
      arena: this.#arena,
      entries: this.#entries,
      table: this.#table,
      size: this.#size,
    };
  }

  /** Id of the text `start .. end-1` of `bytes` (covered by `view`), added when new. */
  idOf(bytes: Uint8Array, view: DataView, start: number, end: number, hash: number): number {
    const table = this.#table;
    const mask = table.length - 1;
    const length = end - start;
    let i = slotOf(hash, mask);
    for (;;) {
      const entry = table[i]! - 1;
      if (entry < 0) break;
      if (
        table[i + 1] === hash &&
        table[i + 3] === length &&
        this.#equals(table[i + 2]!, bytes, view, start, length)
      )
        return entry;
      i = (i + 4) & mask;
    }
    return this.#add(i, bytes, view, start, length, hash);
  }

  /** Reads where a look-up of `hash` will begin: what a row needs is then fetched for all dimensions at once. */
  touch(hash: number): number {
    const table = this.#table;
    return table[slotOf(hash, table.length - 1)]!;
  }

  /** As idOf for slice `i`. */
  idOfSlice(text: TextSlices, i: number, bytes: Uint8Array, view: DataView): number {
    return this.idOf(bytes, view, text.start[i]!, text.end[i]!, text.hash[i]!);
  }

  /** `from`: first word in the arena. */
  #equals(from: number, bytes: Uint8Array, view: DataView, start: number, length: number): boolean {
    const arena = this.#arena;
    let word = from;
    const wordsEnd = start + (length & ~3);
    let p = start;
    for (; p < wordsEnd; p += 4, word++) {
      if (arena[word] !== view.getInt32(p, true)) return false;
    }
    const rest = length & 3;
    return rest === 0 || arena[word] === lastWord(bytes, view, p, rest);
  }

  #add(
    at: number,
    bytes: Uint8Array,
    view: DataView,
    start: number,
    length: number,
    hash: number,
  ): number {
    const id = this.#size;
    const words = (length + 3) >> 2;
    if (id * 2 >= this.#entries.length) this.#entries = grownInts(this.#entries, id * 2 + 2);
    if (this.#used + words > this.#arena.length)
      this.#arena = grownInts(this.#arena, this.#used + words);
    const arena = this.#arena;
    const wordsEnd = start + (length & ~3);
    let word = this.#used;
    let p = start;
    for (; p < wordsEnd; p += 4) arena[word++] = view.getInt32(p, true);
    const rest = length & 3;
    if (rest > 0) arena[word] = lastWord(bytes, view, p, rest);
    this.#entries[id * 2] = this.#used;
    this.#entries[id * 2 + 1] = length;
    // The slot says the id last, after everything that a reader of the id looks at.
    this.#table[at + 1] = hash;
    this.#table[at + 2] = this.#used;
    this.#table[at + 3] = length;
    this.#table[at] = id + 1;
    this.#used += words;
    this.#size = id + 1;
    if (this.#size * 8 > this.#table.length) this.#rehash();
    return id;
  }

  #rehash(): void {
    const old = this.#table;
    const table = sharedInts(old.length * 2);
    const mask = table.length - 1;
    for (let k = 0; k < old.length; k += 4) {
      if (old[k] === 0) continue;
      let i = slotOf(old[k + 1]!, mask);
      while (table[i] !== 0) i = (i + 4) & mask;
      for (let n = 0; n < 4; n++) table[i + n] = old[k + n]!;
    }
    this.#table = table;
  }
}

/** First int of the slot that a look-up begins at. */
function slotOf(hash: number, mask: number): number {
  return ((hash ^ (hash >>> 16)) << 2) & mask;
}

/** The `rest` bytes (1 to 3) at `p`, filled up with zeros. */
function lastWord(bytes: Uint8Array, view: DataView, p: number, rest: number): number {
  if (p + 4 <= bytes.length) return view.getInt32(p, true) & ((1 << (rest * 8)) - 1);
  let word = 0;
  for (let i = 0; i < rest; i++) word |= bytes[p + i]! << (i * 8);
  return word;
}

/** The text of an id; null for id 0. */
export function dictionaryValue(data: DictionaryData, id: number): string | null {
  const bytes = dictionaryBytes(data, id);
  // Copied: TextDecoder and Buffer text decoding refuse shared memory.
  return bytes === undefined ? null : Buffer.from(bytes).toString('utf8');
}

/** The UTF-8 of an id (shared memory, do not keep); undefined for id 0. */
function dictionaryBytes(data: DictionaryData, id: number): Uint8Array | undefined {
  if (id === 0) return undefined;
  const { arena, entries } = data;
  return new Uint8Array(arena.buffer, (entries[id * 2] ?? 0) * 4, entries[id * 2 + 1] ?? 0);
}

/** Id of a text among the first `size` entries, or -1. Null is 0. */
export function dictionaryIdOf(data: DictionaryData, text: string | null): number {
  if (text === null) return 0;
  const bytes = new TextEncoder().encode(text);
  const hash = hashBytes(bytes, new DataView(bytes.buffer), 0, bytes.length);
  const { table, size } = data;
  const mask = table.length - 1;
  for (let i = slotOf(hash, mask); ; i = (i + 4) & mask) {
    const id = (table[i] ?? 0) - 1;
    if (id < 0) return -1;
    if (table[i + 1] !== hash || id >= size || table[i + 3] !== bytes.length) continue;
    if (Buffer.compare(dictionaryBytes(data, id) ?? bytes, bytes) === 0) return id;
  }
}
