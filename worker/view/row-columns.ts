// Columns over plain JavaScript values: the string and numeric halves of row-view.ts. Strings are
// dictionary-encoded when the column is made; everything is read through the same vectors as a segment.

import { Failure } from '../../core/runtime/failure.ts';
import type {
  ByteSlice,
  ComplexColumn,
  Dictionary,
  IdLists,
  NumericColumn,
  StringColumn,
} from './view.ts';
import { pointAt } from './byte-slice.ts';

/** A value of a row: absent and undefined read as null. Lists are for string dimensions. */
export type RowValue =
  | null
  | undefined
  | string
  | number
  | bigint
  | readonly (string | null)[]
  | Uint8Array;

const encoder = new TextEncoder();

class RowDictionary implements Dictionary {
  readonly size: number;
  readonly sorted: boolean;
  readonly #values: readonly (string | null)[];
  readonly #ids: Map<string | null, number>;

  constructor(values: readonly (string | null)[], sorted: boolean) {
    this.size = values.length;
    this.sorted = sorted;
    this.#values = values;
    this.#ids = new Map(values.map((value, id) => [value, id]));
  }

  value(id: number): string | null {
    const value = this.#values[id];
    if (value === undefined) throw new Failure('bug', 'AssertionFailed', `dictionary id ${id}`);
    return value;
  }

  idOf(value: string | null): number {
    return this.#ids.get(value) ?? -1;
  }

  readUtf8(id: number, out: ByteSlice): boolean {
    const value = this.value(id);
    if (value === null) return false;
    pointAt(out, encoder.encode(value));
    return true;
  }
}

/** Null first, then UTF-16 code units. Source: druid-segment-format.md 2.3.2. */
function compareValues(a: string | null, b: string | null): number {
  if (a === b) return 0;
  if (a === null) return -1;
  if (b === null) return 1;
  return a < b ? -1 : 1;
}

/** How {@link rowStringColumn} encodes. */
interface RowStringOptions {
  /** False: ids in order of first appearance, as in the in-memory index. */
  readonly sorted: boolean;
  readonly bitmaps: boolean;
}

/**
 * A string column; multi-valued when some row is a list of two or more values, or of none.
 *
 * @throws Failure `input` RowInvalid for a number where text is expected
 */
export function rowStringColumn(
  name: string,
  values: readonly RowValue[],
  options: RowStringOptions,
): StringColumn {
  const lists = values.map((value) => textList(name, value));
  const seen = new Set<string | null>();
  for (const list of lists) {
    if (list.length === 0) seen.add(null);
    for (const value of list) seen.add(value);
  }
  const entries = [...seen];
  if (options.sorted) entries.sort(compareValues);
  const dictionary = new RowDictionary(entries, options.sorted);
  const multi = lists.some((list) => list.length !== 1);
  const offsets = new Int32Array(lists.length + 1);
  const ids: number[] = [];
  lists.forEach((list, row) => {
    for (const value of list) ids.push(dictionary.idOf(value));
    offsets[row + 1] = ids.length;
  });
  return new RowStringColumn(dictionary, multi, offsets, Int32Array.from(ids), options.bitmaps);
}

function textList(name: string, value: RowValue): readonly (string | null)[] {
  const list = Array.isArray(value) ? value : [value ?? null];
  return list.map((item: unknown) => {
    if (item === null || typeof item === 'string') return item?.toWellFormed() ?? null;
    throw new Failure(
      'input',
      'RowInvalid',
      `column ${name}: ${JSON.stringify(item) ?? typeof item} is not a string`,
    );
  });
}

class RowStringColumn implements StringColumn {
  readonly kind = 'string';
  readonly type = 'STRING';
  readonly multi: boolean;
  readonly hasNulls: boolean;
  readonly dictionary: Dictionary;
  readonly hasBitmaps: boolean;
  readonly #offsets: Int32Array;
  readonly #ids: Int32Array;
  #rowsOfId: readonly Int32Array[] | undefined;

  constructor(
    dictionary: Dictionary,
    multi: boolean,
    offsets: Int32Array,
    ids: Int32Array,
    bitmaps: boolean,
  ) {
    this.dictionary = dictionary;
    this.multi = multi;
    this.hasNulls = dictionary.idOf(null) >= 0;
    this.hasBitmaps = bitmaps;
    this.#offsets = offsets;
    this.#ids = ids;
  }

