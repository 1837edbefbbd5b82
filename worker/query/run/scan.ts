// Raw rows of one piece, a batch of at most one vector at a time, so that memory stays bounded however many
// rows match. Fed by run-query.ts. Source: druid-query-api.md 6.7.

import type { Pacer } from '../control.ts';
import { limitExceeded } from '../control.ts';
import { Selection } from '../engine/selection.ts';
import { getterOf, type Source, SourceSet } from '../engine/source.ts';
import type { Getter } from '../expression/function.ts';
import { baseOf, type ScanQuery } from '../model.ts';
import type { ScanBatch, ScanPartial } from '../partial.ts';
import type { Value } from '../value.ts';
import { VECTOR_ROWS } from '../../view/view.ts';
import type { QueryPiece } from './piece.ts';

/** A row of a rough size of this many bytes per value, for the memory limit. */
const VALUE_BYTES = 40;

/** Columns of a scan over one view: what was asked for, or all. */
function columnsOf(query: ScanQuery, piece: QueryPiece): readonly string[] {
  if (query.columns !== null) return query.columns;
  const { view } = piece;
  const stored = [
    ...view.dimensions,
    ...view.metrics.filter((name) => !view.dimensions.includes(name)),
  ];
  const virtual = query.virtualColumns
    .map((column) => column.name)
    .filter((name) => !stored.includes(name));
  return hasTime(query) ? ['__time', ...virtual, ...stored] : [...virtual, ...stored];
}

/** Inline rows have a time column only if one is called so. */
function hasTime({ dataSource }: ScanQuery): boolean {
  const base = baseOf(dataSource);
  return base.type !== 'inline' || base.columns.some(({ name }) => name === '__time');
}

function typeOf(source: Source): string | null {
  switch (source.kind) {
    case 'missing':
      return null;
    case 'numeric':
      return source.type;
    case 'string':
      return 'STRING';
    case 'complex':
      return `COMPLEX<${source.column.typeName}>`;
    case 'computed':
      if (source.isArray && source.outputType !== null) return `ARRAY<${source.outputType}>`;
      return source.outputType;
  }
}

/** Reads rows of one view into batches. */
class RowReader {
  readonly sources: SourceSet;
  readonly columns: readonly string[];
  readonly types: readonly (string | null)[];
  private readonly segmentId: string;
  private readonly getters: readonly Getter[];

  constructor(query: ScanQuery, piece: QueryPiece) {
    this.sources = new SourceSet(piece.view, query.virtualColumns, query.lookups);
    this.segmentId = piece.view.segmentId;
    this.columns = columnsOf(query, piece);
    const sources = this.columns.map((column) => this.sources.source(column));
    this.types = sources.map(typeOf);
    this.getters = sources.map((source) => ownedGetter(source));
  }

  /** `rows` of the current vector; `times` only where the answer is ordered. */
  batch(rows: ArrayLike<number>, times: Float64Array): ScanBatch {
    return {
      segmentId: this.segmentId,
      columns: this.columns,
      types: this.types,
      size: rows.length,
      times,
      values: this.getters.map((get) => Array.from(rows, (row) => get(row))),
    };
  }
}

/** Sketch bytes are only valid until the next read, so a row that is kept needs its own. */
function ownedGetter(source: Source): Getter {
  const get = getterOf(source);
  if (source.kind !== 'complex') return get;
  return (row): Value => {
    const value = get(row);
    return value instanceof Uint8Array ? Uint8Array.from(value) : value;
  };
}

/**
 * Unordered scan of one piece: yields batches of at most `batchSize` rows, or undefined to give way.
 *
 * @param most rows wanted from this piece
 * @returns rows given
 */
export function* scanRows(
  query: ScanQuery,
  piece: QueryPiece,
  pacer: Pacer,
  most: number,
): Generator<ScanPartial | undefined, number> {
  const reader = new RowReader(query, piece);
  let given = 0;
  if (most <= 0) return 0;
  for (const { rows, count } of new Selection(
    reader.sources,
    query.filter,
    piece.intervals,
  ).batches()) {
    for (let from = 0; from < count && given < most; from += query.batchSize) {
      const wanted = rows.slice(from, Math.min(count, from + query.batchSize, from + most - given));
      given += wanted.length;
      yield { kind: 'scan', batches: [reader.batch(wanted, new Float64Array(0))] };
    }
    if (given >= most) return given;
    if (pacer.step()) yield undefined;
  }
  return given;
}

/** The rows of one piece that an ordered scan may need, in time order. */
interface OrderedRows {
  readonly reader: RowReader;
  readonly times: Float64Array;
  readonly rows: Float64Array;
}

