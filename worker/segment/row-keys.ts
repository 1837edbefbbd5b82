// The sort key of rows: time, then dimensions, then (without rollup) metrics, over merged ids. Rows are compared
// by one packed double first (time and as many leading ids as fit in 52 bits), column by column after a tie.
// Fed by piece-column.ts; used to sort unsorted inputs and to merge sorted ones.
// Source: druid-segment-format.md 4.

import { type IdLists, VECTOR_ROWS, type View } from '../view/view.ts';
import type { PieceIds, PieceNumbers } from './piece-column.ts';

/** A column of the key, over all inputs. */
export type KeyColumn =
  | { readonly kind: 'ids'; readonly cardinality: number }
  | { readonly kind: 'lists'; readonly hasNull: boolean }
  | { readonly kind: 'longs' }
  | { readonly kind: 'doubles' };

/** One input's source of a key column. */
export type KeySource =
  | { readonly kind: 'ids' | 'lists'; readonly ids: PieceIds }
  | { readonly kind: 'longs' | 'doubles'; readonly numbers: PieceNumbers };

/** Values of a key column for a run of rows. */
interface KeyValues {
  ids: Int32Array;
  lists: IdLists;
  longs: BigInt64Array;
  doubles: Float64Array;
  nulls: Uint8Array;
}

/** Bits of a packed key: what a double holds exactly, less the sign. */
const PACK_BITS = 52;

/** The ids packed after the time, and the first column that a tie leaves to compare. */
export interface PackPlan {
  readonly minTimeMs: number;
  /** Columns `0 .. columns-1` are packed: multiply by `scale`, add id / `divisor` rounded down. */
  readonly packed: readonly { readonly scale: number; readonly divisor: number }[];
  /** First column to compare after equal packed keys. */
  readonly compareFrom: number;
}

/** Plans the packing from the range of times and the sizes of the leading dictionaries. */
export function planPacking(
  columns: readonly KeyColumn[],
  minTimeMs: number,
  maxTimeMs: number,
): PackPlan {
  let bits = bitsOf(maxTimeMs - minTimeMs);
  const packed: { scale: number; divisor: number }[] = [];
  let compareFrom = 0;
  for (const column of columns) {
    if (column.kind !== 'ids' || bits >= PACK_BITS) break;
    const want = bitsOf(column.cardinality - 1);
    const take = Math.min(want, PACK_BITS - bits);
    packed.push({ scale: 2 ** take, divisor: 2 ** (want - take) });
    bits += take;
    if (take < want) break;
    compareFrom++;
  }
  return { minTimeMs, packed, compareFrom };
}

/** Bits needed for 0 .. max. */
function bitsOf(max: number): number {
  return max <= 0 ? 0 : Math.floor(Math.log2(max)) + 1;
}

/** Keys of a run of rows of one input. */
export class RowKeys {
  readonly capacity: number;
  readonly times: Float64Array;
  readonly packed: Float64Array;
  readonly columns: readonly KeyValues[];
  readonly #kinds: readonly KeyColumn[];
  readonly #plan: PackPlan;

  constructor(kinds: readonly KeyColumn[], plan: PackPlan, capacity: number) {
    this.capacity = capacity;
    this.times = new Float64Array(capacity);
    this.packed = new Float64Array(capacity);
    this.#kinds = kinds;
    this.#plan = plan;
    this.columns = kinds.map(({ kind }) => ({
      ids: new Int32Array(kind === 'ids' ? capacity : 0),
      lists: {
        offsets: new Int32Array(kind === 'lists' ? capacity + 1 : 1),
        ids: new Int32Array(0),
      },
      longs: new BigInt64Array(kind === 'longs' ? capacity : 0),
      doubles: new Float64Array(kind === 'doubles' ? capacity : 0),
      nulls: new Uint8Array(kind === 'longs' || kind === 'doubles' ? capacity : 0),
    }));
  }

  /** Reads the keys of rows `from .. from+count-1`. */
  fill(view: View, sources: readonly KeySource[], from: number, count: number): void {
    for (let done = 0; done < count; done += VECTOR_ROWS) {
      const n = Math.min(VECTOR_ROWS, count - done);
      view.readTimes(from + done, n, this.times.subarray(done, done + n));
      sources.forEach((source, c) => fillColumn(this.columns[c]!, source, from + done, n, done));
    }
    this.#pack(count);
  }

