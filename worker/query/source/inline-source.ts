// Rows that a query brings along, or that another query gave: typed columns, row by row. Fed by parse/ and by the
// results of nested queries; read through inline-view.ts. Source: druid-query-api.md 5.

import type { OutputType, Value } from '../value.ts';

/** A column; `type` null = look at the values. */
export interface InlineColumn {
  readonly name: string;
  readonly type: OutputType | null;
  /** Druid's name of the objects whose bytes are the values, e.g. `hyperUnique`; absent = plain values. */
  readonly complex?: string;
}

/** The rows, plain data. */
export interface InlineSource {
  readonly type: 'inline';
  /** What segment ids begin with: `inline`, or the name of a lookup. */
  readonly name: string;
  readonly columns: readonly InlineColumn[];
  /** A value per column; numbers already of the column's type. */
  readonly rows: readonly (readonly Value[])[];
  /** `__time` of every row, epoch ms, when no column is called so. */
  readonly timeMs: number;
}

/** Rough bytes of the values, as Druid's `maxSubqueryBytes` means them: 8 a number, 2 a character and an object. */
export function inlineBytes({ rows }: InlineSource): number {
  let bytes = 0;
  for (const row of rows) for (const value of row) bytes += valueBytes(value);
  return bytes;
}

function valueBytes(value: Value): number {
  if (value === null) return 1;
  if (typeof value === 'string') return 28 + 2 * value.length;
  if (typeof value !== 'object') return 8;
  if (value instanceof Uint8Array) return value.length;
  return value.reduce<number>((sum, item) => sum + valueBytes(item), 16);
}

/** The JSON form of a source as a query writes it, exact. Keys of our own say what Druid's form cannot. */
export function inlineJson({ name, columns, rows, timeMs }: InlineSource): unknown {
  return {
    type: 'inline',
    columnNames: columns.map(({ name }) => name),
    columnTypes: columns.map(({ type }) => type),
    rows: rows.map((row) => row.map(valueJsonOf)),
    sluiceName: name,
    sluiceTime: timeMs,
  };
}

function valueJsonOf(value: Value): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  return Array.isArray(value) ? value.map(valueJsonOf) : value;
}
