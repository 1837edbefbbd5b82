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
  #hash: Int32Array;
  #table: Int32Array;
  #rows = 0;
  readonly #rollup: boolean;
  /** Where the caller writes the next key; `stride` ints. */
  key: Int32Array;

  constructor(stride: number, rollup: boolean) {
    this.#stride = stride;
    this.#rollup = rollup;
    this.#facts = sharedInts(64 * stride);
    this.#hash = new Int32Array(rollup ? 64 : 0);
    this.#table = new Int32Array(rollup ? 256 : 0);
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
    return (this.#facts.length + this.#hash.length + this.#table.length) * 4;
  }

  /** Row of `key`, added when new or when rows do not roll up. */
  rowOfKey(): number {
    if (!this.#rollup) return this.#append();
    const key = this.key;
    const stride = this.#stride;
    let h = 0;
    for (let k = 0; k < stride; k++) {
      h = Math.imul(h ^ (key[k] as number), 0x9e3779b1);
      h ^= h >>> 15;
    }
    const table = this.#table;
    const mask = table.length - 1;
    let i = (h ^ (h >>> 16)) & mask;
    for (;;) {
      const row = (table[i] as number) - 1;
      if (row < 0) break;
      if (this.#hash[row] === h && this.#equals(row * stride)) return row;
      i = (i + 1) & mask;
    }
    const row = this.#append();
    if (row >= this.#hash.length) {
      const hash = new Int32Array(this.#hash.length * 2);
      hash.set(this.#hash);
      this.#hash = hash;
    }
    this.#hash[row] = h;
    table[i] = row + 1;
    if (this.#rows * 2 > table.length) this.#rehash();
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
    for (let k = 0; k < stride; k++) facts[at + k] = key[k] as number;
    this.#rows = row + 1;
    return row;
  }

  #equals(at: number): boolean {
    const facts = this.#facts;
    const key = this.key;
    for (let k = 0; k < key.length; k++) if (facts[at + k] !== key[k]) return false;
    return true;
  }

  #rehash(): void {
    const table = new Int32Array(this.#table.length * 2);
    const mask = table.length - 1;
    for (let row = 0; row < this.#rows; row++) {
      const h = this.#hash[row] as number;
      let i = (h ^ (h >>> 16)) & mask;
      while (table[i] !== 0) i = (i + 1) & mask;
      table[i] = row + 1;
    }
    this.#table = table;
  }

  /** Hashes cover the new columns too. */
  #rehashWide(): void {
    const stride = this.#stride;
    for (let row = 0; row < this.#rows; row++) {
      let h = 0;
      for (let k = 0; k < stride; k++) {
        h = Math.imul(h ^ (this.#facts[row * stride + k] as number), 0x9e3779b1);
        h ^= h >>> 15;
      }
      this.#hash[row] = h;
    }
    this.#table = new Int32Array(this.#table.length / 2);
    this.#rehash();
  }
}
