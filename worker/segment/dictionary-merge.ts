// Merges the dictionaries of a string dimension over all inputs: the values that really occur, in Druid's order,
// and for each input the way from its ids to the merged ones. Unsorted dictionaries (the in-memory index) are
// sorted first. Memory: the merged values once, and four bytes per entry of each input.

import { emptySlice } from '../view/byte-slice.ts';
import { type ByteSlice, type StringColumn, VECTOR_ROWS } from '../view/view.ts';
import { ValueArena } from './value-arena.ts';
import { compareUtf8, prefixAt } from './value-order.ts';

/** A merged dictionary. Null, if some row is null, is id 0 and the values follow. */
export interface MergedDictionary {
  readonly hasNull: boolean;
  readonly values: ValueArena;
  /** True when some row is stored with two or more values, or with an empty list. */
  readonly isMulti: boolean;
  /** Per input: own id -> merged id; entries that do not occur stay 0. Empty for inputs without the column. */
  readonly remaps: readonly Int32Array[];
}

/** What one pass over the ids of a column finds. */
interface Usage {
  readonly used: Uint8Array;
  readonly hasNull: boolean;
  readonly isMulti: boolean;
}

/**
 * Merges; `rows[i]` is the number of rows of input i, `columns[i]` its column or undefined. `isSet`: lists are
 * stored without repetitions.
 */
export function mergeDictionaries(
  columns: readonly (StringColumn | undefined)[],
  rows: readonly number[],
  isSet: boolean,
): MergedDictionary {
  const usages = columns.map((column, i) =>
    column === undefined ? undefined : usageOf(column, rows[i] ?? 0, isSet),
  );
  const hasNull = usages.some((usage) => usage === undefined || usage.hasNull);
  const isMulti = usages.some((usage) => usage?.isMulti === true);
  const remaps = columns.map((column) => new Int32Array(column?.dictionary.size ?? 0));
  const sources: Source[] = [];
  columns.forEach((column, i) => {
    const usage = usages[i];
    const remap = remaps[i];
    if (column !== undefined && usage !== undefined && remap !== undefined) {
      sources.push(new Source(column, usage.used, remap));
    }
  });
  const expected = Math.max(0, ...sources.map((source) => source.count));
  const values = new ValueArena(expected);
  mergeSources(sources, values, hasNull ? 1 : 0);
  return { hasNull, values, isMulti, remaps };
}

function usageOf(column: StringColumn, rows: number, isSet: boolean): Usage {
  const { dictionary } = column;
  const used = new Uint8Array(dictionary.size);
  const nullId = dictionary.idOf(null);
  let [hasEmpty, isMulti] = [false, false];
  if (column.multi) {
    const lists = { offsets: new Int32Array(0), ids: new Int32Array(0) };
    for (let from = 0; from < rows; from += VECTOR_ROWS) {
      const count = Math.min(VECTOR_ROWS, rows - from);
      column.readIdLists(from, count, lists);
      for (let i = 0; i < count; i++) {
        const [start, end] = [lists.offsets[i]!, lists.offsets[i + 1]!];
        hasEmpty ||= start === end;
        // What is stored as one value does not make the column multi-valued: see PieceIds.readLists.
        const only = isSet ? lists.ids[start] : nullId;
        for (let k = start; k < end && end - start > 1; k++) isMulti ||= lists.ids[k] !== only;
      }
      for (let i = 0; i < lists.offsets[count]!; i++) used[lists.ids[i]!] = 1;
    }
  } else {
    const ids = new Int32Array(VECTOR_ROWS);
    for (let from = 0; from < rows; from += VECTOR_ROWS) {
      const count = Math.min(VECTOR_ROWS, rows - from);
      column.readIds(from, count, ids);
      for (let i = 0; i < count; i++) used[ids[i]!] = 1;
    }
  }
  // Only lists can be empty, and whether a row is one must not depend on the rows it happens to be stored with.
  isMulti ||= hasEmpty;
  const hasNull = hasEmpty || (nullId >= 0 && used[nullId] === 1);
  // Null is no value: it has its own place in front of the merged ones.
  if (nullId >= 0) used[nullId] = 0;
  return { used, hasNull, isMulti };
}

/** The used values of one input in ascending order, one at a time. */
class Source {
  readonly count: number;
  readonly value: ByteSlice = emptySlice();
  prefix = 0;
  readonly #column: StringColumn;
  readonly #used: Uint8Array;
  readonly #remap: Int32Array;
  /** For an unsorted dictionary: own ids of the used values in the order of the values. */
  readonly #order: Int32Array | undefined;
  /** Position in the order, or the own id. */
  #at = -1;

  constructor(column: StringColumn, used: Uint8Array, remap: Int32Array) {
    let count = 0;
    for (let id = 0; id < used.length; id++) count += used[id]!;
    this.count = count;
    this.#column = column;
    this.#used = used;
    this.#remap = remap;
    this.#order = column.dictionary.sorted ? undefined : sortedIds(column, used, count);
  }

  /** Moves to the next value. False at the end. */
  next(): boolean {
    this.#at++;
    if (this.#order === undefined) {
      while (this.#at < this.#used.length && this.#used[this.#at] === 0) this.#at++;
      if (this.#at >= this.#used.length) return false;
    } else if (this.#at >= this.count) return false;
    const { value } = this;
    this.#column.dictionary.readUtf8(this.#id(), value);
    this.prefix = prefixAt(value.bytes, value.start, value.end);
    return true;
  }

  /** Says what the current value's merged id is. */
  assign(merged: number): void {
    this.#remap[this.#id()] = merged;
  }

  #id(): number {
    return this.#order === undefined ? this.#at : this.#order[this.#at]!;
  }
}

function sortedIds(column: StringColumn, used: Uint8Array, count: number): Int32Array {
  const ids = new Int32Array(count);
  for (let id = 0, n = 0; id < used.length; id++) if (used[id] === 1) ids[n++] = id;
  const arena = new ValueArena(count);
  const value = emptySlice();
  for (let i = 0; i < count; i++) {
    column.dictionary.readUtf8(ids[i]!, value);
    arena.push(value);
  }
  return arena.sortedOrder().map((position) => ids[position]!);
}

function compareSources(a: Source, b: Source): number {
  return a.prefix - b.prefix || compareUtf8(a.value, b.value);
}

/** A k-way merge by a binary heap; equal values of several inputs become one. */
function mergeSources(sources: readonly Source[], values: ValueArena, firstId: number): void {
  const heap = sources.filter((source) => source.next());
  heap.sort(compareSources);
  while (heap.length > 0) {
    const top = heap[0];
    if (top === undefined) return;
    if (!values.endsWith(top.value)) values.push(top.value);
    top.assign(firstId + values.size - 1);
    if (!top.next()) {
      const end = heap.pop();
      if (end === undefined || heap.length === 0) return;
      heap[0] = end;
    }
    siftDown(heap);
  }
}

function siftDown(heap: Source[]): void {
  const item = heap[0];
  if (item === undefined) return;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    let least = heap[child];
    if (least === undefined) break;
    const right = heap[child + 1];
    if (right !== undefined && compareSources(right, least) < 0) {
      least = right;
      child++;
    }
    if (compareSources(least, item) >= 0) break;
    heap[at] = least;
    at = child;
  }
  heap[at] = item;
}
