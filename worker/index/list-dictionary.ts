// Lists of ids, interned, so that a multi-value field is one int of the row's key: lists are numbered from 0 and a
// key holds -1 - list. Fed by the index for rows whose field is a list; read by index views.

import { grownInts, sharedInts } from './shared.ts';

/** The arrays; list k is `ids[offset[k]] .. ids[offset[k+1]-1]`. */
export interface ListData {
  readonly ids: Int32Array;
  readonly offset: Int32Array;
  readonly size: number;
}

/** The lists while they grow. */
export class ListDictionary {
  #ids: Int32Array = sharedInts(64);
  #offset: Int32Array = sharedInts(16);
  #size = 0;
  readonly #table: Map<string, number> = new Map();

  /** Bytes of memory held; the map's keys are estimated. */
  get bytes(): number {
    return (this.#ids.length + this.#offset.length) * 4 + this.#size * 100;
  }

  data(): ListData {
    return { ids: this.#ids, offset: this.#offset, size: this.#size };
  }

  /** Number of the list, added when new. */
  numberOf(ids: readonly number[]): number {
    const key = ids.join(',');
    const known = this.#table.get(key);
    if (known !== undefined) return known;
    const start = this.#offset[this.#size] as number;
    if (start + ids.length > this.#ids.length) this.#ids = grownInts(this.#ids, start + ids.length);
    this.#ids.set(ids, start);
    const number = this.#size++;
    if (this.#size >= this.#offset.length) this.#offset = grownInts(this.#offset, this.#size + 1);
    this.#offset[this.#size] = start + ids.length;
    this.#table.set(key, number);
    return number;
  }
}