  /** Compares row i with row j of `other` column by column, time being equal. */
  compare(i: number, other: RowKeys, j: number): number {
    for (let c = this.#plan.compareFrom; c < this.#kinds.length; c++) {
      const kind = this.#kinds[c]!;
      const a = this.columns[c]!;
      const b = other.columns[c]!;
      let order: number;
      if (kind.kind === 'ids') order = a.ids[i]! - b.ids[j]!;
      else if (kind.kind === 'lists') order = compareLists(a.lists, i, b.lists, j, kind.hasNull);
      else if (a.nulls[i] !== b.nulls[j]) order = a.nulls[i] === 1 ? -1 : 1;
      else if (kind.kind === 'longs') order = compareLongs(a.longs, i, b.longs, j);
      else order = compareDoubles(a.doubles[i]!, b.doubles[j]!);
      if (order !== 0) return order;
    }
    return 0;
  }

  /** Among equal rows, an empty list before a list of null, so that the order is the same everywhere. */
  compareForms(i: number, other: RowKeys, j: number): number {
    for (let c = 0; c < this.#kinds.length; c++) {
      if (this.#kinds[c]!.kind !== 'lists') continue;
      const order = lengthOf(this.columns[c]!.lists, i) - lengthOf(other.columns[c]!.lists, j);
      if (order !== 0) return order;
    }
    return 0;
  }

  #pack(count: number): void {
    const { packed, times } = this;
    const { minTimeMs } = this.#plan;
    for (let i = 0; i < count; i++) packed[i] = times[i]! - minTimeMs;
    this.#plan.packed.forEach(({ scale, divisor }, c) => {
      const { ids } = this.columns[c]!;
      if (divisor === 1) for (let i = 0; i < count; i++) packed[i] = packed[i]! * scale + ids[i]!;
      else {
        for (let i = 0; i < count; i++)
          packed[i] = packed[i]! * scale + Math.floor(ids[i]! / divisor);
      }
    });
  }
}

const scratchLists: IdLists = { offsets: new Int32Array(0), ids: new Int32Array(0) };

function fillColumn(out: KeyValues, source: KeySource, from: number, n: number, at: number): void {
  if ('numbers' in source) {
    const values = source.kind === 'longs' ? out.longs : out.doubles;
    source.numbers.read(from, n, values.subarray(at, at + n), out.nulls.subarray(at, at + n));
  } else if (source.kind === 'ids') {
    source.ids.read(from, n, out.ids, at);
  } else {
    source.ids.readLists(from, n, scratchLists);
    appendLists(out.lists, at, scratchLists, n);
  }
}

/** Puts n lists behind the `at` lists that `out` holds. */
function appendLists(out: IdLists, at: number, lists: IdLists, n: number): void {
  const base = at === 0 ? 0 : out.offsets[at]!;
  const added = lists.offsets[n]!;
  if (out.ids.length < base + added) {
    const grown = new Int32Array(Math.max(base + added, 2 * out.ids.length));
    grown.set(out.ids.subarray(0, base));
    out.ids = grown;
  }
  for (let i = 0; i <= n; i++) out.offsets[at + i] = base + lists.offsets[i]!;
  out.ids.set(lists.ids.subarray(0, added), base);
}

function lengthOf(lists: IdLists, i: number): number {
  return lists.offsets[i + 1]! - lists.offsets[i]!;
}

/** Position by position; at a tie the shorter first; empty and all-null lists are equal and lowest. */
function compareLists(a: IdLists, i: number, b: IdLists, j: number, hasNull: boolean): number {
  const [aStart, bStart] = [a.offsets[i]!, b.offsets[j]!];
  const aLength = isNullList(a, i, hasNull) ? 0 : a.offsets[i + 1]! - aStart;
  const bLength = isNullList(b, j, hasNull) ? 0 : b.offsets[j + 1]! - bStart;
  const n = Math.min(aLength, bLength);
  for (let k = 0; k < n; k++) {
    const order = a.ids[aStart + k]! - b.ids[bStart + k]!;
    if (order !== 0) return order;
  }
  return aLength - bLength;
}

function isNullList(lists: IdLists, i: number, hasNull: boolean): boolean {
  if (!hasNull) return false;
  for (let k = lists.offsets[i]!; k < lists.offsets[i + 1]!; k++)
    if (lists.ids[k] !== 0) return false;
  return true;
}

function compareLongs(a: BigInt64Array, i: number, b: BigInt64Array, j: number): number {
  if (a[i]! === b[j]!) return 0;
  return a[i]! < b[j]! ? -1 : 1;
}

/** Java's Double.compare: -0.0 before 0.0, NaN last and equal to itself. */
function compareDoubles(a: number, b: number): number {
  if (a < b) return -1;
  if (a > b) return 1;
  if (a === b && a !== 0) return 0;
  if (Object.is(a, b)) return 0;
  if (a !== a) return 1;
  if (b !== b) return -1;
  return Object.is(a, -0) ? -1 : 1;
}
