// Hot loops of the numeric aggregators. Each is a plain function over typed arrays, one array type each, so
// that it is compiled once. Fed by feed.ts. Source: performance.md 6.

import type { NumericInput } from './numeric-input.ts';
import type { DoubleState, LongState } from './state.ts';

/** Rows `rows[from .. to-1]` into one cell. */
export function runLongs(
  state: LongState,
  input: NumericInput,
  rows: Int32Array,
  from: number,
  to: number,
  slot: number,
): void {
  const { cells, has } = state;
  const values = input.longs();
  const nulls = input.nulls();
  if (state.operation === 'sum' && nulls === null) {
    sumLongs(cells, values, rows, from, to, slot);
    has[slot] = 1;
    return;
  }
  for (let i = from; i < to; i++) {
    const row = rows[i]!;
    if (nulls === null || nulls[row] === 0) addLong(state, slot, values, row);
  }
}

function sumLongs(
  cells: BigInt64Array,
  values: BigInt64Array,
  rows: Int32Array,
  from: number,
  to: number,
  slot: number,
): void {
  // Rows in a row need no indirection, which is the case without a filter.
  if (rows[to - 1]! - rows[from]! === to - 1 - from) {
    const end = rows[to - 1]! + 1;
    for (let row = rows[from]!; row < end; row++) cells[slot] = cells[slot]! + values[row]!;
  } else {
    for (let i = from; i < to; i++) cells[slot] = cells[slot]! + values[rows[i]!]!;
  }
}

function addLong(state: LongState, slot: number, values: BigInt64Array, row: number): void {
  const { cells, has } = state;
  if (has[slot] === 0) cells[slot] = values[row]!;
  else if (state.operation === 'sum') cells[slot] = cells[slot]! + values[row]!;
  else if (state.operation === 'min') {
    if (values[row]! < cells[slot]!) cells[slot] = values[row]!;
  } else if (values[row]! > cells[slot]!) cells[slot] = values[row]!;
  has[slot] = 1;
}

/** Row i of the list into cell `slots[i]`. */
export function groupLongs(
  state: LongState,
  input: NumericInput,
  rows: Int32Array,
  count: number,
  slots: Int32Array,
): void {
  const { cells, has } = state;
  const values = input.longs();
  const nulls = input.nulls();
  if (state.operation === 'sum' && nulls === null) {
    for (let i = 0; i < count; i++) {
      const slot = slots[i]!;
      cells[slot] = cells[slot]! + values[rows[i]!]!;
      has[slot] = 1;
    }
    return;
  }
  for (let i = 0; i < count; i++) {
    const row = rows[i]!;
    if (nulls === null || nulls[row] === 0) addLong(state, slots[i]!, values, row);
  }
}

/** Rows `rows[from .. to-1]` into one cell. */
export function runDoubles(
  state: DoubleState,
  input: NumericInput,
  rows: Int32Array,
  from: number,
  to: number,
  slot: number,
): void {
  const values = input.doubles();
  const nulls = input.nulls();
  if (state.operation === 'sum' && nulls === null && !state.isFloat) {
    let sum = state.cells[slot]!;
    if (rows[to - 1]! - rows[from]! === to - 1 - from) {
      const end = rows[to - 1]! + 1;
      for (let row = rows[from]!; row < end; row++) sum += values[row]!;
    } else {
      for (let i = from; i < to; i++) sum += values[rows[i]!]!;
    }
    state.cells[slot] = sum;
    state.has[slot] = 1;
    return;
  }
  for (let i = from; i < to; i++) {
    const row = rows[i]!;
    if (nulls === null || nulls[row] === 0) addDouble(state, slot, values[row]!);
  }
}

function addDouble(state: DoubleState, slot: number, stored: number): void {
  const { cells, has } = state;
  const value = state.isFloat ? Math.fround(stored) : stored;
  if (has[slot] === 0) cells[slot] = value;
  else if (state.operation === 'sum')
    cells[slot] = state.isFloat ? Math.fround(cells[slot]! + value) : cells[slot]! + value;
  else
    cells[slot] =
      state.operation === 'min' ? Math.min(cells[slot]!, value) : Math.max(cells[slot]!, value);
  has[slot] = 1;
}

/** Row i of the list into cell `slots[i]`. */
export function groupDoubles(
  state: DoubleState,
  input: NumericInput,
  rows: Int32Array,
  count: number,
  slots: Int32Array,
): void {
  const { cells, has } = state;
  const values = input.doubles();
  const nulls = input.nulls();
  if (state.operation === 'sum' && nulls === null && !state.isFloat) {
    for (let i = 0; i < count; i++) {
      const slot = slots[i]!;
      cells[slot] = cells[slot]! + values[rows[i]!]!;
      has[slot] = 1;
    }
    return;
  }
  for (let i = 0; i < count; i++) {
    const row = rows[i]!;
    if (nulls === null || nulls[row] === 0) addDouble(state, slots[i]!, values[row]!);
  }
}
