// The in-memory index of one open segment: rows are rolled up as they are added and can be queried when `add`
// returns. Fed by the index thread with parsed rows; offers views to queries and, frozen, to the segment builder.

import { complexKind } from '../../core/complex/complex-kind.ts';
import type { Interval } from '../../core/model/interval.ts';
import type { CompiledSchema } from '../../core/spec/compiled.ts';
import { FIELD_LIST, FIELD_NULL, FIELD_VALUE, type RowFields } from '../view/fields.ts';
import { FactTable, KEY_TIME_INTS } from './fact-table.ts';
import type { DimensionData, IndexData } from './index-data.ts';
import { ListDictionary } from './list-dictionary.ts';
import { MetricColumn } from './metric-column.ts';
import { ObjectColumn } from './object-column.ts';
import { dictionaryValue, TextDictionary } from './text-dictionary.ts';

const TWO_32 = 4_294_967_296;

interface Dimension {
  readonly name: string;
  readonly type: 'string' | 'long' | 'double' | 'float';
  readonly handling: 'sorted_array' | 'sorted_set' | 'array';
  /** First int in the key. */
  at: number;
  readonly dictionary: TextDictionary;
  readonly lists: ListDictionary;
  hasNulls: boolean;
  isMulti: boolean;
}

/** An index that grows. Not thread-safe; views of it are. */
export class IncrementalIndex {
  readonly interval: Interval;
  readonly #schema: CompiledSchema;
  readonly #dimensions: Dimension[] = [];
  readonly #metrics: readonly (MetricColumn | ObjectColumn)[];
  readonly #facts: FactTable;
  readonly #doubleBits: Float64Array = new Float64Array(1);
  readonly #intBits: Int32Array = new Int32Array(this.#doubleBits.buffer);
  #recordView: DataView = new DataView(new ArrayBuffer(0));
  #recordBytes: Uint8Array | undefined;
  #scratchView: DataView = new DataView(new ArrayBuffer(0));
  #scratchBytes: Uint8Array | undefined;
  #minTimeMs = Infinity;
  #maxTimeMs = -Infinity;
  #bytes = 0;
  #bytesAtRow = 0;

