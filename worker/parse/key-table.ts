// Names of root fields and the slot each has in the scanner. Known fields are put in when the schema is
// compiled; unknown ones are kept too (so that they need no second look, and can be discovered), up to a limit.

import { hashBytes } from '../view/fields.ts';

/** Most names kept; fields beyond it are skipped without a slot, so that hostile keys cannot fill memory. */
const MAX_KEYS = 4096;
/** Longest name kept, bytes. */
const MAX_KEY_BYTES = 1024;

/** Open-addressing table of field names. */
export class KeyTable {
  #arena: Uint8Array = new Uint8Array(4096);
  #view: DataView = new DataView(this.#arena.buffer);
  #arenaUsed = 0;
  #offset: Int32Array = new Int32Array(MAX_KEYS);
  #length: Int32Array = new Int32Array(MAX_KEYS);
  #hash: Int32Array = new Int32Array(MAX_KEYS);
  #table: Int32Array = new Int32Array(MAX_KEYS * 4).fill(-1);
  #size = 0;
  readonly #names: string[] = [];

  /** Number of slots given out. */
  get size(): number {
    return this.#size;
  }

  /** Name of a slot. */
  name(slot: number): string {
    return this.#names[slot] ?? '';
  }

  /** The slot of a name, made if need be; -1 when the table is full. */
  add(name: string): number {
    const bytes = new TextEncoder().encode(name);
    const view = new DataView(bytes.buffer);
    return this.slotOf(bytes, view, 0, bytes.length, hashBytes(bytes, view, 0, bytes.length));
  }

  /** The slot of the name at bytes `start .. end-1`, made if need be; -1 when full or too long. */
  slotOf(bytes: Uint8Array, view: DataView, start: number, end: number, hash: number): number {
    const mask = this.#table.length - 1;
    let i = (hash ^ (hash >>> 16)) & mask;
    for (;;) {
      const slot = this.#table[i] as number;
      if (slot === -1) break;
      if (
        this.#hash[slot] === hash &&
        this.#length[slot] === end - start &&
        this.#equals(slot, bytes, view, start)
      ) {
        return slot;
      }
      i = (i + 1) & mask;
    }
    if (this.#size >= MAX_KEYS || end - start > MAX_KEY_BYTES) return -1;
    return this.#insert(i, bytes, start, end, hash);
  }

  /** As slotOf for a quoted name with escapes; rare, so it may allocate. */
  slotOfEscaped(quoted: Uint8Array): number {
    return this.add(String(JSON.parse(Buffer.from(quoted).toString('utf8'))));
  }

  /** Length of the slot's name when the bytes at `p` are it followed by a quote, else -1. */
  matchLength(slot: number, bytes: Uint8Array, view: DataView, p: number, limit: number): number {
    const length = this.#length[slot] as number;
    if (p + length >= limit || bytes[p + length] !== 0x22) return -1;
    return this.#equals(slot, bytes, view, p) ? length : -1;
  }

  #equals(slot: number, bytes: Uint8Array, view: DataView, start: number): boolean {
    const length = this.#length[slot] as number;
    const offset = this.#offset[slot] as number;
    let i = 0;
    for (; i + 4 <= length; i += 4) {
      if (this.#view.getInt32(offset + i, true) !== view.getInt32(start + i, true)) return false;
    }
    for (; i < length; i++) if (this.#arena[offset + i] !== bytes[start + i]) return false;
    return true;
  }

  #insert(at: number, bytes: Uint8Array, start: number, end: number, hash: number): number {
    const length = end - start;
    if (this.#arenaUsed + length > this.#arena.length) {
      const arena = new Uint8Array(Math.max(this.#arena.length * 2, this.#arenaUsed + length));
      arena.set(this.#arena);
      this.#arena = arena;
      this.#view = new DataView(arena.buffer);
    }
    const slot = this.#size++;
    this.#arena.set(bytes.subarray(start, end), this.#arenaUsed);
    this.#offset[slot] = this.#arenaUsed;
    this.#length[slot] = length;
    this.#hash[slot] = hash;
    this.#arenaUsed += length;
    this.#table[at] = slot;
    this.#names.push(Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString('utf8'));
    return slot;
  }
}
