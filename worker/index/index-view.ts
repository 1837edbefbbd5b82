// A snapshot of the in-memory index as a columnar view. Read by queries on the index thread and by the segment
// builder on the build thread. Rows are in order of arrival; dictionaries are unsorted and have no bitmaps.

import type { Interval } from '../../core/model/interval.ts';
import type {
  Column,
  ComplexColumn,
  Dictionary,
  IdLists,
  NumericColumn,
  StringColumn,
  View,
  ViewMetadata,
} from '../view/view.ts';
import type { DimensionData, IndexData } from './index-data.ts';
import type { MetricData } from './metric-column.ts';
import { objectBytes, type ObjectData } from './object-column.ts';
import { type DictionaryData, dictionaryIdOf, dictionaryValue } from './text-dictionary.ts';

const TWO_32 = 4_294_967_296;

/** Wraps a snapshot. `metadata` is what its segment will say of itself. */
export function indexView(data: IndexData, metadata: ViewMetadata): View {
  return new IndexView(data, metadata);
}

class IndexView implements View {
  readonly segmentId: string;
  readonly interval: Interval;
  readonly rows: number;
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  readonly timeSorted = false;
  readonly sizeBytes = 0;
  readonly dimensions: readonly string[];
  readonly metrics: readonly string[];
  readonly metadata: ViewMetadata;
  readonly #data: IndexData;
  readonly #columns: Map<string, Column> = new Map();

  constructor(data: IndexData, metadata: ViewMetadata) {
    this.#data = data;
    this.metadata = metadata;
    this.segmentId = data.segmentId;
    this.interval = data.interval;
    this.rows = data.rows;
    this.minTimeMs = data.minTimeMs;
    this.maxTimeMs = data.maxTimeMs;
    this.dimensions = data.dimensions.map((d) => d.name);
    this.metrics = data.metrics.map((m) => m.name);
    for (const d of data.dimensions) {
      this.#columns.set(
        d.name,
        d.type === 'string' ? stringColumn(data, d) : numericDimension(data, d),
      );
    }
    for (const m of data.metrics)
      this.#columns.set(
        m.name,
        m.type === 'COMPLEX' ? objectColumn(m.name, m) : metricColumn(data.rows, m),
      );
  }

  column(name: string): Column | undefined {
    return this.#columns.get(name);
  }

  readTimes(from: number, count: number, out: Float64Array): void {
    const { facts, stride } = this.#data;
    let at = from * stride;
    for (let i = 0; i < count; i++, at += stride) {
      out[i] = (facts[at + 1] as number) * TWO_32 + ((facts[at] as number) >>> 0);
    }
  }
}

function stringColumn(data: IndexData, d: DimensionData): StringColumn {
  const { facts, stride } = data;
  const dictionary: Dictionary = {
    size: d.dictionary.size,
    sorted: false,
    value: (id) => dictionaryValue(d.dictionary, id),
    idOf: (value) => dictionaryIdOf(d.dictionary, value),
    readUtf8: utf8Reader(d.dictionary),
  };
  return {
    kind: 'string',
    type: 'STRING',
    multi: d.isMulti,
    hasNulls: d.hasNulls,
    dictionary,
    hasBitmaps: false,
    readIds(from, count, out) {
      let at = from * stride + d.at;
      for (let i = 0; i < count; i++, at += stride) out[i] = facts[at] as number;
    },
    readIdLists: (from, count, out) => readIdLists(data, d, from, count, out),
    orBitmap() {
      // No bitmaps: hasBitmaps says so, and queries then test ids.
    },
    bitmapRows: () => 0,
  };
}

/** Values of one dictionary; its arena is wrapped once. */
function utf8Reader(data: DictionaryData): Dictionary['readUtf8'] {
  const { arena, entries } = data;
  const bytes = new Uint8Array(arena.buffer, arena.byteOffset, arena.byteLength);
  return (id, out) => {
    if (id === 0) return false;
    out.bytes = bytes;
    out.start = entries[id * 2]! * 4;
    out.end = out.start + entries[id * 2 + 1]!;
    return true;
  };
}

