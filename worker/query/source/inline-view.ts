// Inline rows as a view, so that they are read like any other rows. Fed by plan.ts; read by run/.
// Source: druid-query-api.md 5, 17.

import type { Column, View } from '../../view/view.ts';
import { longOf, type Value } from '../value.ts';
import type { InlineSource } from './inline-source.ts';
import { valueColumn } from './value-column.ts';
import { valuesView } from './values-view.ts';

/** How Druid's ids of such rows go on. */
const ID_END = '_-146136543-09-08T08:23:32.096Z_146140482-04-24T15:36:27.903Z_dummy_version';

/** The rows as a view; a column called `__time` gives their times. */
export function inlineView(source: InlineSource): View {
  const names = source.columns.map(({ name }) => name);
  return valuesView({
    segmentId: source.name + ID_END,
    times: timesOf(source),
    dimensions: names.filter((name) => name !== '__time'),
    make(name) {
      const at = names.indexOf(name);
      const column = source.columns[at];
      if (column === undefined) return undefined;
      const { complex } = column;
      const values = valuesOf(source, at);
      return complex === undefined
        ? valueColumn(name, values, column.type)
        : objectColumn(complex, values);
    },
  });
}

function objectColumn(typeName: string, values: readonly Value[]): Column {
  return {
    kind: 'complex',
    type: 'COMPLEX',
    typeName,
    hasNulls: values.includes(null),
    readBytes(row) {
      const value = values[row];
      return value instanceof Uint8Array ? value : undefined;
    },
  };
}

/** The values of a column. */
export function valuesOf(source: InlineSource, at: number): Value[] {
  return source.rows.map((row) => row[at] ?? null);
}

function timesOf(source: InlineSource): Float64Array {
  const at = source.columns.findIndex(({ name }) => name === '__time');
  if (at < 0) return new Float64Array(source.rows.length).fill(source.timeMs);
  return Float64Array.from(source.rows, (row) => Number(longOf(row[at] ?? null) ?? 0n));
}
