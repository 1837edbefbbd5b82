// Keys of the rows of an in-memory index: row-major ints in shared memory, with an open-addressing table on the hash
// of the whole key when rows roll up. Fed by the index one key at a time; read by index views with a stride.
//
// Key of a row: time low, time high, then the dimensions' ints. Equal keys are equal rows (roll-up key, ingestion.md 2).

import { grownInts, sharedInts } from './shared.ts';

/** Ints in front of the dimensions. */
export const KEY_TIME_INTS = 2;

/** Rows by key. */
export class FactTable {
  #facts: Int32Array;
  #stride: number;
  /** Two ints a slot: row + 1 (0 = free), hash of its key. */
  #table: Int32Array;
  #rows = 0;
  readonly #rollup: boolean;
  /** Where the caller writes the next key; `stride` ints. */
  key: Int32Array;

  constructor(stride: number, rollup: boolean) {
    this.#stride = stride;
    this.#rollup = rollup;
    this.#facts = sharedInts(64 * stride);
    this.#table = new Int32Array(rollup ? 2 * 128 : 0);
    this.key = new Int32Array(stride);
  }

  get rows(): number {
    return this.#rows;
  }

  get stride(): number {
    return this.#stride;
  }

  get facts(): Int32Array {
    return this.#facts;
  }

  get bytes(): number {
    return (this.#facts.length + this.#table.length) * 4;
  }

  /** Row of `key`, added when new or when rows do not roll up. */
  rowOfKey(): number {
    if (!this.#rollup) return this.#append();
    const hash = hashOf(this.key, 0, this.#stride);
    const table = this.#table;
    const mask = table.length - 1;
    let i = slotOf(hash, mask);
    for (;;) {
      const row = table[i]! - 1;
      if (row < 0) break;
      if (table[i + 1] === hash && this.#equals(row)) return row;
      i = (i + 2) & mask;
    }
    const row = this.#append();
    table[i] = row + 1;
    table[i + 1] = hash;
    if (this.#rows * 4 > table.length) this.#rehash();
    return row;
  }

  /** Adds columns at the end of each key, filled with 0 (null): a dimension was discovered. */
  widen(stride: number): void {
    const rows = this.#rows;
    const old = this.#stride;
    const facts = sharedInts(Math.max(64, Math.ceil(this.#facts.length / old)) * stride);
    for (let row = 0; row < rows; row++) {
      facts.set(this.#facts.subarray(row * old, row * old + old), row * stride);
    }
    this.#facts = facts;
    this.#stride = stride;
    this.key = new Int32Array(stride);
    if (this.#rollup) this.#rehashWide();
  }

  #append(): number {
    const row = this.#rows;
    const stride = this.#stride;
    const at = row * stride;
    if (at + stride > this.#facts.length) this.#facts = grownInts(this.#facts, at + stride);
    const facts = this.#facts;
    const key = this.key;
    for (let k = 0; k < stride; k++) facts[at + k] = key[k]!;
    this.#rows = row + 1;
    return row;
  }

  #equals(row: number): boolean {
    const facts = this.#facts;
    const key = this.key;
    const at = row * this.#stride;
    for (let k = 0; k < key.length; k++) if (facts[at + k] !== key[k]) return false;
    return true;
  }

  #rehash(): void {
    const old = this.#table;
    this.#table = new Int32Array(old.length * 2);
    for (let k = 0; k < old.length; k += 2) {
      if (old[k] !== 0) this.#place(old[k]!, old[k + 1]!);
    }
  }

  /** Hashes cover the new columns too. */
  #rehashWide(): void {
    const stride = this.#stride;
    this.#table.fill(0);
    for (let row = 0; row < this.#rows; row++) {
      this.#place(row + 1, hashOf(this.#facts, row * stride, stride));
    }
  }

  #place(entry: number, hash: number): void {
    const table = this.#table;
    const mask = table.length - 1;
    let i = slotOf(hash, mask);
    while (table[i] !== 0) i = (i + 2) & mask;
    table[i] = entry;
    table[i + 1] = hash;
  }
}

/** First int of the slot that a look-up begins at. */
function slotOf(hash: number, mask: number): number {
  return ((hash ^ (hash >>> 16)) << 1) & mask;
}

/** Hash of a key of `stride` ints. */
function hashOf(ints: Int32Array, at: number, stride: number): number {
  let h = 0;
  for (let k = at; k < at + stride; k++) {
    h = Math.imul(h ^ ints[k]!, 0x9e3779b1);
    h ^= h >>> 15;
  }
  return h;
}
