// The right side of a join in memory: rows by key, and columns that give any row by number. Built once a query and
// thread; read by join-piece.ts and joined-view.ts.

import type { IdLists } from '../../view/view.ts';
import { invalid } from '../parse/fields.ts';
import { convert, type OutputType, textOf, type Value } from '../value.ts';
import type { InlineSource } from './inline-source.ts';
import { valuesOf } from './inline-view.ts';
import type { JoinCondition } from './join-condition.ts';
import { typeOfValues, valueColumn } from './value-column.ts';

const NONE: readonly number[] = [];

/** A column of the right side, whole. One row more than the table: the last is null, for rows without a match. */
export type RightColumn =
  | {
      readonly kind: 'string';
      readonly column: ReturnType<typeof valueColumn> & { kind: 'string' };
      /** Single-valued columns only. */
      readonly ids: Int32Array;
      readonly lists: IdLists;
    }
  | {
      readonly kind: 'numeric';
      readonly column: ReturnType<typeof valueColumn> & { kind: 'numeric' };
      readonly doubles: Float64Array;
      readonly longs: BigInt64Array;
      readonly nulls: Uint8Array;
    };

/** The table. */
export class JoinTable {
  readonly source: InlineSource;
  readonly #condition: JoinCondition;
  readonly #types: readonly OutputType[];
  readonly #rows: Map<Value, number[]> = new Map();
  readonly #columns: Map<string, RightColumn> = new Map();

  /** @throws Failure `input` QueryInvalid when a key names no column */
  constructor(source: InlineSource, condition: JoinCondition) {
    this.source = source;
    this.#condition = condition;
    const keys = condition.keys.map(({ rightColumn }) => this.#keyColumn(rightColumn));
    this.#types = keys.map(({ type }) => type);
    for (let row = 0; row < source.rows.length; row++) {
      const key = this.#keyOf(keys.map(({ values }) => values[row] ?? null));
      if (key === undefined) continue;
      const rows = this.#rows.get(key);
      if (rows === undefined) this.#rows.set(key, [row]);
      else rows.push(row);
    }
  }

  /** Number of the row that is null in every column. */
  get nullRow(): number {
    return this.source.rows.length;
  }

  /** Rows whose keys equal the values, in their order. Without keys every row. */
  matches(values: readonly Value[]): readonly number[] {
    const key = this.#keyOf(values);
    return key === undefined ? NONE : (this.#rows.get(key) ?? NONE);
  }

  /** A column without its prefix; undefined when there is none. */
  column(name: string): RightColumn | undefined {
    const known = this.#columns.get(name);
    if (known !== undefined) return known;
    const at = this.source.columns.findIndex((column) => column.name === name);
    const type = this.source.columns[at]?.type;
    if (type === undefined) return undefined;
    const made = wholeColumn(name, [...valuesOf(this.source, at), null], type);
    this.#columns.set(name, made);
    return made;
  }

  #keyColumn(name: string): { readonly values: readonly Value[]; readonly type: OutputType } {
    const { columns } = this.source;
    const at = columns.findIndex((column) => column.name === name);
    if (at < 0) {
      throw invalid(
        `join condition: the right side has no column '${name}'; it has ${columns.map((c) => c.name).join(', ')}`,
      );
    }
    const values = valuesOf(this.source, at);
    return { values, type: columns[at]?.type ?? typeOfValues(values) };
  }

  /** One key as it is, several as text; undefined = meets nothing. */
  #keyOf(values: readonly Value[]): Value | undefined {
    if (values.length === 1) return this.#part(values[0] ?? null, 0);
    let text = '';
    for (let k = 0; k < values.length; k++) {
      const part = this.#part(values[k] ?? null, k);
      if (part === undefined) return undefined;
      const printed = textOf(part);
      text += printed === null ? '|' : `|${printed.length}:${printed}`;
    }
    return text;
  }

  #part(value: Value, k: number): Value | undefined {
    const typed = convert(value, this.#types[k] ?? 'STRING');
    return typed === null && this.#condition.keys[k]?.matchesNull !== true ? undefined : typed;
  }
}

function wholeColumn(name: string, values: readonly Value[], type: OutputType | null): RightColumn {
  const column = valueColumn(name, values, type);
  const rows = values.length;
  if (column.kind === 'string') {
    const lists = { offsets: new Int32Array(rows + 1), ids: new Int32Array(rows) };
    const ids = new Int32Array(column.multi ? 0 : rows);
    if (column.multi) column.readIdLists(0, rows, lists);
    else column.readIds(0, rows, ids);
    return { kind: 'string', column, ids, lists };
  }
  const doubles = new Float64Array(rows);
  const longs = new BigInt64Array(column.type === 'LONG' ? rows : 0);
  const nulls = new Uint8Array(rows);
  column.readDoubles(0, rows, doubles);
  if (column.type === 'LONG') column.readLongs(0, rows, longs);
  column.readNulls(0, rows, nulls);
  return { kind: 'numeric', column, doubles, longs, nulls };
}