function readIdLists(
  data: IndexData,
  d: DimensionData,
  from: number,
  count: number,
  out: IdLists,
): void {
  const { facts, stride } = data;
  if (out.offsets.length < count + 1) out.offsets = new Int32Array(count + 1);
  out.offsets[0] = 0;
  let used = 0;
  for (let i = 0; i < count; i++) {
    const key = facts[(from + i) * stride + d.at] as number;
    const list = -1 - key;
    const start = list >= 0 ? (d.lists.offset[list] as number) : 0;
    // A null is a list of one null; only a list that came empty is empty.
    const length = list >= 0 ? (d.lists.offset[list + 1] as number) - start : 1;
    if (used + length > out.ids.length) {
      const ids = new Int32Array(Math.max(out.ids.length * 2, used + length));
      ids.set(out.ids.subarray(0, used));
      out.ids = ids;
    }
    if (list < 0) {
      out.ids[used] = key;
    } else {
      for (let k = 0; k < length; k++) out.ids[used + k] = d.lists.ids[start + k] as number;
    }
    used += length;
    out.offsets[i + 1] = used;
  }
}

function numericDimension(data: IndexData, d: DimensionData): NumericColumn {
  const { facts, stride } = data;
  const cell = new BigInt64Array(1);
  const ints = new Int32Array(cell.buffer);
  const doubles = new Float64Array(cell.buffer);
  const isLong = d.type === 'long';
  return {
    kind: 'numeric',
    type: isLong ? 'LONG' : d.type === 'double' ? 'DOUBLE' : 'FLOAT',
    hasNulls: d.hasNulls,
    readLongs(from, count, out) {
      const halves = new Int32Array(out.buffer, out.byteOffset, count * 2);
      let at = from * stride + d.at + 1;
      for (let i = 0; i < count; i++, at += stride) {
        halves[i * 2] = facts[at] as number;
        halves[i * 2 + 1] = facts[at + 1] as number;
      }
    },
    readDoubles(from, count, out) {
      let at = from * stride + d.at + 1;
      for (let i = 0; i < count; i++, at += stride) {
        ints[0] = facts[at] as number;
        ints[1] = facts[at + 1] as number;
        out[i] = isLong ? Number(cell[0]) : (doubles[0] as number);
      }
    },
    readNulls(from, count, out) {
      if (!d.hasNulls) return false;
      let any = 0;
      let at = from * stride + d.at;
      for (let i = 0; i < count; i++, at += stride) any |= out[i] = facts[at] as number;
      return any !== 0;
    },
  };
}

function objectColumn(name: string, data: ObjectData): ComplexColumn {
  return {
    kind: 'complex',
    type: 'COMPLEX',
    typeName: data.typeName,
    hasNulls: true,
    readBytes: (row) => objectBytes(data, row),
    describe: (row) => `fresh rows, column '${name}', row ${row}`,
  };
}

function metricColumn(rows: number, m: MetricData): NumericColumn {
  const longs = new BigInt64Array(m.cells.buffer);
  const doubles = new Float64Array(m.cells.buffer);
  let known: boolean | undefined;
  const hasNulls = (): boolean => (known ??= m.seen.subarray(0, rows).includes(0));
  return {
    kind: 'numeric',
    type: m.type,
    get hasNulls() {
      return hasNulls();
    },
    readLongs: (from, count, out) => out.set(longs.subarray(from, from + count)),
    readDoubles(from, count, out) {
      if (m.type !== 'LONG') {
        out.set(doubles.subarray(from, from + count));
        return;
      }
      for (let i = 0; i < count; i++) out[i] = Number(longs[from + i]);
    },
    readNulls(from, count, out) {
      if (!hasNulls()) return false;
      let any = 0;
      for (let i = 0; i < count; i++) any |= out[i] = m.seen[from + i] === 1 ? 0 : 1;
      return any !== 0;
    },
  };
}
