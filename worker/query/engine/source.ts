// Columns as a query reads them: one vector of rows at a time, loaded on first use and shared by everything
// that needs it. Fed by a view and the query's virtual columns; feeds filters, grouping and aggregators.

import type { Failure } from '../../../core/runtime/failure.ts';
import type { ComplexColumn, View } from '../../view/view.ts';
import { compileExpression } from '../expression/compile.ts';
import type { Getter, LookupTables } from '../expression/function.ts';
import { columnsOf, type Expr, parseExpression } from '../expression/parser.ts';
import type { VirtualColumn } from '../model.ts';
import { invalid } from '../parse/fields.ts';
import { Cursor } from './cursor.ts';
import {
  type NumericSource,
  numericSource,
  type StringSource,
  stringSource,
  timeSource,
} from './stored-source.ts';
import { convertItems, type OutputType, type Value } from '../value.ts';

/** A virtual column. `perText` is set when the value depends on one string column alone. */
interface ComputedSource {
  readonly kind: 'computed';
  readonly outputType: OutputType | null;
  /** True when a list is one value, not several. */
  readonly isArray: boolean;
  readonly get: Getter;
  readonly perText: { readonly source: StringSource; map(text: string | null): Value } | null;
}

/** Sketch bytes. */
interface ComplexSource {
  readonly kind: 'complex';
  readonly column: ComplexColumn;
  bytes(row: number): Uint8Array | undefined;
}

/** What a column name stands for; `missing` reads as null everywhere. */
export type Source =
  | NumericSource
  | StringSource
  | ComputedSource
  | ComplexSource
  | { readonly kind: 'missing' };

const MISSING: Source = { kind: 'missing' };

/** All columns of one view as seen by one query. */
export class SourceSet {
  readonly view: View;
  readonly cursor: Cursor;
  private readonly lookups: LookupTables;
  private readonly virtual: ReadonlyMap<string, VirtualColumn>;
  private readonly sources = new Map<string, Source>();
  /** Stored columns that were asked for more than once. */
  private readonly shared = new Set<string>();

  /** @param lookups for expressions that name one */
  constructor(view: View, virtualColumns: readonly VirtualColumn[], lookups: LookupTables) {
    this.lookups = lookups;
    this.view = view;
    this.cursor = new Cursor();
    this.virtual = new Map(virtualColumns.map((column) => [column.name, column]));
  }

  /** A virtual column, else a real one, else missing. */
  source(name: string): Source {
    const known = this.sources.get(name);
    if (known !== undefined) {
      this.shared.add(name);
      return known;
    }
    const virtual = this.virtual.get(name);
    const source = virtual === undefined ? this.stored(name) : this.computed(virtual);
    this.sources.set(name, source);
    return source;
  }

  /** `__time`. */
  times(): NumericSource {
    const source = this.stored('__time');
    if (source.kind !== 'numeric') throw new TypeError('__time is numeric');
    return source;
  }

  /** Compiles an expression over the columns of this view. */
  expression(text: string): ComputedSource {
    return this.compile(parseExpression(text), { type: null, isArray: false }, null);
  }

  private computed(column: VirtualColumn): ComputedSource {
    const { expression, outputType, isArray, name } = column;
    return this.compile(parseExpression(expression), { type: outputType, isArray }, name);
  }

  /** Inside a virtual column its own name means the real column. */
  private compile(expr: Expr, output: Output, self: string | null): ComputedSource {
    const { type: outputType } = output;
    const isArray = output.isArray || (outputType === null && givesArray(expr));
    const resolve = (name: string): Source =>
      name === self ? this.stored(name) : this.source(name);
    const names = columnsOf(expr);
    for (const name of names)
      if (name !== self && this.virtual.has(name)) this.checkCycle(name, [self ?? '']);
    const typed = (value: Value): Value =>
      outputType === null ? value : convertItems(value, outputType);
    const raw = compileExpression(expr, (name) => getterOf(resolve(name)), this.lookups);
    const [only, ...others] = names;
    const single = only !== undefined && others.length === 0 ? resolve(only) : undefined;
    let perText: ComputedSource['perText'] = null;
    if (single?.kind === 'string' && !usesLists(expr)) {
      let cell: string | null = null;
      const ofCell = compileExpression(expr, () => () => cell, this.lookups);
      perText = {
        source: single,
        map(text) {
          cell = text;
          return typed(ofCell(0));
        },
      };
    }
    return { kind: 'computed', outputType, isArray, get: (row) => typed(raw(row)), perText };
  }

