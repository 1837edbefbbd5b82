// UTF-8 values one after the other in one array: the merged dictionary of a column, and the values of an
// unsorted one while it is sorted. Fed by dictionary-merge.ts; read by string-writer.ts.

import { PREFIX_BYTES, prefixAt, sortPairs } from './value-order.ts';

/** A growing list of byte strings. */
export class ValueArena {
  #bytes: Uint8Array;
  #ends: Int32Array;
  #size = 0;

  constructor(valuesExpected: number) {
    this.#bytes = new Uint8Array(Math.max(64, 12 * valuesExpected));
    this.#ends = new Int32Array(Math.max(16, valuesExpected));
  }

  get size(): number {
    return this.#size;
  }

  /** Copies a value to the end. */
  push(value: Uint8Array): void {
    const start = this.#startOf(this.#size);
    const end = start + value.length;
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(end, Math.ceil(1.5 * this.#bytes.length)));
      grown.set(this.#bytes.subarray(0, start));
      this.#bytes = grown;
    }
    if (this.#size === this.#ends.length) {
      const grown = new Int32Array(Math.ceil(1.5 * this.#ends.length));
      grown.set(this.#ends);
      this.#ends = grown;
    }
    this.#bytes.set(value, start);
    this.#ends[this.#size++] = end;
  }

  /** Value `i`, valid until the next push. */
  get(i: number): Uint8Array {
    return this.#bytes.subarray(this.#startOf(i), this.#ends[i]);
  }

  /** Indexes of the values in ascending order. */
  sortedOrder(): Int32Array {
    const items = Int32Array.from({ length: this.#size }, (_, i) => i);
    this.#sortFrom(items, new Float64Array(this.#size), 0, this.#size, 0);
    return items;
  }

  /** Sorts items[low..high), which agree in their first `depth` bytes, by the bytes that follow. */
  #sortFrom(items: Int32Array, keys: Float64Array, low: number, high: number, depth: number): void {
    for (let k = low; k < high; k++) {
      const i = items[k]!;
      keys[k] = prefixAt(this.#bytes, this.#startOf(i) + depth, this.#ends[i]!);
    }
    sortPairs(keys, items, low, high);
    for (let from = low; from < high;) {
      let to = from + 1;
      while (to < high && keys[to] === keys[from]) to++;
      // A prefix whose last place is empty ends its value: equal values, nothing left to sort.
      const isOpen = keys[from]! % 256 !== 0;
      if (to - from > 1 && isOpen) this.#sortFrom(items, keys, from, to, depth + PREFIX_BYTES);
      from = to;
    }
  }

  #startOf(i: number): number {
    return i === 0 ? 0 : this.#ends[i - 1]!;
  }
}