  readIds(from: number, count: number, out: Int32Array): void {
    if (this.multi) throw new Failure('bug', 'AssertionFailed', 'readIds of a multi-value column');
    out.set(this.#ids.subarray(from, from + count));
  }

  readIdLists(from: number, count: number, out: IdLists): void {
    const base = this.#offsets[from]!;
    const end = this.#offsets[from + count]!;
    if (out.offsets.length < count + 1) out.offsets = new Int32Array(count + 1);
    if (out.ids.length < end - base) out.ids = new Int32Array(end - base);
    for (let i = 0; i <= count; i++) out.offsets[i] = this.#offsets[from + i]! - base;
    out.ids.set(this.#ids.subarray(base, end));
  }

  orBitmap(id: number, words: Int32Array): void {
    for (const row of this.#rows(id)) words[row >> 5]! |= 1 << (row & 31);
  }

  bitmapRows(id: number): number {
    return this.#rows(id).length;
  }

  #rows(id: number): Int32Array {
    this.#rowsOfId ??= this.#index();
    const rows = this.#rowsOfId[id];
    if (rows === undefined) throw new Failure('bug', 'AssertionFailed', `dictionary id ${id}`);
    return rows;
  }

  #index(): readonly Int32Array[] {
    const lists: number[][] = Array.from({ length: this.dictionary.size }, () => []);
    const nullId = this.dictionary.idOf(null);
    for (let row = 0; row + 1 < this.#offsets.length; row++) {
      const ids = new Set(this.#ids.subarray(this.#offsets[row], this.#offsets[row + 1]));
      if (ids.size === 0) ids.add(nullId);
      for (const id of ids) lists[id]?.push(row);
    }
    return lists.map((list) => Int32Array.from(list));
  }
}

/**
 * A numeric column. Longs keep all 64 bits when given as bigint.
 *
 * @throws Failure `input` RowInvalid for anything but numbers and null
 */
export function rowNumericColumn(
  name: string,
  type: 'LONG' | 'DOUBLE' | 'FLOAT',
  values: readonly RowValue[],
): NumericColumn {
  const nulls = new Uint8Array(values.length);
  const longs = new BigInt64Array(type === 'LONG' ? values.length : 0);
  const doubles = new Float64Array(values.length);
  values.forEach((value, row) => {
    if (value === null || value === undefined) {
      nulls[row] = 1;
    } else if (typeof value !== 'number' && typeof value !== 'bigint') {
      throw new Failure('input', 'RowInvalid', `column ${name}: ${String(value)} is not a number`);
    } else {
      if (type === 'LONG') longs[row] = BigInt(value);
      doubles[row] = type === 'FLOAT' ? Math.fround(Number(value)) : Number(value);
    }
  });
  const hasNulls = nulls.includes(1);
  return {
    kind: 'numeric',
    type,
    hasNulls,
    readLongs(from, count, out) {
      if (type !== 'LONG') throw new Failure('bug', 'AssertionFailed', `readLongs of ${type}`);
      out.set(longs.subarray(from, from + count));
    },
    readDoubles(from, count, out) {
      out.set(doubles.subarray(from, from + count));
    },
    readNulls(from, count, out) {
      const run = nulls.subarray(from, from + count);
      if (!hasNulls || !run.includes(1)) return false;
      out.set(run);
      return true;
    },
  };
}

/**
 * A column of objects given as their bytes.
 *
 * @throws Failure `input` RowInvalid for anything but bytes and null
 */
export function rowComplexColumn(
  name: string,
  typeName: string,
  values: readonly RowValue[],
): ComplexColumn {
  const objects = values.map((value) => {
    if (value === null || value === undefined || value instanceof Uint8Array) return value;
    throw new Failure('input', 'RowInvalid', `column ${name}: a value is not bytes`);
  });
  return {
    kind: 'complex',
    type: 'COMPLEX',
    typeName,
    hasNulls: true,
    readBytes: (row) => objects[row] ?? undefined,
    describe: (row) => `column '${name}', row ${row}`,
  };
}
