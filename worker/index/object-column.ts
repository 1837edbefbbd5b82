// A complex metric of the in-memory index: a growing sketch or pair a row. Queries and builds read bytes, so what
// changed since the last snapshot is written to a shared arena when a snapshot is taken. Used by the index.

import type { ComplexKind } from '../../core/complex/complex-kind.ts';
import type {
  ComplexValue,
  HashSketch,
  ValueHash,
  ValueHasher,
} from '../../core/complex/complex-value.ts';
import { QuantilesSketch } from '../../core/complex/quantiles-sketch.ts';
import { TimePair } from '../../core/complex/time-pair.ts';
import {
  FIELD_DOUBLE,
  FIELD_LIST,
  FIELD_LONG,
  FIELD_NULL,
  FIELD_VALUE,
  type RowFields,
  type TextSlices,
} from '../view/fields.ts';
import { grownBytes, grownInts, sharedBytes, sharedInts } from './shared.ts';

/** The arrays of a complex metric; shared memory. */
export interface ObjectData {
  readonly type: 'COMPLEX';
  readonly typeName: string;
  /** Objects: i32 length little-endian, bytes. */
  readonly arena: Uint8Array;
  /** Where the object of a row begins in the arena, plus 1; 0 = none. */
  readonly entries: Int32Array;
}

/** Bytes of memory of an object, beside what it holds outside: an estimate. */
const OBJECT_BYTES = 96;
/** An arena with less garbage is not worth writing anew. */
const GARBAGE_MIN = 1 << 20;

/** A metric while it grows. */
export class ObjectColumn {
  readonly #kind: ComplexKind;
  readonly #values: ComplexValue[] = [];
  readonly #isText: boolean;
  readonly #hash: ValueHash = { low: 0, high: 0 };
  /** Rows changed since the last snapshot. */
  #dirty: Uint8Array = new Uint8Array(64);
  #dirtyRows: number[] = [];
  #arena: Uint8Array = sharedBytes(1024);
  #entries: Int32Array = sharedInts(64);
  #used = 0;
  #garbage = 0;
  #valueBytes = 0;

  constructor(kind: ComplexKind) {
    this.#kind = kind;
    this.#isText = kind.input.kind === 'pair' && kind.input.type === 'STRING';
  }

  get bytes(): number {
    return this.#valueBytes + this.#arena.length + 4 * this.#entries.length + this.#dirty.length;
  }

