// Puts one column of all inputs into the merged row order, reading each input front to back. Ids take the first
// row of a group; numbers are combined over the group as their metric says. Fed by row-merge.ts and
// piece-column.ts; the arrays go to the column writers.

import type { IdLists } from '../view/view.ts';
import type { PieceIds, PieceNumbers } from './piece-column.ts';
import { JOINS, PIECES_MAX, type Piece, type RowOrder } from './row-merge.ts';

/** Rows fetched of an input at once. */
const LANE = 2048;

/** Where each input stands. */
class Heads {
  /** Next value of the lane, counted over the whole lane array. */
  readonly at: Int32Array;
  readonly end: Int32Array;
  /** Next position of the input. */
  readonly position: Int32Array;
  readonly #pieces: readonly Piece[];

  constructor(pieces: readonly Piece[]) {
    this.at = new Int32Array(pieces.length);
    this.end = new Int32Array(pieces.length);
    this.position = new Int32Array(pieces.length);
    this.#pieces = pieces;
  }

  /** Makes room for the next run of input p; returns its first position and length. */
  take(p: number): { readonly piece: Piece; readonly from: number; readonly count: number } {
    const piece = this.#pieces[p]!;
    const from = this.position[p]!;
    const count = Math.min(LANE, piece.view.rows - from);
    this.position[p] = from + count;
    this.at[p] = p * LANE;
    this.end[p] = p * LANE + count;
    return { piece, from, count };
  }
}

/** Time of each row of the result as int64. `out` holds at least `order.rows`. */
export function gatherTimes(pieces: readonly Piece[], order: RowOrder, out: BigInt64Array): void {
  const lane = new Float64Array(pieces.length * LANE);
  const heads = new Heads(pieces);
  const { at: next, end: ends } = heads;
  const { entries } = order;
  const halves = new Int32Array(out.buffer, out.byteOffset, 2 * order.rows);
  let n = 0;
  for (let j = 0; j < entries.length; j++) {
    const entry = entries[j]!;
    const p = entry & PIECES_MAX;
    if (next[p] === ends[p]) {
      const { piece, from, count } = heads.take(p);
      const target = lane.subarray(p * LANE, p * LANE + count);
      if (piece.sorted === undefined) piece.view.readTimes(from, count, target);
      else permute(piece.sorted.keys.times, piece.sorted.order, from, target);
    }
    const time = lane[next[p]!++]!;
    if ((entry & JOINS) !== 0) continue;
    halves[n++] = time % 4294967296;
    halves[n++] = Math.floor(time / 4294967296);
  }
}

/** Ids of single values. `column` is the place of the dimension in the key. */
export function gatherIds(
  pieces: readonly Piece[],
  order: RowOrder,
  sources: readonly PieceIds[],
  column: number,
  out: Int32Array,
): void {
  const [only] = pieces;
  if (pieces.length === 1 && only?.sorted !== undefined) {
    gatherSorted(only.sorted.keys.columns[column]!.ids, only.sorted.order, order, out);
    return;
  }
  const lane = new Int32Array(pieces.length * LANE);
  const heads = new Heads(pieces);
  const { at: next, end: ends } = heads;
  const { entries } = order;
  let n = 0;
  for (let j = 0; j < entries.length; j++) {
    const entry = entries[j]!;
    const p = entry & PIECES_MAX;
    if (next[p] === ends[p]) {
      const { piece, from, count } = heads.take(p);
      if (piece.sorted === undefined) sources[p]!.read(from, count, lane, p * LANE);
      else {
        const all = piece.sorted.keys.columns[column]!.ids;
        permute(all, piece.sorted.order, from, lane.subarray(p * LANE, p * LANE + count));
      }
    }
    const id = lane[next[p]!++]!;
    if ((entry & JOINS) === 0) out[n++] = id;
  }
}

/** A single input that was sorted, which all rows in memory are, needs no lanes. */
function gatherSorted(
  ids: Int32Array,
  positions: Int32Array,
  { entries }: RowOrder,
  out: Int32Array,
): void {
  let n = 0;
  for (let j = 0; j < positions.length; j++) {
    if ((entries[j]! & JOINS) === 0) out[n++] = ids[positions[j]!]!;
  }
}

/** Lists of ids: rows + 1 offsets, and the ids. */
export function gatherLists(
  pieces: readonly Piece[],
  order: RowOrder,
  sources: readonly PieceIds[],
  column: number,
): IdLists {
  const heads = new Heads(pieces);
  const { at: next, end: ends } = heads;
  const { entries } = order;
  const lanes = pieces.map(
    ({ sorted }): IdLists =>
      sorted?.keys.columns[column]?.lists ?? { offsets: new Int32Array(0), ids: new Int32Array(0) },
  );
  const offsets = new Int32Array(order.rows + 1);
  let ids = new Int32Array(order.rows);
  let [row, used] = [0, 0];
  for (let j = 0; j < entries.length; j++) {
    const entry = entries[j]!;
    const p = entry & PIECES_MAX;
    const lane = lanes[p]!;
    if (next[p] === ends[p]) {
      const { piece, from, count } = heads.take(p);
      if (piece.sorted === undefined) sources[p]!.readLists(from, count, lane);
    }
    const { sorted } = pieces[p]!;
    const at = next[p]!++;
    if ((entry & JOINS) !== 0) continue;
    const position = heads.position[p]! - (ends[p]! - at);
    const i = sorted === undefined ? at - p * LANE : sorted.order[position]!;
    const [start, end] = [lane.offsets[i]!, lane.offsets[i + 1]!];
    if (used + end - start > ids.length) {
      const grown = new Int32Array(Math.max(used + end - start, Math.ceil(1.5 * ids.length)));
      grown.set(ids.subarray(0, used));
      ids = grown;
    }
    for (let k = start; k < end; k++) ids[used++] = lane.ids[k]!;
    offsets[++row] = used;
  }
  return { offsets, ids };
}

