// Sorts the rows of an input that is not in segment order (the in-memory index): a permutation, and the keys of
// all rows, which the column gatherers use again. Feeds row-merge.ts.

import type { View } from '../view/view.ts';
import { type KeyColumn, type KeySource, type PackPlan, RowKeys } from './row-keys.ts';
import { sortPairs } from './value-order.ts';

/** An input in row order. */
export interface SortedRows {
  /** Position in order -> row of the view. */
  readonly order: Int32Array;
  /** Keys by row of the view. */
  readonly keys: RowKeys;
}

/** Sorts; equal rows keep the order of {@link RowKeys.compareForms}, then of the view. */
export function sortRows(
  view: View,
  columns: readonly KeyColumn[],
  plan: PackPlan,
  sources: readonly KeySource[],
): SortedRows {
  const { rows } = view;
  const keys = new RowKeys(columns, plan, rows);
  keys.fill(view, sources, 0, rows);
  const order = new Int32Array(rows);
  for (let row = 0; row < rows; row++) order[row] = row;
  const packed = keys.packed.slice();
  sortPairs(packed, order, 0, rows);
  const byColumns = (a: number, b: number): number =>
    keys.compare(a, keys, b) || keys.compareForms(a, keys, b) || a - b;
  for (let from = 0; from < rows;) {
    let to = from + 1;
    while (to < rows && packed[to] === packed[from]) to++;
    if (to - from > 1) order.subarray(from, to).sort(byColumns);
    from = to;
  }
  return { order, keys };
}
