// Long, double and float columns of a segment: a supplier and the bitmap of its null rows. Fed by
// column-file.ts; read through the view. Source: druid-segment-format.md 2.4.3, 2.5.
//
//   part of V1 types = supplier to the end
//   part of V2 types = i32 length, supplier, [i32 length, bitmap of null rows]

import { Failure } from '../../core/runtime/failure.ts';
import type { ColumnSlotSums, NumericColumn } from '../view/view.ts';
import type { ReadContext } from './block-cache.ts';
import { Cursor } from './internal-file.ts';
import type { NumberSupplier, NumberType } from './block-numbers.ts';
import { readNumberSupplier } from './number-supplier.ts';
import type { BitmapReader } from './roaring-reader.ts';
import { checkRun } from './string-column.ts';

/** What the descriptor of a part says. */
interface NumberPart {
  readonly type: NumberType;
  /** True for longV2, doubleV2, floatV2. */
  readonly hasNullSection: boolean;
  readonly isLittleEndian: boolean;
  readonly bitmaps: BitmapReader;
}

/** Reads a number part to the end of the file. @throws Failure `corrupt` */
export function readNumberPart(
  cursor: Cursor,
  context: ReadContext,
  part: NumberPart,
): NumericColumn & { readonly rows: number } {
  const { file } = cursor;
  if (!part.hasNullSection) {
    const supplier = readNumberSupplier(cursor, context, part.type, part.isLittleEndian);
    return new StoredNumericColumn(supplier, undefined);
  }
  const length = cursor.size(cursor.remaining - 4, 'length of the values');
  const end = cursor.position + length;
  const inner = new Cursor(file, cursor.position, end);
  const supplier = readNumberSupplier(inner, context, part.type, part.isLittleEndian);
  if (end === cursor.end) return new StoredNumericColumn(supplier, undefined);
  const rest = new Cursor(file, end);
  const bytes = rest.size(rest.remaining - 4, 'length of the null bitmap');
  const at = rest.position;
  rest.skip(bytes);
  const nulls = (): Int32Array => {
    const words = new Int32Array(Math.ceil(supplier.rows / 32));
    part.bitmaps.or(file.read(at, bytes), words, supplier.rows, file, at);
    return words;
  };
  return new StoredNumericColumn(supplier, bytes === 0 ? undefined : nulls);
}

class StoredNumericColumn implements NumericColumn {
  readonly kind = 'numeric';
  readonly type: NumberType;
  readonly hasNulls: boolean;
  readonly rows: number;
  readonly #supplier: NumberSupplier;
  readonly #loadNulls: (() => Int32Array) | undefined;
  #nulls: Int32Array | undefined;

  constructor(supplier: NumberSupplier, loadNulls: (() => Int32Array) | undefined) {
    this.type = supplier.type;
    this.rows = supplier.rows;
    this.hasNulls = loadNulls !== undefined;
    this.#supplier = supplier;
    this.#loadNulls = loadNulls;
  }

  readLongs(from: number, count: number, out: BigInt64Array): void {
    checkRun(from, count, this.rows);
    if (this.type !== 'LONG')
      throw new Failure('bug', 'AssertionFailed', `readLongs of ${this.type}`);
    this.#supplier.readLongs(from, count, out);
  }

  readDoubles(from: number, count: number, out: Float64Array): void {
    checkRun(from, count, this.rows);
    this.#supplier.readDoubles(from, count, out);
  }

  readonly intRun = (from: number, count: number): Int32Array | undefined => {
    checkRun(from, count, this.rows);
    return this.#supplier.intRun(from, count);
  };

  readonly runSum = (from: number, count: number): bigint | undefined => {
    checkRun(from, count, this.rows);
    return this.#supplier.runSum(from, count);
  };

  readonly maskedSum = (from: number, count: number, words: Int32Array): bigint | undefined => {
    checkRun(from, count, this.rows);
    return this.#supplier.maskedSum(from, count, words);
  };

  readonly slotSums = (
    slots: number,
    put: (slot: number, sum: number) => void,
  ): ColumnSlotSums | undefined => this.#supplier.slotSums(slots, put);

  readNulls(from: number, count: number, out: Uint8Array): boolean {
    checkRun(from, count, this.rows);
    const words = (this.#nulls ??= this.#loadNulls?.());
    if (words === undefined || !hasBit(words, from, count)) return false;
    for (let i = 0, row = from; i < count; i++, row++)
      out[i] = (words[row >>> 5]! >>> (row & 31)) & 1;
    return true;
  }
}

function hasBit(words: Int32Array, from: number, count: number): boolean {
  if (count === 0) return false;
  const last = from + count - 1;
  const first = words[from >>> 5]! & (-1 << (from & 31));
  if (from >>> 5 === last >>> 5) return (first & (-1 >>> (31 - (last & 31)))) !== 0;
  if (first !== 0 || (words[last >>> 5]! & (-1 >>> (31 - (last & 31)))) !== 0) return true;
  for (let w = (from >>> 5) + 1; w < last >>> 5; w++) if (words[w] !== 0) return true;
  return false;
}
