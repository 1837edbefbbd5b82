// Feeders of sketches: stored sketches are folded, texts hashed once a dictionary entry, numbers a row.
// Part of feed.ts. Source: druid-query-api.md 10.

import type {
  ComplexValue,
  HashSketch,
  ValueHash,
  ValueHasher,
} from '../../../core/complex/complex-value.ts';
import { hllHasher } from '../../../core/complex/hll-sketch.ts';
import { QuantilesSketch } from '../../../core/complex/quantiles-sketch.ts';
import { Failure, isFailure } from '../../../core/runtime/failure.ts';
import type { ComplexColumn } from '../../view/view.ts';
import type { Cursor } from '../engine/cursor.ts';
import { getterOf, type Source, type SourceSet } from '../engine/source.ts';
import type { StringSource } from '../engine/stored-source.ts';
import { refused } from '../parse/fields.ts';
import { doubleOf, type Value } from '../value.ts';
import type { ComplexState } from './complex-state.ts';
import { type Feeder, rowFeeder } from './feeder.ts';

const NOTHING: Feeder = { run: () => undefined, group: () => undefined };

/** A source of objects. */
interface ObjectSource {
  readonly column: ComplexColumn;
  bytes(row: number): Uint8Array | undefined;
}

/** Folds the object of each row into `target(slot)`. Broken bytes are reported with their place. */
export function objectFeeder(
  source: ObjectSource,
  cursor: Cursor,
  fold: (slot: number, bytes: Uint8Array) => void,
): Feeder {
  return rowFeeder((row, slot) => {
    const bytes = source.bytes(row);
    if (bytes === undefined || bytes.length === 0) return;
    try {
      fold(slot, bytes);
    } catch (error) {
      throw located(error, source.column, cursor.from + row);
    }
  });
}

function located(error: unknown, column: ComplexColumn, row: number): unknown {
  if (!isFailure(error, 'corrupt') || column.describe === undefined) return error;
  const text = `${column.describe(row)}: ${error.message}`;
  return new Failure('corrupt', 'SegmentCorrupt', text, error);
}

/** @throws Failure `input` QueryInvalid when the column holds something else */
export function sketchFeeder(state: ComplexState, sources: SourceSet): Feeder {
  const { aggregator, kind } = state;
  const { fieldName } = aggregator;
  const source = sources.source(fieldName);
  if (source.kind === 'missing') return NOTHING;
  if (source.kind === 'complex') {
    if (source.column.typeName !== kind.typeName) {
      throw refused(
        `aggregator ${aggregator.name} over the ${source.column.typeName} column ${fieldName}`,
      );
    }
    return objectFeeder(source, sources.cursor, (slot, bytes) => state.cell(slot).foldBytes(bytes));
  }
  if (aggregator.sketch.type.endsWith('Merge')) {
    throw refused(
      `aggregator ${aggregator.name}: ${aggregator.sketch.type} over the column ${fieldName}, which holds no sketches,`,
      'use the type without Merge, or HLLSketchBuild',
    );
  }
  const { input } = kind;
  if (input.kind !== 'hashes') return numberFeeder(state, source);
  const hasher = kind.typeName === 'HLLSketch' ? hllHasher(aggregator.isUtf8) : input.hasher;
  return source.kind === 'string'
    ? textFeeder(state, source, hasher)
    : valueFeeder(state, source, hasher);
}

/** Quantiles take numbers; text is refused, as Druid does. */
function numberFeeder(state: ComplexState, source: Source): Feeder {
  if (source.kind === 'string') {
    throw refused(
      `aggregator ${state.aggregator.name} over the string column ${state.aggregator.fieldName}`,
    );
  }
  const get = getterOf(source);
  return rowFeeder((row, slot) => {
    const value = doubleOf(get(row));
    const cell = state.cell(slot);
    if (value !== null && cell instanceof QuantilesSketch) cell.add(value);
  });
}

const hash: ValueHash = { low: 0, high: 0 };

/** Sketches of a hashing kind, by their kind's own promise. */
function hashing(cell: ComplexValue): HashSketch {
  if ('addHash' in cell) return cell as HashSketch;
  throw new TypeError('the sketch takes no hashes');
}

/** Each dictionary entry is hashed once. */
function textFeeder(state: ComplexState, source: StringSource, hasher: ValueHasher): Feeder {
  const { dictionary, multi } = source.column;
  /** 0 = not hashed yet, 1 = hashed, 2 = ignored. */
  const states = new Uint8Array(dictionary.size);
  const lows = new Int32Array(dictionary.size);
  const highs = new Int32Array(dictionary.size);
  const add = (id: number, slot: number): void => {
    if (states[id] === 0) {
      const text = source.text(id);
      const bytes = Buffer.from(text ?? '');
      const isTaken = text !== null && hasher.text(bytes, 0, bytes.length, hash);
      states[id] = isTaken ? 1 : 2;
      lows[id] = hash.low;
      highs[id] = hash.high;
    }
    if (states[id] === 1) hashing(state.cell(slot)).addHash(lows[id]!, highs[id]!);
  };
  if (!multi) return rowFeeder((row, slot) => add(source.ids()[row]!, slot));
  return rowFeeder((row, slot) => {
    const { offsets, ids } = source.lists();
    for (let i = offsets[row]!; i < offsets[row + 1]!; i++) add(ids[i]!, slot);
  });
}

function valueFeeder(state: ComplexState, source: Source, hasher: ValueHasher): Feeder {
  const get = getterOf(source);
  const add = (value: Value, slot: number): void => {
    if (Array.isArray(value)) {
      for (const item of value as readonly Value[]) add(item, slot);
    } else if (hashOf(value, hasher)) hashing(state.cell(slot)).addHash(hash.low, hash.high);
  };
  return rowFeeder((row, slot) => add(get(row), slot));
}

function hashOf(value: Value, hasher: ValueHasher): boolean {
  if (typeof value === 'bigint')
    return hasher.long(
      Number(BigInt.asIntN(32, value)),
      Number(BigInt.asIntN(32, value >> 32n)),
      hash,
    );
  if (typeof value === 'number') return hasher.double(value, hash);
  if (typeof value !== 'string') return false;
  const bytes = Buffer.from(value);
  return hasher.text(bytes, 0, bytes.length, hash);
}