  private checkCycle(name: string, path: readonly string[]): void {
    if (path.includes(name)) throw cycle(name);
    const column = this.virtual.get(name);
    if (column === undefined) return;
    for (const next of columnsOf(parseExpression(column.expression))) {
      if (next !== name && this.virtual.has(next)) this.checkCycle(next, [...path, name]);
    }
  }

  private stored(name: string): Source {
    const key = `\0${name}`;
    const known = this.sources.get(key);
    if (known !== undefined) {
      this.shared.add(name);
      return known;
    }
    const source = this.open(name);
    this.sources.set(key, source);
    return source;
  }

  private open(name: string): Source {
    if (name === '__time') return timeSource(this.view, this.cursor);
    const column = this.view.column(name);
    switch (column?.kind) {
      case undefined:
        return MISSING;
      case 'numeric':
        return numericSource(column, this.cursor, () => this.shared.has(name));
      case 'string':
        return stringSource(column, this.cursor);
      case 'complex': {
        const { cursor } = this;
        return { kind: 'complex', column, bytes: (row) => column.readBytes(cursor.from + row) };
      }
    }
  }
}

function cycle(name: string): Failure {
  return invalid(`virtual column '${name}' refers to itself through others`);
}

/** What a virtual column says of its values. */
interface Output {
  readonly type: OutputType | null;
  readonly isArray: boolean;
}

const ARRAY_FUNCTIONS =
  /^(array|array_(append|prepend|concat|slice|set_add|set_add_all)|string_to_array|mv_to_array|map|filter|cartesian_map)$/;

/** True for expressions whose lists are arrays; those of columns with several values are not. */
function givesArray(expr: Expr): boolean {
  if (expr.kind === 'literal') return Array.isArray(expr.value);
  if (expr.kind !== 'call') return false;
  if (ARRAY_FUNCTIONS.test(expr.name)) return true;
  return /^(if|nvl|coalesce|case_)/.test(expr.name) && expr.args.some(givesArray);
}

/** True when a list must stay whole: functions that count, index or join its items. */
function usesLists(expr: Expr): boolean {
  switch (expr.kind) {
    case 'literal':
      return Array.isArray(expr.value);
    case 'column':
      return false;
    case 'unary':
      return usesLists(expr.arg);
    case 'binary':
      return usesLists(expr.left) || usesLists(expr.right);
    case 'call':
      return (
        /^(array|mv_|string_to_array|scalar_in_array)/.test(expr.name) || expr.args.some(usesLists)
      );
    case 'lambda':
      return true;
  }
}

/** The value of a source at a row of the vector. */
export function getterOf(source: Source): Getter {
  switch (source.kind) {
    case 'missing':
      return () => null;
    case 'computed':
      return source.get;
    case 'complex':
      return (row) => source.bytes(row) ?? null;
    case 'numeric':
      return numericGetter(source);
    case 'string':
      return source.column.multi ? listGetter(source) : (row) => source.text(source.ids()[row]!);
  }
}

function numericGetter(source: NumericSource): Getter {
  if (source.type === 'LONG') {
    return (row) => (source.nulls()?.[row] === 1 ? null : (source.longs()[row] ?? null));
  }
  return (row) => (source.nulls()?.[row] === 1 ? null : (source.doubles()[row] ?? null));
}

/** No value is null, one is a scalar, more are a list. */
function listGetter(source: StringSource): Getter {
  return (row) => {
    const { offsets, ids } = source.lists();
    const start = offsets[row]!;
    const end = offsets[row + 1]!;
    if (end === start) return null;
    if (end - start === 1) return source.text(ids[start]!);
    return Array.from(ids.subarray(start, end), (id) => source.text(id));
  };
}
