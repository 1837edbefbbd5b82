// What `sluice segment dump` prints: the head of a segment (metadata, columns with types and sizes, internal
// files), then its rows, as ndjson. Reads through the same view that queries read.

import { formatInterval } from '../../core/model/interval.ts';
import { isFailure, messageOf } from '../../core/runtime/failure.ts';
import { type Column, type IdLists, VECTOR_ROWS } from '../view/view.ts';
import { BlockCache } from './block-cache.ts';
import { openSegment, type SegmentView } from './reader.ts';
import { SegmentFiles } from './segment-files.ts';

/** Decoded blocks kept while one segment is read from front to back. */
const CACHE_BYTES = 64 << 20;

/** What to print besides the head. */
export interface DumpOptions {
  /** Print every row. */
  readonly rows: boolean;
}

/**
 * Lines without line feeds: the head, then with `rows` one object a row. Longs are JSON numbers of all digits,
 * complex values `{"bytes": base64}`, columns that cannot be read are left out of the rows.
 *
 * @throws Failure `corrupt` SegmentCorrupt
 */
export async function* dumpSegment(dir: string, options: DumpOptions): AsyncIterable<string> {
  const view = await openSegment(dir, 'dump', { cache: new BlockCache(CACHE_BYTES) });
  try {
    yield JSON.stringify(describe(view));
    if (options.rows) yield* rowLines(view);
  } finally {
    view.close();
  }
}

function describe(view: SegmentView): object {
  const files = new SegmentFiles(view.dir);
  const list = files.list();
  files.close();
  const bytesOf = new Map(list.map(({ name, bytes }) => [name, bytes]));
  const columns = ['__time', ...view.dimensions, ...view.metrics].map((name) => ({
    name,
    bytes: bytesOf.get(name),
    ...(name === '__time' ? { type: 'LONG' } : describeColumn(view, name)),
  }));
  return {
    interval: formatInterval(view.interval),
    rows: view.rows,
    minTime: new Date(view.minTimeMs).toISOString(),
    maxTime: new Date(view.maxTimeMs).toISOString(),
    sizeBytes: view.sizeBytes,
    dimensions: view.dimensions,
    metrics: view.metrics,
    metadata: view.metadata,
    columns,
    files: list,
  };
}

function describeColumn(view: SegmentView, name: string): object {
  const column = readable(view, name);
  if (typeof column === 'string') return { unsupported: column };
  const { type, hasNulls } = column;
  if (column.kind === 'complex') return { type: `COMPLEX<${column.typeName}>`, hasNulls };
  if (column.kind === 'numeric') return { type, hasNulls };
  const { multi, hasBitmaps, dictionary } = column;
  return { type, hasNulls, multi, hasBitmaps, cardinality: dictionary.size };
}

/** The column, or why it cannot be read. */
function readable(view: SegmentView, name: string): Column | string {
  try {
    return view.column(name) ?? 'missing';
  } catch (error) {
    if (isFailure(error, 'input')) return messageOf(error);
    throw error;
  }
}

/** Prints the value of row i of the vector last filled, as JSON. */
interface Printer {
  readonly key: string;
  fill(from: number, count: number): void;
  print(i: number): string;
}

function* rowLines(view: SegmentView): Iterable<string> {
  const printers: Printer[] = [timePrinter(view)];
  for (const name of [...view.dimensions, ...view.metrics]) {
    const column = readable(view, name);
    if (typeof column !== 'string') printers.push(printerOf(name, column));
  }
  for (let from = 0; from < view.rows; from += VECTOR_ROWS) {
    const count = Math.min(VECTOR_ROWS, view.rows - from);
    for (const printer of printers) printer.fill(from, count);
    for (let i = 0; i < count; i++) {
      yield `{${printers.map((p) => `${p.key}:${p.print(i)}`).join(',')}}`;
    }
  }
}

function timePrinter(view: SegmentView): Printer {
  const times = new Float64Array(VECTOR_ROWS);
  return {
    key: '"__time"',
    fill: (from, count) => view.readTimes(from, count, times),
    print: (i) => String(times[i]),
  };
}

function printerOf(name: string, column: Column): Printer {
  const key = JSON.stringify(name);
  if (column.kind === 'complex') {
    let base = 0;
    return {
      key,
      fill: (from) => {
        base = from;
      },
      print(i) {
        const bytes = column.readBytes(base + i);
        return bytes === undefined
          ? 'null'
          : `{"bytes":"${Buffer.from(bytes).toString('base64')}"}`;
      },
    };
  }
  if (column.kind === 'string') {
    const lists: IdLists = { offsets: new Int32Array(0), ids: new Int32Array(0) };
    return {
      key,
      fill: (from, count) => column.readIdLists(from, count, lists),
      print(i) {
        const ids = lists.ids.subarray(lists.offsets[i], lists.offsets[i + 1]);
        const values = Array.from(ids, (id) => JSON.stringify(column.dictionary.value(id)));
        return values.length > 1 ? `[${values.join(',')}]` : (values[0] ?? 'null');
      },
    };
  }
  const nulls = new Uint8Array(VECTOR_ROWS);
  const values =
    column.type === 'LONG' ? new BigInt64Array(VECTOR_ROWS) : new Float64Array(VECTOR_ROWS);
  return {
    key,
    fill(from, count) {
      if (!column.readNulls(from, count, nulls)) nulls.fill(0);
      if (values instanceof BigInt64Array) column.readLongs(from, count, values);
      else column.readDoubles(from, count, values);
    },
    print: (i) => (nulls[i] === 1 ? 'null' : numberText(values[i] ?? 0)),
  };
}

/** JSON knows no NaN and infinities; they are printed as Java names them. */
function numberText(value: number | bigint): string {
  if (typeof value === 'number' && !Number.isFinite(value)) return `"${value}"`;
  return Object.is(value, -0) ? '-0.0' : String(value);
}
