// Rows with several values in a dimension become several entries, one per combination. A row with no value left
// is the null group of a groupBy and nothing in a topN, as in Druid. Fed by group-rows.ts.
// Source: druid-query-api.md 6.5, 6.6.

import { VECTOR_ROWS } from '../../view/view.ts';
import type { KeyColumn } from '../engine/key-column.ts';

/** Entries of one vector: row and code per dimension. Buffers are reused and grow. */
export class Exploder {
  count = 0;
  rows: Int32Array = new Int32Array(VECTOR_ROWS * 2);
  codes: Int32Array[];
  bucketCodes: Int32Array = new Int32Array(VECTOR_ROWS * 2);
  slots: Int32Array = new Int32Array(VECTOR_ROWS * 2);
  private readonly columns: readonly KeyColumn[];
  private readonly keepsEmpty: boolean;
  private readonly lists: number[][];
  private readonly nullCodes: (number | undefined)[];

  constructor(columns: readonly KeyColumn[], keepsEmpty: boolean) {
    this.columns = columns;
    this.keepsEmpty = keepsEmpty;
    this.codes = columns.map(() => new Int32Array(VECTOR_ROWS * 2));
    this.lists = columns.map(() => []);
    this.nullCodes = columns.map((column) =>
      Number.isFinite(column.cardinality) ? column.cardinality : undefined,
    );
  }

  /** The code that stands for "no value left" in dimension k. */
  nullCode(k: number): number {
    // Columns of unknown cardinality give out codes from 0 up and never reach this one.
    return this.nullCodes[k] ?? 0x7fffffff;
  }

  /** Fills the entries of `rows[0 .. count-1]`. */
  explode(rows: Int32Array, count: number): void {
    this.count = 0;
    for (let i = 0; i < count; i++) this.explodeRow(rows[i]!);
  }

  private explodeRow(row: number): void {
    let combinations = 1;
    for (let k = 0; k < this.columns.length; k++) {
      const list = this.lists[k]!;
      list.length = 0;
      this.columns[k]!.codesOfRow(row, list);
      if (list.length === 0 && this.keepsEmpty) list.push(this.nullCode(k));
      combinations *= list.length;
    }
    while (this.count + combinations > this.rows.length) this.grow();
    for (let n = 0; n < combinations; n++) {
      let rest = n;
      for (let k = this.columns.length - 1; k >= 0; k--) {
        const list = this.lists[k]!;
        this.codes[k]![this.count] = list[rest % list.length]!;
        rest = Math.floor(rest / list.length);
      }
      this.rows[this.count++] = row;
    }
  }

  private grow(): void {
    const size = this.rows.length * 2;
    const grown = (old: Int32Array): Int32Array => {
      const array = new Int32Array(size);
      array.set(old);
      return array;
    };
    this.rows = grown(this.rows);
    this.bucketCodes = grown(this.bucketCodes);
    this.slots = grown(this.slots);
    this.codes = this.codes.map(grown);
  }
}