/** How the numbers of a group become one; `first` for dimensions. */
export type Fold = 'first' | 'sum' | 'min' | 'max';

/** Numbers of a column into `out` and `nulls`, null rows as 0. Returns true when some row is null. */
export function gatherNumbers(
  pieces: readonly Piece[],
  order: RowOrder,
  sources: readonly PieceNumbers[],
  fold: { readonly how: Fold; readonly isFloat: boolean },
  out: BigInt64Array | Float64Array,
  nulls: Uint8Array,
): boolean {
  const heads = new Heads(pieces);
  const { at: next, end: ends } = heads;
  const { entries } = order;
  const isLong = out instanceof BigInt64Array;
  const make = (n: number): BigInt64Array | Float64Array =>
    isLong ? new BigInt64Array(n) : new Float64Array(n);
  const lane = make(pieces.length * LANE);
  const laneNulls = new Uint8Array(pieces.length * LANE);
  const whole = pieces.map((piece, p) => wholeColumn(piece, sources[p]!, make));
  const combine = isLong ? combineLongs : combineDoubles;
  let row = -1;
  for (let j = 0; j < entries.length; j++) {
    const entry = entries[j]!;
    const p = entry & PIECES_MAX;
    if (next[p] === ends[p]) {
      const { piece, from, count } = heads.take(p);
      const target = lane.subarray(p * LANE, p * LANE + count);
      const targetNulls = laneNulls.subarray(p * LANE, p * LANE + count);
      const all = whole[p];
      if (piece.sorted === undefined || all === undefined)
        sources[p]!.read(from, count, target, targetNulls);
      else {
        permuteAny(all.values, piece.sorted.order, from, target);
        permute(all.nulls, piece.sorted.order, from, targetNulls);
      }
    }
    const at = next[p]!++;
    if ((entry & JOINS) === 0) {
      row++;
      copyCell(lane, at, out, row);
      nulls[row] = laneNulls[at]!;
    } else if (laneNulls[at] === 0 && fold.how !== 'first') {
      if (nulls[row] === 1) {
        copyCell(lane, at, out, row);
        nulls[row] = 0;
      } else combine(lane, at, out, row, fold.how);
      if (fold.isFloat) out[row] = Math.fround(Number(out[row]));
    }
  }
  return nulls.subarray(0, order.rows).includes(1);
}

type Cells = BigInt64Array | Float64Array;

function copyCell(from: Cells, at: number, to: Cells, row: number): void {
  if (from instanceof BigInt64Array && to instanceof BigInt64Array) to[row] = from[at]!;
  else if (from instanceof Float64Array && to instanceof Float64Array) to[row] = from[at]!;
}

function combineLongs(from: Cells, at: number, to: Cells, row: number, how: Fold): void {
  if (!(from instanceof BigInt64Array && to instanceof BigInt64Array)) return;
  if (how === 'sum') to[row] = to[row]! + from[at]!;
  else if (how === 'min') to[row] = from[at]! < to[row]! ? from[at]! : to[row]!;
  else to[row] = from[at]! > to[row]! ? from[at]! : to[row]!;
}

function combineDoubles(from: Cells, at: number, to: Cells, row: number, how: Fold): void {
  if (!(from instanceof Float64Array && to instanceof Float64Array)) return;
  if (how === 'sum') to[row] = to[row]! + from[at]!;
  else to[row] = how === 'min' ? Math.min(to[row]!, from[at]!) : Math.max(to[row]!, from[at]!);
}

/** All numbers of an input that is read in another order than its own. */
function wholeColumn(
  piece: Piece,
  source: PieceNumbers,
  make: (n: number) => Cells,
): { readonly values: Cells; readonly nulls: Uint8Array } | undefined {
  if (piece.sorted === undefined) return undefined;
  const { rows } = piece.view;
  const values = make(rows);
  const nulls = new Uint8Array(rows);
  for (let from = 0; from < rows; from += LANE) {
    const to = Math.min(rows, from + LANE);
    source.read(from, to - from, values.subarray(from, to), nulls.subarray(from, to));
  }
  return { values, nulls };
}

function permute<T extends Float64Array | Int32Array | Uint8Array>(
  all: T,
  order: Int32Array,
  from: number,
  target: T,
): void {
  for (let i = 0; i < target.length; i++) target[i] = all[order[from + i]!]!;
}

function permuteAny(all: Cells, order: Int32Array, from: number, target: Cells): void {
  if (all instanceof Float64Array && target instanceof Float64Array) {
    permute(all, order, from, target);
  } else if (all instanceof BigInt64Array && target instanceof BigInt64Array) {
    for (let i = 0; i < target.length; i++) target[i] = all[order[from + i]!]!;
  }
}
