// Joins one piece with the right sides of its query: finds the left rows that take part, looks up their partners, and
// gives a piece over the joined view. Runs where the left rows are. Fed by run-query.ts.

import { VECTOR_ROWS, type View } from '../../view/view.ts';
import type { Interval } from '../../../core/model/interval.ts';
import { Failure } from '../../../core/runtime/failure.ts';
import type { Pacer } from '../control.ts';
import { Selection } from '../engine/selection.ts';
import { getterOf, SourceSet } from '../engine/source.ts';
import type { StringSource } from '../engine/stored-source.ts';
import { compileExpression } from '../expression/compile.ts';
import type { LookupTables } from '../expression/function.ts';
import type { Filter } from '../filter-model.ts';
import type { JoinSource, Query } from '../model.ts';
import type { QueryPiece } from '../run/piece.ts';
import { conjunctsOn } from './filter-columns.ts';
import { JoinTable } from './join-table.ts';
import { joinedView, type JoinedRows } from './joined-view.ts';

/** Right sides of queries that are running, built once for all pieces. */
const tables: WeakMap<JoinSource, JoinTable> = new WeakMap();

function tableOf(join: JoinSource): JoinTable {
  const known = tables.get(join);
  if (known !== undefined) return known;
  if (join.right.type !== 'inline') throw new TypeError('the right side has not been resolved');
  const table = new JoinTable(join.right, join.condition);
  tables.set(join, table);
  return table;
}

/** Joins of a query, innermost first. */
function joinsOf(query: Query): JoinSource[] {
  const joins: JoinSource[] = [];
  for (let source = query.dataSource; source.type === 'join'; source = source.left)
    joins.unshift(source);
  return joins;
}

/**
 * The piece with everything joined that the query joins; the piece itself when it joins nothing.
 *
 * @throws Failure `input` QueryInvalid (condition), QueryUnsupported (key of several values), ResourceLimitExceeded
 */
export function* joinPiece(
  query: Query,
  piece: QueryPiece,
  pacer: Pacer,
): Generator<undefined, QueryPiece> {
  const joins = joinsOf(query);
  if (joins.length === 0) return piece;
  const prefixes = joins.map((join) => join.rightPrefix);
  const computed = new Set(query.virtualColumns.map((column) => column.name));
  let view = piece.view;
  for (const [i, join] of joins.entries()) {
    const later = prefixes.slice(i);
    const isLeft = (name: string): boolean =>
      !computed.has(name) && !later.some((prefix) => name.startsWith(prefix));
    const filters = conjunctsOn(query.filter, isLeft);
    if (join.leftFilter !== null) filters.push(join.leftFilter);
    const rows = yield* joinedRows(
      join,
      view,
      filters.length === 0 ? null : { type: 'and', fields: filters },
      piece.intervals,
      { pacer, lookups: query.lookups },
    );
    view = joinedView(view, tableOf(join), rows, join.rightPrefix);
  }
  // Empty buckets are those of the left rows, joined or not.
  const { minTimeMs, maxTimeMs, rows } = piece.view;
  const extent = rows === 0 ? undefined : { firstMs: minTimeMs, lastMs: maxTimeMs };
  return { ...piece, view, ...(extent === undefined ? {} : { extent: piece.extent ?? extent }) };
}

/** Row numbers that grow. */
class RowNumbers {
  length = 0;
  #values: Int32Array = new Int32Array(1024);

  push(value: number): void {
    if (this.length === this.#values.length) {
      const grown = new Int32Array(this.length * 2);
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values[this.length++] = value;
  }

  done(): Int32Array {
    return this.#values.subarray(0, this.length);
  }
}

function* joinedRows(
  join: JoinSource,
  view: View,
  filter: Filter | null,
  intervals: readonly Interval[],
  { pacer, lookups }: { readonly pacer: Pacer; readonly lookups: LookupTables },
): Generator<undefined, JoinedRows> {
  const table = tableOf(join);
  const sources = new SourceSet(view, [], lookups);
  const partners = partnersOf(join, table, sources, lookups);
  const [left, right] = [new RowNumbers(), new RowNumbers()];
  for (const { rows, count } of new Selection(sources, filter, intervals).batches()) {
    const { from } = sources.cursor;
    for (let i = 0; i < count; i++) {
      const row = rows[i]!;
      const found = partners(row);
      for (const partner of found) {
        left.push(from + row);
        right.push(partner);
      }
      // A row may meet the whole right side: looked at within a vector too.
      if (found.length > VECTOR_ROWS) pacer.checkBytes(left.length * 16);
    }
    pacer.checkBytes(left.length * 16);
    if (pacer.step()) yield undefined;
  }
  return { left: left.done(), right: right.done() };
}

/** The right rows that stand beside a left row. */
function partnersOf(
  join: JoinSource,
  table: JoinTable,
  sources: SourceSet,
  lookups: LookupTables,
): (row: number) => readonly number[] {
  const nothing = join.joinType === 'LEFT' ? [table.nullRow] : [];
  if (join.condition.isNever) return () => nothing;
  const [only, ...others] = join.condition.keys;
  if (only === undefined) {
    const all = Array.from({ length: table.nullRow }, (_, row) => row);
    return () => (all.length === 0 ? nothing : all);
  }
  const source = only.left.kind === 'column' ? sources.source(only.left.name) : undefined;
  if (source?.kind === 'string' && !source.column.multi && others.length === 0)
    return textPartners(table, source, nothing);
  const keys = join.condition.keys.map(({ left }) =>
    compileExpression(left, (name) => getterOf(sources.source(name)), lookups),
  );
  return (row) => {
    const values = keys.map((key) => key(row));
    if (values.some(Array.isArray)) {
      throw new Failure(
        'input',
        'QueryUnsupported',
        'Joining against a multi-value dimension is not supported.',
      );
    }
    const found = table.matches(values);
    return found.length === 0 ? nothing : found;
  };
}

/** Looks up once a distinct text of the left column. */
function textPartners(
  table: JoinTable,
  source: StringSource,
  nothing: readonly number[],
): (row: number) => readonly number[] {
  const known: (readonly number[] | undefined)[] = [];
  return (row) => {
    const id = source.ids()[row]!;
    const partners = known[id];
    if (partners !== undefined) return partners;
    const found = table.matches([source.text(id)]);
    return (known[id] = found.length === 0 ? nothing : found);
  };
}