  /** Adds metric `m` of the row to the object of `row`. */
  add(row: number, fields: RowFields, m: number): void {
    while (this.#values.length <= row) {
      const made = this.#kind.make();
      this.#values.push(made);
      this.#valueBytes += OBJECT_BYTES + made.heldBytes;
      this.#mark(this.#values.length - 1);
    }
    const value = this.#values[row] as ComplexValue;
    const before = value.heldBytes;
    if (value instanceof TimePair) this.#addPair(value, fields, m);
    else if (value instanceof QuantilesSketch) {
      if (fields.metricState[m] === FIELD_VALUE) value.add(fields.metricDouble[m] as number);
    } else if (this.#kind.input.kind === 'hashes')
      // Kinds whose input is hashes make sketches that take them.
      this.#addHashes(value as HashSketch, this.#kind.input.hasher, fields, m);
    this.#valueBytes += value.heldBytes - before;
    this.#mark(row);
  }

  #mark(row: number): void {
    if (row >= this.#dirty.length) {
      const grown = new Uint8Array(Math.max(row + 1, 2 * this.#dirty.length));
      grown.set(this.#dirty);
      this.#dirty = grown;
    }
    if (this.#dirty[row] === 1) return;
    this.#dirty[row] = 1;
    this.#dirtyRows.push(row);
  }

  /** A number pair keeps the time of a null, a text pair passes nulls over. Source: Druid's first and last. */
  #addPair(pair: TimePair, fields: RowFields, m: number): void {
    const state = fields.metricState[m] as number;
    if (this.#isText && state === FIELD_NULL) return;
    if (!pair.offer(fields.eventMs) || state === FIELD_NULL) return;
    if (this.#isText) {
      if (state === FIELD_LIST) {
        const text = listText(fields, m);
        pair.setText(text, 0, text.length);
      } else {
        const { metricText: text } = fields;
        pair.setText(bytesOf(fields, text, m), text.start[m] as number, text.end[m] as number);
      }
    } else if (pair.type === 'LONG')
      pair.setLong(fields.metricLow[m] as number, fields.metricHigh[m] as number);
    else pair.setDouble(fields.metricDouble[m] as number);
  }

  #addHashes(sketch: HashSketch, hasher: ValueHasher, fields: RowFields, m: number): void {
    const hash = this.#hash;
    switch (fields.metricState[m]) {
      case FIELD_VALUE:
        this.#addText(sketch, hasher, fields, fields.metricText, m);
        return;
      case FIELD_LIST: {
        const { listText: texts } = fields;
        const to = fields.metricListEnd[m] as number;
        for (let k = fields.metricListStart[m] as number; k < to; k++)
          if (texts.start[k] !== -1) this.#addText(sketch, hasher, fields, texts, k);
        return;
      }
      case FIELD_LONG:
        if (hasher.long(fields.metricLow[m] as number, fields.metricHigh[m] as number, hash))
          sketch.addHash(hash.low, hash.high);
        return;
      case FIELD_DOUBLE:
        if (hasher.double(fields.metricDouble[m] as number, hash))
          sketch.addHash(hash.low, hash.high);
    }
  }

  #addText(
    sketch: HashSketch,
    hasher: ValueHasher,
    fields: RowFields,
    texts: TextSlices,
    i: number,
  ): void {
    const bytes = bytesOf(fields, texts, i);
    if (hasher.text(bytes, texts.start[i] as number, texts.end[i] as number, this.#hash))
      sketch.addHash(this.#hash.low, this.#hash.high);
  }

  /** The objects so far; arrays of snapshots taken before stay as they are but for entries of changed rows. */
  data(): ObjectData {
    if (this.#garbage > GARBAGE_MIN && 2 * this.#garbage > this.#used) this.#rewrite();
    else this.#writeRows(this.#dirtyRows);
    for (const row of this.#dirtyRows) this.#dirty[row] = 0;
    this.#dirtyRows = [];
    const { typeName } = this.#kind;
    return { type: 'COMPLEX', typeName, arena: this.#arena, entries: this.#entries };
  }

  #rewrite(): void {
    this.#arena = sharedBytes(this.#used);
    this.#entries = sharedInts(this.#entries.length);
    this.#used = 0;
    this.#garbage = 0;
    this.#writeRows(Array.from(this.#values.keys()));
  }

  #writeRows(rows: readonly number[]): void {
    if (this.#values.length > this.#entries.length)
      this.#entries = grownInts(this.#entries, this.#values.length);
    for (const row of rows) {
      const old = (this.#entries[row] as number) - 1;
      if (old >= 0) this.#garbage += 4 + lengthAt(this.#arena, old);
      const bytes = this.#kind.stored(this.#values[row] as ComplexValue);
      if (bytes === undefined) {
        this.#entries[row] = 0;
        continue;
      }
      const at = this.#used;
      this.#used += 4 + bytes.length;
      if (this.#used > this.#arena.length) {
        this.#arena = grownBytes(this.#arena, this.#used);
        // Snapshots with the arena before must not see places that only this one has.
        this.#entries = copyOf(this.#entries);
      }
      for (let i = 0; i < 4; i++) this.#arena[at + i] = bytes.length >>> (8 * i);
      this.#arena.set(bytes, at + 4);
      this.#entries[row] = at + 1;
    }
  }
}

function copyOf(ints: Int32Array): Int32Array {
  const copy = sharedInts(ints.length);
  copy.set(ints);
  return copy;
}

function lengthAt(arena: Uint8Array, at: number): number {
  const [a, b, c, d] = [arena[at]!, arena[at + 1]!, arena[at + 2]!, arena[at + 3]!];
  return a | (b << 8) | (c << 16) | (d << 24);
}

/** The bytes of a row's object; undefined for none. */
export function objectBytes(data: ObjectData, row: number): Uint8Array | undefined {
  const at = (data.entries[row] ?? 0) - 1;
  if (at < 0) return undefined;
  return data.arena.subarray(at + 4, at + 4 + lengthAt(data.arena, at));
}

function bytesOf(fields: RowFields, texts: TextSlices, i: number): Uint8Array {
  return texts.source[i] === 0 ? fields.record : fields.scratch;
}

/** A list as Java prints it, which is what Druid takes for its text. */
function listText(fields: RowFields, m: number): Uint8Array {
  const { listText: texts } = fields;
  const items: string[] = [];
  const to = fields.metricListEnd[m] as number;
  for (let k = fields.metricListStart[m] as number; k < to; k++) {
    const [start, end] = [texts.start[k] as number, texts.end[k] as number];
    const bytes = bytesOf(fields, texts, k);
    items.push(start === -1 ? 'null' : Buffer.from(bytes.subarray(start, end)).toString('utf8'));
  }
  return Buffer.from(`[${items.join(', ')}]`);
}
