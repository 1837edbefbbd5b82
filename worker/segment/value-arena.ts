// UTF-8 values one after the other in pages: the merged dictionary of a column, and the values of an unsorted one
// while it is sorted. Pages are never copied, so growing leaves nothing behind. Fed by dictionary-merge.ts; read
// by string-writer.ts.

import { Failure } from '../../core/runtime/failure.ts';
import { copyRange } from '../view/byte-slice.ts';
import type { ByteSlice } from '../view/view.ts';
import { PREFIX_BYTES, prefixAt, sortPairs } from './value-order.ts';

const PAGE_POWER = 20;
const PAGE_BYTES = 1 << PAGE_POWER;
/** Page numbers are the high bits of a signed 32-bit position. */
const PAGES_MAX = 2048;

/** A growing list of byte strings. A value lies within one page; longer ones have a page of their own size. */
export class ValueArena {
  /** A value longer than a page takes several numbers; the first holds it. */
  readonly #pages: Uint8Array[] = [];
  #starts: Int32Array;
  #lengths: Int32Array;
  #next = 0;
  #size = 0;

  constructor(valuesExpected: number) {
    this.#starts = new Int32Array(Math.max(16, valuesExpected));
    this.#lengths = new Int32Array(Math.max(16, valuesExpected));
  }

  get size(): number {
    return this.#size;
  }

  /** Copies `bytes[from..to)` to the end. @throws Failure `config` SegmentTooLarge beyond 2 GiB */
  push({ bytes, start: from, end: to }: ByteSlice): void {
    const length = to - from;
    const left = this.#pages.length * PAGE_BYTES - this.#next;
    if (length > left || this.#pages.length === 0) this.#addPages(length);
    const start = this.#next;
    const page = this.#pages[start >>> PAGE_POWER]!;
    copyRange(bytes, from, to, page, start & (PAGE_BYTES - 1));
    if (this.#size === this.#starts.length) {
      this.#starts = grown(this.#starts);
      this.#lengths = grown(this.#lengths);
    }
    this.#starts[this.#size] = start;
    this.#lengths[this.#size++] = length;
    this.#next = start + length;
  }

  /** Points `out` at value `i`; its bytes stay as they are. */
  read(i: number, out: ByteSlice): void {
    const start = this.#starts[i]!;
    out.bytes = this.#pages[start >>> PAGE_POWER]!;
    out.start = start & (PAGE_BYTES - 1);
    out.end = out.start + this.#lengths[i]!;
  }

  /** True when the last value is `slice`'s. */
  endsWith({ bytes, start, end }: ByteSlice): boolean {
    const last = this.#size - 1;
    if (last < 0 || this.#lengths[last] !== end - start) return false;
    const page = this.#pages[this.#starts[last]! >>> PAGE_POWER]!;
    let at = this.#starts[last]! & (PAGE_BYTES - 1);
    for (let i = start; i < end; i++) if (page[at++] !== bytes[i]) return false;
    return true;
  }

  /** Indexes of the values in ascending order. */
  sortedOrder(): Int32Array {
    const items = Int32Array.from({ length: this.#size }, (_, i) => i);
    this.#sortFrom(items, new Float64Array(this.#size), 0, this.#size, 0);
    return items;
  }

  #addPages(length: number): void {
    const numbers = Math.max(1, Math.ceil(length / PAGE_BYTES));
    if (this.#pages.length + numbers > PAGES_MAX) {
      throw new Failure(
        'config',
        'SegmentTooLarge',
        'the values of a dimension exceed 2 GiB; lower segments.maxRows or segments.maxBytes',
      );
    }
    this.#next = this.#pages.length * PAGE_BYTES;
    const page = new Uint8Array(numbers * PAGE_BYTES);
    for (let i = 0; i < numbers; i++) this.#pages.push(page);
  }

  /** Sorts items[low..high), which agree in their first `depth` bytes, by the bytes that follow. */
  #sortFrom(items: Int32Array, keys: Float64Array, low: number, high: number, depth: number): void {
    for (let k = low; k < high; k++) {
      const i = items[k]!;
      const start = this.#starts[i]!;
      const at = start & (PAGE_BYTES - 1);
      keys[k] = prefixAt(this.#pages[start >>> PAGE_POWER]!, at + depth, at + this.#lengths[i]!);
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
}

function grown(array: Int32Array): Int32Array {
  const out = new Int32Array(Math.ceil(1.5 * array.length));
  out.set(array);
  return out;
}