  constructor(schema: CompiledSchema, interval: Interval) {
    this.interval = interval;
    this.#schema = schema;
    this.#metrics = schema.metrics.map((m) => {
      const kind = complexKind(m);
      return kind === undefined ? new MetricColumn(m) : new ObjectColumn(kind);
    });
    for (const d of schema.dimensions) this.#addDimension(d.name, d.type, d.multiValueHandling);
    this.#facts = new FactTable(this.#strideNow(), schema.rollup);
  }

  get rows(): number {
    return this.#facts.rows;
  }

  /** Bytes held, refreshed every 1,024 rows. */
  get bytes(): number {
    if (this.#bytes === 0 || this.rows - this.#bytesAtRow >= 1024) {
      this.#bytesAtRow = this.rows;
      this.#bytes = this.#facts.bytes;
      for (const d of this.#dimensions) this.#bytes += d.dictionary.bytes + d.lists.bytes;
      for (const m of this.#metrics) this.#bytes += m.bytes;
    }
    return this.#bytes;
  }

  /** Adds one parsed row. `names` are the parser's dimension names (longer than before after a discovery). */
  add(fields: RowFields, names: readonly string[]): void {
    if (names.length > this.#dimensions.length) this.#discover(names);
    if (fields.record !== this.#recordBytes) {
      this.#recordBytes = fields.record;
      this.#recordView = viewOf(fields.record);
    }
    if (fields.scratch !== this.#scratchBytes) {
      this.#scratchBytes = fields.scratch;
      this.#scratchView = viewOf(fields.scratch);
    }
    const timeMs = Math.max(fields.timeMs, this.interval.startMs);
    const key = this.#facts.key;
    key[0] = timeMs | 0;
    key[1] = Math.floor(timeMs / TWO_32);
    const dimensions = this.#dimensions;
    const { source, start, end, hash } = fields.text;
    const { dimensionState } = fields;
    // Reading where each look-up begins before the first is made lets the cache misses of a row overlap.
    for (let i = 0; i < dimensions.length; i++) {
      const d = dimensions[i]!;
      key[d.at] = d.dictionary.touch(hash[i]!);
    }
    for (let i = 0; i < dimensions.length; i++) {
      const d = dimensions[i]!;
      if (d.type === 'string' && dimensionState[i] === FIELD_VALUE && source[i] === 0)
        key[d.at] = d.dictionary.idOf(
          fields.record,
          this.#recordView,
          start[i]!,
          end[i]!,
          hash[i]!,
        );
      else this.#dimensionKey(d, i, fields, key);
    }
    const row = this.#facts.rowOfKey();
    const metrics = this.#metrics;
    for (let m = 0; m < metrics.length; m++)
      (metrics[m] as MetricColumn | ObjectColumn).add(row, fields, m);
    if (timeMs < this.#minTimeMs) this.#minTimeMs = timeMs;
    if (timeMs > this.#maxTimeMs) this.#maxTimeMs = timeMs;
  }

  /** The rows so far, to be wrapped in an index view here or on another thread. */
  data(segmentId: string): IndexData {
    return {
      segmentId,
      interval: this.interval,
      rows: this.rows,
      minTimeMs: this.#minTimeMs,
      maxTimeMs: this.#maxTimeMs,
      facts: this.#facts.facts,
      stride: this.#facts.stride,
      dimensions: this.#dimensions.map(dimensionData),
      metrics: this.#metrics.map((m, i) => ({
        name: this.#schema.metrics[i]?.name ?? '',
        ...m.data(),
      })),
    };
  }

  #dimensionKey(d: Dimension, i: number, fields: RowFields, key: Int32Array): void {
    const state = fields.dimensionState[i] as number;
    if (state === FIELD_NULL) d.hasNulls = true;
    if (d.type === 'string') {
      if (state === FIELD_VALUE) {
        const isScratch = fields.text.source[i] === 1;
        key[d.at] = d.dictionary.idOfSlice(
          fields.text,
          i,
          isScratch ? fields.scratch : fields.record,
          isScratch ? this.#scratchView : this.#recordView,
        );
      } else {
        key[d.at] = state === FIELD_LIST ? this.#listKey(d, i, fields) : 0;
      }
      return;
    }
    // Numeric key: null flag, then 64 bits.
    key[d.at] = state === FIELD_NULL ? 1 : 0;
    if (state === FIELD_NULL) {
      key[d.at + 1] = 0;
      key[d.at + 2] = 0;
    } else if (d.type === 'long') {
      key[d.at + 1] = fields.dimensionLow[i] as number;
      key[d.at + 2] = fields.dimensionHigh[i] as number;
    } else {
      this.#doubleBits[0] = fields.dimensionDouble[i] as number;
      key[d.at + 1] = this.#intBits[0] as number;
      key[d.at + 2] = this.#intBits[1] as number;
    }
  }

  /**
   * One value is a plain value, and so are nulls only; more values, or none, are interned after multiValueHandling. An
   * empty list is stored as one, apart from null. Source: druid-segment-format.md 4, 8.
   */
  #listKey(d: Dimension, i: number, fields: RowFields): number {
    const ids: number[] = [];
    const from = fields.listStart[i] as number;
    const to = fields.listEnd[i] as number;
    const text = fields.listText;
    for (let k = from; k < to; k++) {
      if (text.start[k] === -1) ids.push(0);
      else ids.push(d.dictionary.idOfSlice(text, k, fields.scratch, this.#scratchView));
    }
    const ordered = this.#handled(d, ids);
    if (ordered.length === 0 || ordered.includes(0)) d.hasNulls = true;
    if (ordered.length > 0 && ordered.every((id) => id === 0)) return 0;
    if (ordered.length === 1) return ordered[0] as number;
    d.isMulti = true;
    return -1 - d.lists.numberOf(ordered);
  }

  #handled(d: Dimension, ids: readonly number[]): readonly number[] {
    if (d.handling === 'array') return ids;
    const data = d.dictionary.data();
    const sorted = ids.toSorted((a, b) => {
      if (a === 0 || b === 0) return a === b ? 0 : a === 0 ? -1 : 1;
      // JavaScript compares strings by UTF-16 code units, as Druid orders its dictionaries.
      const [x, y] = [dictionaryValue(data, a) ?? '', dictionaryValue(data, b) ?? ''];
      return x < y ? -1 : x > y ? 1 : 0;
    });
    return d.handling === 'sorted_set' ? sorted.filter((id, k) => id !== sorted[k - 1]) : sorted;
  }

  #discover(names: readonly string[]): void {
    const hadRows = this.rows > 0;
    for (const name of names.slice(this.#dimensions.length)) {
      this.#addDimension(name, 'string', 'sorted_array');
      const added = this.#dimensions.at(-1);
      if (added !== undefined) added.hasNulls = hadRows;
    }
    this.#facts.widen(this.#strideNow());
  }

  #addDimension(name: string, type: Dimension['type'], handling: Dimension['handling']): void {
    const at = this.#strideNow();
    const [dictionary, lists] = [new TextDictionary(), new ListDictionary()];
    this.#dimensions.push({
      name,
      type,
      handling,
      at,
      dictionary,
      lists,
      hasNulls: false,
      isMulti: false,
    });
  }

  #strideNow(): number {
    const last = this.#dimensions.at(-1);
    return last === undefined ? KEY_TIME_INTS : last.at + (last.type === 'string' ? 1 : 3);
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function dimensionData(d: Dimension): DimensionData {
  return {
    name: d.name,
    type: d.type,
    at: d.at,
    hasNulls: d.hasNulls,
    isMulti: d.isMulti,
    dictionary: d.dictionary.data(),
    lists: d.lists.data(),
  };
}
