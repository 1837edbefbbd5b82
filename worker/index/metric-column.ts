// One metric of the in-memory index: a cell a row, combined in place. Longs are exact 64-bit sums kept as two
// 32-bit halves (a BigInt a row would allocate, performance.md 6); doubles and floats are doubles, floats rounded
// after each step as Druid does.

import type { CompiledMetric } from '../../core/spec/compiled.ts';
import { FIELD_VALUE, type RowFields } from '../view/fields.ts';
import { grownBytes, sharedBytes } from './shared.ts';

/** The arrays of a metric; shared memory. */
export interface MetricData {
  readonly type: 'LONG' | 'DOUBLE' | 'FLOAT';
  /** 8 bytes a row: int64 little-endian or double. */
  readonly cells: Uint8Array;
  /** 1 where some value was not null. */
  readonly seen: Uint8Array;
}

type Operation = 'sum' | 'min' | 'max';

/** A metric while it grows. */
export class MetricColumn {
  readonly type: 'LONG' | 'DOUBLE' | 'FLOAT';
  readonly #operation: Operation;
  #cells: Uint8Array = sharedBytes(8 * 64);
  #ints: Int32Array = new Int32Array(this.#cells.buffer);
  #doubles: Float64Array = new Float64Array(this.#cells.buffer);
  #seen: Uint8Array = sharedBytes(64);

  constructor(metric: CompiledMetric) {
    this.type = metric.type.startsWith('double')
      ? 'DOUBLE'
      : metric.type.startsWith('float')
        ? 'FLOAT'
        : 'LONG';
    this.#operation = metric.type.endsWith('Min')
      ? 'min'
      : metric.type.endsWith('Max')
        ? 'max'
        : 'sum';
  }

  get bytes(): number {
    return this.#cells.length + this.#seen.length;
  }

  data(): MetricData {
    return { type: this.type, cells: this.#cells, seen: this.#seen };
  }

  /** Combines metric `m` of the row into the cell of `row`. */
  add(row: number, fields: RowFields, m: number): void {
    if (row >= this.#seen.length) this.#grow(row + 1);
    if (fields.metricState[m] !== FIELD_VALUE) return;
    if (this.type === 'LONG')
      this.#addLong(row, fields.metricLow[m] as number, fields.metricHigh[m] as number);
    else this.#addDouble(row, fields.metricDouble[m] as number);
  }

  #addLong(row: number, low: number, high: number): void {
    const ints = this.#ints;
    const at = row * 2;
    if (this.#seen[row] === 0) {
      this.#seen[row] = 1;
      ints[at] = low;
      ints[at + 1] = high;
      return;
    }
    const oldLow = ints[at] as number;
    const oldHigh = ints[at + 1] as number;
    if (this.#operation === 'sum') {
      const sum = (oldLow >>> 0) + (low >>> 0);
      ints[at] = sum | 0;
      ints[at + 1] = (oldHigh + high + (sum > 0xffffffff ? 1 : 0)) | 0;
      return;
    }
    const isLess = high < oldHigh || (high === oldHigh && low >>> 0 < oldLow >>> 0);
    if (isLess === (this.#operation === 'min')) {
      ints[at] = low;
      ints[at + 1] = high;
    }
  }

  #addDouble(row: number, value: number): void {
    const cells = this.#doubles;
    if (this.#seen[row] === 0) {
      this.#seen[row] = 1;
      cells[row] = value;
      return;
    }
    const old = cells[row] as number;
    if (this.#operation === 'sum')
      cells[row] = this.type === 'FLOAT' ? Math.fround(old + value) : old + value;
    else cells[row] = this.#operation === 'min' ? Math.min(old, value) : Math.max(old, value);
  }

  #grow(rows: number): void {
    this.#seen = grownBytes(this.#seen, rows);
    this.#cells = grownBytes(this.#cells, this.#seen.length * 8);
    this.#ints = new Int32Array(this.#cells.buffer);
    this.#doubles = new Float64Array(this.#cells.buffer);
  }
}