/**
 * Ordered scan of all pieces: finds the rows by time first, reads values of those it keeps.
 *
 * @throws Failure `input` ResourceLimitExceeded when more rows would be held than the context allows
 */
export function* scanOrdered(
  query: ScanQuery,
  pieces: readonly QueryPiece[],
  pacer: Pacer,
): Generator<undefined, ScanPartial> {
  const most = query.limit === null ? Number.POSITIVE_INFINITY : query.limit + query.offset;
  const held: OrderedRows[] = [];
  let total = 0;
  for (const piece of pieces) {
    const rows = yield* orderedRows(query, piece, pacer, most);
    held.push(rows);
    total += rows.times.length;
    const { maxRowsQueuedForOrdering, maxSegmentPartitionsOrderedInMemory } = query.context;
    if (
      Math.min(total, most) > maxRowsQueuedForOrdering &&
      pieces.length > maxSegmentPartitionsOrderedInMemory
    ) {
      throw limitExceeded(
        `an ordered scan over ${pieces.length} pieces holds more than ${maxRowsQueuedForOrdering} rows; set a limit, narrow the intervals, or raise context.maxRowsQueuedForOrdering`,
      );
    }
    const columns = held[0]?.reader.columns.length ?? 1;
    pacer.checkBytes(Math.min(total, most) * (16 + columns * VALUE_BYTES));
  }
  return { kind: 'scan', batches: readOrdered(query, held, most) };
}

function* orderedRows(
  query: ScanQuery,
  piece: QueryPiece,
  pacer: Pacer,
  most: number,
): Generator<undefined, OrderedRows> {
  const reader = new RowReader(query, piece);
  const { sources } = reader;
  const isDescending = query.order === 'descending';
  const times: number[] = [];
  const numbers: number[] = [];
  for (const { rows, count } of new Selection(sources, query.filter, piece.intervals).batches(
    isDescending,
  )) {
    const time = sources.times().doubles();
    for (let i = 0; i < count; i++) {
      const row = rows[isDescending ? count - 1 - i : i]!;
      times.push(time[row]!);
      numbers.push(sources.cursor.from + row);
    }
    // In a time-sorted view later vectors cannot hold earlier rows.
    if (piece.view.timeSorted && times.length >= most) break;
    if (pacer.step()) yield undefined;
  }
  return { reader, times: Float64Array.from(times), rows: Float64Array.from(numbers) };
}

function readOrdered(query: ScanQuery, held: readonly OrderedRows[], most: number): ScanBatch[] {
  const order = held.flatMap((piece, p) => Array.from(piece.times, (time, i) => ({ time, p, i })));
  const sign = query.order === 'descending' ? -1 : 1;
  order.sort((a, b) => sign * (a.time - b.time) || a.p - b.p || a.i - b.i);
  const batches: ScanBatch[] = [];
  let from = 0;
  const kept = order.slice(0, Math.min(most, order.length));
  while (from < kept.length) {
    // Rows of one piece that follow each other are read together.
    let to = from + 1;
    while (to < kept.length && to - from < query.batchSize && kept[to]?.p === kept[from]?.p) to++;
    batches.push(readRun(held, kept.slice(from, to)));
    from = to;
  }
  return batches;
}

function readRun(
  held: readonly OrderedRows[],
  run: readonly { time: number; p: number; i: number }[],
): ScanBatch {
  const piece = held[run[0]?.p ?? 0];
  if (piece === undefined) throw new TypeError('a run has rows');
  const { sources } = piece.reader;
  const parts: ScanBatch[] = [];
  let at = 0;
  while (at < run.length) {
    const vector = Math.floor(piece.rows[run[at]!.i]! / VECTOR_ROWS);
    let to = at + 1;
    while (to < run.length && Math.floor(piece.rows[run[to]!.i]! / VECTOR_ROWS) === vector) to++;
    const from = vector * VECTOR_ROWS;
    sources.cursor.move(from, Math.min(VECTOR_ROWS, sources.view.rows - from));
    const part = run.slice(at, to);
    parts.push(
      piece.reader.batch(
        part.map((row) => piece.rows[row.i]! - from),
        Float64Array.from(part, (row) => row.time),
      ),
    );
    at = to;
  }
  const [first] = parts;
  if (first === undefined) throw new TypeError('a run has rows');
  if (parts.length === 1) return first;
  return {
    ...first,
    size: run.length,
    times: Float64Array.from(run, (row) => row.time),
    values: first.columns.map((_, c) => parts.flatMap((part) => [...(part.values[c] ?? [])])),
  };
}
