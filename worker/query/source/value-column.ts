// A list of values as a column of a view: what results of queries and inline rows are read through.
// Fed by result-view.ts, inline-view.ts and join tables.

import { rowNumericColumn, rowStringColumn } from '../../view/row-columns.ts';
import type { NumericColumn, StringColumn } from '../../view/view.ts';
import { convert, type OutputType, textOf, type Value } from '../value.ts';

/** The values as a column of the type; null = as the values are: LONG, DOUBLE, else STRING. */
export function valueColumn(
  name: string,
  values: readonly Value[],
  type: OutputType | null,
): StringColumn | NumericColumn {
  const wanted = type ?? typeOfValues(values);
  if (wanted === 'STRING') {
    return rowStringColumn(
      name,
      values.map((value) =>
        Array.isArray(value) ? value.map((item: Value) => textOf(item)) : textOf(value),
      ),
      { sorted: false, bitmaps: false },
    );
  }
  return rowNumericColumn(
    name,
    wanted,
    values.map((value) => {
      const number = convert(value, wanted);
      return typeof number === 'bigint' || typeof number === 'number' ? number : null;
    }),
  );
}

/** LONG when all are, DOUBLE when all are numbers, else STRING. */
export function typeOfValues(values: readonly Value[]): OutputType {
  const known = values.filter((value) => value !== null);
  if (known.every((value) => typeof value === 'bigint')) return 'LONG';
  return known.every((value) => typeof value === 'bigint' || typeof value === 'number')
    ? 'DOUBLE'
    : 'STRING';
}
