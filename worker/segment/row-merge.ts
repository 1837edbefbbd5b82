// Merges sorted inputs into one row order: for each row of the result the input it comes from, and whether it
// joins the row before it (rollup). Inputs are read front to back; memory is two bytes a row.
// Fed by build.ts; the order drives the column gatherers. Source: druid-segment-format.md 4.

import type { View } from '../view/view.ts';
import { type KeyColumn, type KeySource, type PackPlan, RowKeys } from './row-keys.ts';
import type { SortedRows } from './row-sort.ts';

/** One input of the merge. */
export interface Piece {
  readonly view: View;
  readonly sources: readonly KeySource[];
  /** Set when the view's own order is not the segment's. */
  readonly sorted: SortedRows | undefined;
}

/** Bit of an order entry that says: same key as the row before, combine them. */
export const JOINS = 0x8000;
/** The most inputs an order entry can name. */
export const PIECES_MAX = 0x7fff;

/** The merged order. */
export interface RowOrder {
  /** Per input row: the input's number, with {@link JOINS}. */
  readonly entries: Uint16Array;
  /** Rows that do not join. */
  readonly rows: number;
}

/** Rows of keys held of each input that is read in its own order. */
const RUN = 1024;
/** Rows between two looks at `shouldStop`. */
const STOP_EVERY = 65_536;

class PieceCursor {
  readonly number: number;
  readonly #piece: Piece;
  keys: RowKeys;
  /** Row in `keys` of the current row, and of the row before it. */
  row = 0;
  previousRow = -1;
  #position = 0;
  #runStart = 0;
  #runEnd = 0;

  constructor(number: number, piece: Piece, columns: readonly KeyColumn[], plan: PackPlan) {
    this.number = number;
    this.#piece = piece;
    this.keys = piece.sorted?.keys ?? new RowKeys(columns, plan, Math.min(RUN, piece.view.rows));
    if (piece.sorted === undefined) this.#load(0);
    else this.row = piece.sorted.order[0]!;
  }

  /** Moves on. False at the end; `previousRow` then still is the last row. */
  next(): boolean {
    const { sorted, view } = this.#piece;
    this.#position++;
    this.previousRow = this.row;
    const isEnd = this.#position >= view.rows;
    if (sorted !== undefined) {
      if (!isEnd) this.row = sorted.order[this.#position]!;
      return !isEnd;
    }
    if (isEnd) return false;
    // A run starts with the last row of the run before, so that both rows of a comparison are there.
    if (this.#position === this.#runEnd) this.#load(this.#position - 1);
    this.row = this.#position - this.#runStart;
    this.previousRow = this.row - 1;
    return true;
  }

  /** True when the current row is not below the row before it, as an input in segment order has it. */
  isInOrder(): boolean {
    const { keys, row, previousRow } = this;
    const order = keys.packed[previousRow]! - keys.packed[row]!;
    return order < 0 || (order === 0 && keys.compare(previousRow, keys, row) <= 0);
  }

  get isPresorted(): boolean {
    return this.#piece.sorted === undefined;
  }

  #load(from: number): void {
    const count = Math.min(this.keys.capacity, this.#piece.view.rows - from);
    this.keys.fill(this.#piece.view, this.#piece.sources, from, count);
    this.#runStart = from;
    this.#runEnd = from + count;
  }
}

/** How {@link mergeRows} works. */
interface MergeOptions {
  readonly columns: readonly KeyColumn[];
  readonly plan: PackPlan;
  /** Combine rows of equal keys. */
  readonly rollup: boolean;
  /** Called every {@link STOP_EVERY} rows; throws to stop. */
  readonly checkStop: () => void;
}

/**
 * Merges.
 *
 * @returns the order, or the number of an input that turned out not to be in segment order: sort it and retry
 */
export function mergeRows(pieces: readonly Piece[], options: MergeOptions): RowOrder | number {
  const { columns, plan, rollup } = options;
  const total = pieces.reduce((sum, piece) => sum + piece.view.rows, 0);
  const entries = new Uint16Array(total);
  const heap = pieces.map((piece, number) => new PieceCursor(number, piece, columns, plan));
  heap.sort(compareCursors);
  let rows = 0;
  let last: PieceCursor | undefined;
  for (let j = 0; j < total; j++) {
    const top = heap[0]!;
    const joins = rollup && last !== undefined && isSameKey(last, top);
    entries[j] = joins ? top.number | JOINS : top.number;
    if (!joins) rows++;
    if (j % STOP_EVERY === 0) options.checkStop();
    last = top;
    if (top.next()) {
      if (top.isPresorted && !top.isInOrder()) return top.number;
      if (heap.length > 1) siftDown(heap, top);
    } else {
      const end = heap.pop();
      if (end !== undefined && end !== top) siftDown(heap, end);
    }
  }
  return { entries, rows };
}

/** Compares the row that `last` has just left with the current row of `top`. */
function isSameKey(last: PieceCursor, top: PieceCursor): boolean {
  const { keys, previousRow } = last;
  if (keys.packed[previousRow] !== top.keys.packed[top.row]) return false;
  return keys.compare(previousRow, top.keys, top.row) === 0;
}

function compareCursors(a: PieceCursor, b: PieceCursor): number {
  const order = a.keys.packed[a.row]! - b.keys.packed[b.row]!;
  if (order !== 0) return order;
  const byColumns =
    a.keys.compare(a.row, b.keys, b.row) || a.keys.compareForms(a.row, b.keys, b.row);
  return byColumns === 0 ? a.number - b.number : byColumns;
}

/** Puts `item` in its place, from the top. */
function siftDown(heap: PieceCursor[], item: PieceCursor): void {
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && compareCursors(heap[child + 1]!, heap[child]!) < 0) child++;
    if (compareCursors(heap[child]!, item) >= 0) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = item;
}
