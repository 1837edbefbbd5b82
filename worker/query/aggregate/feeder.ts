// How grouping hands rows to an aggregator: a range of rows into one cell, or rows and the cell of each. Made by
// feed.ts and the files it calls; used by grouping.

import type { RowMask } from '../engine/row-list.ts';

/** Puts rows into the cells of one state. Cells must be reserved before. Row numbers index the vector. */
export interface Feeder {
  /** Rows `rows[from .. to-1]`, at least one, into one cell. */
  run(rows: Int32Array, from: number, to: number, slot: number): void;
  /** The rows of a mask, at least one, into one cell; false = nothing was done: use {@link run}. */
  runMasked?(mask: RowMask, slot: number): boolean;
  /** Row i of the list into cell `slots[i]`; a row may be listed several times. */
  group(rows: Int32Array, count: number, slots: Int32Array): void;
  /** Whether a cell was given a row; absent when a row may leave its cell empty. Ask after {@link flush}. */
  readonly isUsed?: (slot: number) => boolean;
  /** Puts what is still held back into the cells. Call it after the last row. */
  flush?(): void;
}

/** A feeder from a function that takes one row. */
export function rowFeeder(add: (row: number, slot: number) => void): Feeder {
  return {
    run(rows, from, to, slot) {
      for (let i = from; i < to; i++) add(rows[i]!, slot);
    },
    group(rows, count, slots) {
      for (let i = 0; i < count; i++) add(rows[i]!, slots[i]!);
    },
  };
}
