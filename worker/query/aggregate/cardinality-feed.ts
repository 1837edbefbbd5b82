// cardinality: distinct values, or distinct tuples of a row, hashed as Druid hashes them so that estimates are
// equal: text as UTF-16 code units, numbers as their bits. Source: druid-query-api.md 10.

import { hashBytes } from '../../../core/complex/hyper-unique-hash.ts';
import { dimensionTransform, DROPPED, isPlain } from '../engine/dimension-getter.ts';
import { getterOf, type SourceSet } from '../engine/source.ts';
import type { NumericSource, StringSource } from '../engine/stored-source.ts';
import type { DimensionSpec } from '../filter-model.ts';
import type { Aggregator } from '../model.ts';
import type { Value } from '../value.ts';
import { type Feeder, rowFeeder } from './feeder.ts';
import type { SketchState } from './sketch-state.ts';

type Cardinality = Aggregator & { type: 'cardinality' };

/** @throws Failure `input` QueryInvalid when an extraction function cannot be compiled */
export function cardinalityFeeder(
  aggregator: Cardinality,
  state: SketchState,
  sources: SourceSet,
): Feeder {
  if (aggregator.byRow) return byRow(aggregator, state, sources);
  const feeders = aggregator.fields.map((field) => fieldFeeder(field, state, sources));
  return {
    run(rows, from, to, slot) {
      for (const feeder of feeders) feeder.run(rows, from, to, slot);
    },
    group(rows, count, slots) {
      for (const feeder of feeders) feeder.group(rows, count, slots);
    },
  };
}

/** Bytes of the value being hashed; grown when a text is longer. */
let scratch: Buffer = Buffer.alloc(4096);

function room(bytes: number): void {
  if (scratch.length >= bytes) return;
  const grown = Buffer.alloc(Math.max(bytes, scratch.length * 2));
  scratch.copy(grown);
  scratch = grown;
}

/** Appends a value at `at`, returns the end. */
function put(value: Value, isFloat: boolean, at: number): number {
  if (typeof value === 'bigint') {
    room(at + 8);
    return scratch.writeBigInt64LE(value, at);
  }
  if (typeof value === 'number') {
    room(at + 8);
    return isFloat ? scratch.writeFloatLE(value, at) : scratch.writeDoubleLE(value, at);
  }
  const text = typeof value === 'string' ? value : '\0';
  room(at + text.length * 2);
  return at + scratch.write(text, at, 'utf16le');
}

/** Packed hash of a value. The buffer is read after `put`, which may have replaced it. */
function hashOf(value: Value, isFloat: boolean): number {
  const end = put(value, isFloat, 0);
  return hashBytes(scratch, end);
}

const isFloatSource = (field: DimensionSpec, sources: SourceSet): boolean => {
  const source = sources.source(field.dimension);
  return field.outputType === 'FLOAT' || (source.kind === 'numeric' && source.type === 'FLOAT');
};

/** Numbers stay numbers unless something turns them into text. */
function valuesOf(
  field: DimensionSpec,
  sources: SourceSet,
): (row: number) => readonly (Value | typeof DROPPED)[] {
  const source = sources.source(field.dimension);
  const get = getterOf(source);
  const transform = isPlain(field) ? (value: Value) => value : dimensionTransform(field, source);
  return (row) => {
    const value = get(row);
    return Array.isArray(value) ? value.map((item: Value) => transform(item)) : [transform(value)];
  };
}

function fieldFeeder(field: DimensionSpec, state: SketchState, sources: SourceSet): Feeder {
  const source = sources.source(field.dimension);
  if (source.kind === 'string' && isPlain(field)) return textFeeder(source, state);
  if (source.kind === 'numeric' && isPlain(field)) return numberFeeder(source, state);
  const values = valuesOf(field, sources);
  const isFloat = isFloatSource(field, sources);
  return rowFeeder((row, slot) => {
    for (const value of values(row)) {
      if (value !== null && value !== DROPPED) state.cell(slot).addHash(hashOf(value, isFloat));
    }
  });
}

/** Each dictionary entry is hashed once. */
function textFeeder(source: StringSource, state: SketchState): Feeder {
  const { dictionary, multi } = source.column;
  /** 0 = not hashed yet, -1 = null; a packed hash is never 0, its rho is at least 1. */
  const hashes = new Int32Array(dictionary.size);
  const add = (id: number, slot: number): void => {
    let hash = hashes[id]!;
    if (hash === 0) {
      const text = source.text(id);
      hash = text === null ? -1 : hashOf(text, false);
      hashes[id] = hash;
    }
    if (hash > 0) state.cell(slot).addHash(hash);
  };
  if (!multi) return rowFeeder((row, slot) => add(source.ids()[row]!, slot));
  return rowFeeder((row, slot) => {
    const { offsets, ids } = source.lists();
    for (let i = offsets[row]!; i < offsets[row + 1]!; i++) add(ids[i]!, slot);
  });
}

function numberFeeder(source: NumericSource, state: SketchState): Feeder {
  const isFloat = source.type === 'FLOAT';
  const get = getterOf(source);
  return rowFeeder((row, slot) => {
    const value = get(row);
    if (value !== null) state.cell(slot).addHash(hashOf(value, isFloat));
  });
}

/** Between the values of a list. */
const SEPARATOR = '\u0001';

/** A row's values with a zero byte between columns, lists sorted; null adds nothing, but in a list of more than nulls. */
function byRow(aggregator: Cardinality, state: SketchState, sources: SourceSet): Feeder {
  const fields = aggregator.fields.map((field) => ({
    values: valuesOf(field, sources),
    isFloat: isFloatSource(field, sources),
  }));
  return rowFeeder((row, slot) => {
    let end = 0;
    for (const [k, { values, isFloat }] of fields.entries()) {
      if (k > 0) {
        room(end + 1);
        scratch[end++] = 0;
      }
      const items = values(row).filter((value) => value !== DROPPED);
      if (items.length > 1) items.sort((a, b) => (String(a ?? '') < String(b ?? '') ? -1 : 1));
      const isAllNull = items.every((value) => value === null);
      if (isAllNull) continue;
      for (const [i, value] of items.entries()) {
        if (i > 0) end = put(SEPARATOR, false, end);
        end = put(value, isFloat, end);
      }
    }
    const hash = hashBytes(scratch, end);
    state.cell(slot).addHash(hash);
  });
}
