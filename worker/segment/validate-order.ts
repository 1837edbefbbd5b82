// Checks the row order a segment declares, and with rollup that no two rows have the same key. Uses the keys of
// the merge, since a segment is a merge's input. Fed by validate.ts. Source: druid-segment-format.md 4.

import type { Column } from '../view/view.ts';
import { PieceIds, PieceNumbers } from './piece-column.ts';
import type { SegmentView } from './reader.ts';
import { type KeyColumn, type KeySource, planPacking, RowKeys } from './row-keys.ts';

/** Rows of keys held at once. */
const RUN = 8192;

/** The first pair of rows against the declared order, as a text. Columns that cannot be read end the key. */
export function checkRowOrder(
  view: SegmentView,
  columnOf: (name: string) => Column | undefined,
): string | undefined {
  const declared = view.metadata.ordering?.map((item) => item.columnName) ?? ['__time'];
  const isAscending = view.metadata.ordering?.every((item) => item.order === 'ascending') ?? true;
  if (declared[0] !== '__time' || !isAscending) return undefined;
  const columns: KeyColumn[] = [];
  const sources: KeySource[] = [];
  let isWhole = true;
  for (const name of declared.slice(1)) {
    const column = columnOf(name);
    // A dropped all-null dimension is named too, and is equal in all rows.
    if (column === undefined && !view.dimensions.includes(name)) continue;
    if (column === undefined || column.kind === 'complex') {
      isWhole = false;
      break;
    }
    addColumn(column, columns, sources);
  }
  const isUnique =
    isWhole &&
    view.metadata.rollup === true &&
    view.dimensions.every((name) => declared.includes(name));
  return scan(view, columns, sources, isUnique);
}

function addColumn(column: Column, columns: KeyColumn[], sources: KeySource[]): void {
  if (column.kind === 'complex') return;
  if (column.kind === 'numeric') {
    const kind = column.type === 'LONG' ? 'longs' : 'doubles';
    columns.push({ kind });
    sources.push({ kind, numbers: new PieceNumbers(column) });
    return;
  }
  const { size } = column.dictionary;
  const hasNull = column.dictionary.idOf(null) === 0;
  const kind = column.multi ? 'lists' : 'ids';
  columns.push(kind === 'lists' ? { kind, hasNull } : { kind, cardinality: size });
  const same = Int32Array.from({ length: size }, (_, id) => id);
  sources.push({ kind, ids: new PieceIds(column, same, hasNull, 'array') });
}

function scan(
  view: SegmentView,
  columns: readonly KeyColumn[],
  sources: readonly KeySource[],
  isUnique: boolean,
): string | undefined {
  const plan = planPacking(columns, view.minTimeMs, view.maxTimeMs);
  const keys = new RowKeys(columns, plan, Math.min(RUN, view.rows));
  // Runs overlap by a row, so that each pair of neighbours is in one of them.
  for (let from = 0; from + 1 < view.rows; from += RUN - 1) {
    const count = Math.min(RUN, view.rows - from);
    keys.fill(view, sources, from, count);
    for (let i = 1; i < count; i++) {
      const order = keys.packed[i - 1]! - keys.packed[i]! || keys.compare(i - 1, keys, i);
      if (order > 0) return `row ${from + i} is below row ${from + i - 1} in the declared order`;
      if (order === 0 && isUnique) {
        return `rollup is declared, but rows ${from + i - 1} and ${from + i} have the same key`;
      }
    }
  }
  return undefined;
}
