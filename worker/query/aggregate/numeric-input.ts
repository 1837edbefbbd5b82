// Numbers as aggregators read them, whatever the column holds: number columns as they are, text parsed once an
// entry, expressions evaluated for selected rows only. Fed by source.ts; feeds feed.ts.

import { VECTOR_ROWS } from '../../view/view.ts';
import type { Source, SourceSet } from '../engine/source.ts';
import type { SlotSums, StringSource } from '../engine/stored-source.ts';
import type { Getter } from '../expression/function.ts';
import type { NumericAggregator } from '../model.ts';
import { refused } from '../parse/fields.ts';
import { doubleOf, longOf } from '../value.ts';

/** Arrays indexed by row of the vector; rows that were not loaded hold anything. */
export interface NumericInput {
  /** Call first, once per use: makes `rows[from .. to-1]` readable. */
  load(rows: Int32Array, from: number, to: number): void;
  doubles(): Float64Array;
  longs(): BigInt64Array;
  /** As of a source: null = use {@link longs}. */
  ints(): Int32Array | null;
  /** As of a source: undefined = add up the values. */
  sum(): bigint | undefined;
  /** As of a source: undefined = add up the values. */
  maskedSum(words: Int32Array): bigint | undefined;
  /** As of a source: undefined = add one by one. */
  slotSums(slots: number, put: (slot: number, sum: number) => void): SlotSums | undefined;
  nulls(): Uint8Array | null;
  /** False when no row of the view is null. */
  readonly hasNulls: boolean;
}

/**
 * The input of a numeric aggregator; undefined when the column is missing, that is, always null.
 *
 * @throws Failure `input` QueryInvalid when the column cannot be read as numbers
 */
export function numericInput(
  aggregator: NumericAggregator,
  sources: SourceSet,
): NumericInput | undefined {
  const source =
    aggregator.expression === null
      ? sources.source(aggregator.fieldName ?? '')
      : sources.expression(aggregator.expression);
  return inputOf(source, aggregator);
}

function inputOf(source: Source, aggregator: NumericAggregator): NumericInput | undefined {
  switch (source.kind) {
    case 'missing':
      return undefined;
    case 'numeric':
      return {
        load: () => undefined,
        doubles: source.doubles,
        longs: source.longs,
        ints: source.ints,
        sum: source.sum,
        maskedSum: source.maskedSum,
        slotSums: source.slotSums,
        nulls: source.nulls,
        hasNulls: source.hasNulls,
      };
    case 'string':
      if (source.column.multi) {
        throw refused(
          `aggregator ${aggregator.name} over the multi-value column ${aggregator.fieldName ?? ''}`,
        );
      }
      return computedInput(
        (row) => source.text(source.ids()[row]!),
        entryNumbers(source, aggregator.valueType),
      );
    case 'computed':
      return computedInput(source.get, null);
    case 'complex':
      throw refused(
        `aggregator ${aggregator.name} over the ${source.column.typeName} column ${aggregator.fieldName ?? ''}`,
      );
  }
}

/** Parsed dictionary entries, so that text is parsed once an entry. */
interface EntryNumbers {
  readonly source: StringSource;
  readonly doubles: Float64Array;
  readonly longs: BigInt64Array;
  /** 0 = not parsed yet, 1 = number, 2 = null. */
  readonly states: Uint8Array;
}

function entryNumbers(source: StringSource, type: 'LONG' | 'DOUBLE' | 'FLOAT'): EntryNumbers {
  const { size } = source.column.dictionary;
  const isLong = type === 'LONG';
  return {
    source,
    doubles: new Float64Array(isLong ? 0 : size),
    longs: new BigInt64Array(isLong ? size : 0),
    states: new Uint8Array(size),
  };
}

function computedInput(get: Getter, entries: EntryNumbers | null): NumericInput {
  const doubles = new Float64Array(VECTOR_ROWS);
  const longs = new BigInt64Array(VECTOR_ROWS);
  const nulls = new Uint8Array(VECTOR_ROWS);
  return {
    load(rows, from, to) {
      if (entries !== null) loadEntries(entries, rows, from, to, doubles, longs, nulls);
      else {
        for (let i = from; i < to; i++) {
          const row = rows[i]!;
          const value = get(row);
          const double = doubleOf(value);
          nulls[row] = double === null ? 1 : 0;
          doubles[row] = double ?? 0;
          longs[row] = longOf(value) ?? 0n;
        }
      }
    },
    doubles: () => doubles,
    longs: () => longs,
    ints: () => null,
    sum: () => undefined,
    maskedSum: () => undefined,
    slotSums: () => undefined,
    nulls: () => nulls,
    hasNulls: true,
  };
}

function loadEntries(
  entries: EntryNumbers,
  rows: Int32Array,
  from: number,
  to: number,
  doubles: Float64Array,
  longs: BigInt64Array,
  nulls: Uint8Array,
): void {
  const ids = entries.source.ids();
  const isLong = entries.longs.length > 0;
  for (let i = from; i < to; i++) {
    const row = rows[i]!;
    const id = ids[row]!;
    if (entries.states[id] === 0) parseEntry(entries, id);
    nulls[row] = entries.states[id] === 2 ? 1 : 0;
    if (isLong) longs[row] = entries.longs[id]!;
    else doubles[row] = entries.doubles[id]!;
  }
}

function parseEntry(entries: EntryNumbers, id: number): void {
  const text = entries.source.text(id);
  const double = doubleOf(text);
  entries.states[id] = double === null ? 2 : 1;
  if (entries.longs.length > 0) entries.longs[id] = longOf(text) ?? 0n;
  else entries.doubles[id] = double ?? 0;
}
