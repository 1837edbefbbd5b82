// Text <-> id of one string dimension, in order of first appearance. Fed by the index with slices of a record;
// read by index views, on any thread, while it grows. Id 0 is always null.
//
// Open addressing over (hash, offset, length) with full comparison of the bytes, four a step (performance.md 5).

import { hashBytes, type TextSlices } from '../view/fields.ts';
import { grownBytes, grownInts, sharedBytes, sharedInts } from './shared.ts';

/** The arrays of a dictionary; shared memory, safe to read up to `size` entries. */
export interface DictionaryData {
  /** UTF-8 of all values back to back, each padded to 4 bytes. */
  readonly arena: Uint8Array;
  readonly offset: Int32Array;
  readonly length: Int32Array;
  readonly hash: Int32Array;
  /** Slot -> id + 1, 0 = free. */
  readonly table: Int32Array;
  readonly size: number;
}

/** The dictionary while it grows. */
export class TextDictionary {
  #arena: Uint8Array = sharedBytes(1024);
  #view: DataView = new DataView(this.#arena.buffer);
  #used = 0;
  #offset: Int32Array = sharedInts(64);
  #length: Int32Array = sharedInts(64);
  #hash: Int32Array = sharedInts(64);
  #table: Int32Array = sharedInts(256);
  #size = 1;

  get size(): number {
    return this.#size;
  }

  /** Bytes of memory held. */
  get bytes(): number {
    return this.#arena.length + (this.#offset.length * 3 + this.#table.length) * 4;
  }

  /** Shareable arrays as of now. */
  data(): DictionaryData {
    return {
      arena: this.#arena,
      offset: this.#offset,
      length: this.#length,
      hash: this.#hash,
      table: this.#table,
      size: this.#size,
    };
  }

  /** Id of the text `start .. end-1` of `bytes` (covered by `view`), added when new. */
  idOf(bytes: Uint8Array, view: DataView, start: number, end: number, hash: number): number {
    const table = this.#table;
    const mask = table.length - 1;
    const length = end - start;
    let i = (hash ^ (hash >>> 16)) & mask;
    for (;;) {
      const entry = (table[i] as number) - 1;
      if (entry < 0) break;
      if (
        this.#hash[entry] === hash &&
        this.#length[entry] === length &&
        this.#equals(entry, bytes, view, start, length)
      ) {
        return entry;
      }
      i = (i + 1) & mask;
    }
    return this.#add(i, bytes, start, length, hash);
  }

  /** As idOf for slice `i`. */
  idOfSlice(text: TextSlices, i: number, bytes: Uint8Array, view: DataView): number {
    return this.idOf(
      bytes,
      view,
      text.start[i] as number,
      text.end[i] as number,
      text.hash[i] as number,
    );
  }

  #equals(
    entry: number,
    bytes: Uint8Array,
    view: DataView,
    start: number,
    length: number,
  ): boolean {
    const offset = this.#offset[entry] as number;
    const own = this.#view;
    let k = 0;
    for (; k + 4 <= length; k += 4) {
      if (own.getInt32(offset + k, true) !== view.getInt32(start + k, true)) return false;
    }
    const arena = this.#arena;
    for (; k < length; k++) if (arena[offset + k] !== bytes[start + k]) return false;
    return true;
  }

  #add(at: number, bytes: Uint8Array, start: number, length: number, hash: number): number {
    const id = this.#size;
    if (id >= this.#offset.length) {
      this.#offset = grownInts(this.#offset, id + 1);
      this.#length = grownInts(this.#length, id + 1);
      this.#hash = grownInts(this.#hash, id + 1);
    }
    if (this.#used + length > this.#arena.length) {
      this.#arena = grownBytes(this.#arena, this.#used + length);
      this.#view = new DataView(this.#arena.buffer);
    }
    const arena = this.#arena;
    if (length < 32)
      for (let k = 0; k < length; k++) arena[this.#used + k] = bytes[start + k] as number;
    else arena.set(bytes.subarray(start, start + length), this.#used);
    this.#offset[id] = this.#used;
    this.#length[id] = length;
    this.#hash[id] = hash;
    this.#used += (length + 3) & ~3;
    this.#table[at] = id + 1;
    this.#size = id + 1;
    if (this.#size * 2 > this.#table.length) this.#rehash();
    return id;
  }

  #rehash(): void {
    const table = sharedInts(this.#table.length * 2);
    const mask = table.length - 1;
    for (let id = 1; id < this.#size; id++) {
      const hash = this.#hash[id] as number;
      let i = (hash ^ (hash >>> 16)) & mask;
      while (table[i] !== 0) i = (i + 1) & mask;
      table[i] = id + 1;
    }
    this.#table = table;
  }
}

/** The text of an id; null for id 0. */
export function dictionaryValue(data: DictionaryData, id: number): string | null {
  const bytes = dictionaryBytes(data, id);
  // Copied: TextDecoder and Buffer text decoding refuse shared memory.
  return bytes === undefined ? null : Buffer.from(bytes).toString('utf8');
}

/** The UTF-8 of an id (shared memory, do not keep); undefined for id 0. */
export function dictionaryBytes(data: DictionaryData, id: number): Uint8Array | undefined {
  if (id === 0) return undefined;
  const offset = data.offset[id] ?? 0;
  return data.arena.subarray(offset, offset + (data.length[id] ?? 0));
}

/** Id of a text among the first `size` entries, or -1. Null is 0. */
export function dictionaryIdOf(data: DictionaryData, text: string | null): number {
  if (text === null) return 0;
  const bytes = new TextEncoder().encode(text);
  const hash = hashBytes(bytes, new DataView(bytes.buffer), 0, bytes.length);
  const mask = data.table.length - 1;
  for (let i = (hash ^ (hash >>> 16)) & mask; ; i = (i + 1) & mask) {
    const id = (data.table[i] ?? 0) - 1;
    if (id < 0) return -1;
    if (data.hash[id] !== hash || data.length[id] !== bytes.length || id >= data.size) continue;
    if (Buffer.compare(dictionaryBytes(data, id) ?? bytes, bytes) === 0) return id;
  }
}
