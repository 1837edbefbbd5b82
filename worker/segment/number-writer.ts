// Writes `__time`, numeric dimensions and metrics: V2 parts with plain or packed values and the bitmap of null rows.
// Fed by build.ts. Source: druid-segment-format.md 2.3.1, 2.4, 2.5; the grammars stand in the readers.

import type { BitmapWriter } from './bitmap-writer.ts';
import { type BlockPacking, writeBlocks } from './block-writer.ts';
import type { ByteWriter } from './byte-writer.ts';
import { compressionId, type WrittenCompression } from './compression.ts';
import { chooseLongEncoder } from './long-encoder.ts';
import type { NumberType } from './block-numbers.ts';
import { patchI32 } from './smoosh-writer.ts';

/** Values of a column in row order. Null rows hold 0. */
interface NumberValues {
  readonly type: NumberType;
  /** FLOAT columns take doubles that are floats already. */
  readonly values: BigInt64Array | Float64Array;
  /** 1 = null; undefined when no row is. */
  readonly nulls: Uint8Array | undefined;
  readonly rows: number;
}

/** What of a build's encoding concerns numbers. */
interface NumberEncoding {
  readonly metrics: WrittenCompression | 'none';
  readonly longs: 'longs' | 'auto';
  readonly bitmaps: BitmapWriter;
}

const PARTS = { LONG: 'longV2', DOUBLE: 'doubleV2', FLOAT: 'floatV2' } as const;
/** Values a block: 64 KiB. */
const SIZE_PER = { LONG: 8192, DOUBLE: 8192, FLOAT: 16_384 } as const;
const BARE_VALUES = 8192;
/** Taken off the compression id of packed longs. */
const ENCODED = 126;

/** Writes the whole column file. */
export function writeNumberColumn(
  out: ByteWriter,
  column: NumberValues,
  { metrics: compression, longs, bitmaps }: NumberEncoding,
): void {
  const { type, rows, nulls } = column;
  out.str(
    `{"valueType":"${type}","hasMultipleValues":false,"parts":[{"type":"${PARTS[type]}",` +
      `"byteOrder":"LITTLE_ENDIAN","bitmapSerdeFactory":${bitmaps.json}}]}`,
  );
  const lengthAt = out.reserve(4);
  const { values } = column;
  const encoder =
    longs === 'auto' && values instanceof BigInt64Array
      ? chooseLongEncoder(values, rows)
      : undefined;
  out.u8(2);
  out.i32(rows);
  const sizePer = encoder?.sizePer ?? SIZE_PER[type];
  out.i32(compression === 'none' ? 0 : sizePer);
  const id = compressionId(compression) - (encoder === undefined ? 0 : ENCODED);
  out.u8(id & 0xff);
  encoder?.writeHeader(out);
  const width = type === 'FLOAT' ? 4 : 8;
  const packing = encoder ?? { bytesOf: (n) => n * width, pack: filler(column) };
  const shape = { count: rows, sizePer, width: encoder === undefined ? width : 0 };
  if (compression !== 'none') writeBlocks(out, compression, shape, packing);
  else if (encoder === undefined) writeBare(out, rows, packing);
  else {
    // One packed run over all blocks; only its end is padded.
    const run = new Uint8Array(encoder.bytesOf(rows));
    encoder.pack(0, rows, run);
    out.bytes(run);
  }
  patchI32(out, lengthAt, out.position - lengthAt - 4);
  if (nulls === undefined) return;
  const nullRows = rowsOf(nulls, rows);
  if (nullRows.length === 0) return;
  const bitmap = bitmaps.bytes(nullRows, 0, nullRows.length);
  out.i32(bitmap.length);
  out.bytes(bitmap);
}

function writeBare(out: ByteWriter, rows: number, { bytesOf, pack }: BlockPacking): void {
  const bytes = new Uint8Array(bytesOf(BARE_VALUES));
  for (let from = 0; from < rows; from += BARE_VALUES) {
    const n = Math.min(BARE_VALUES, rows - from);
    pack(from, n, bytes);
    out.bytes(bytes.subarray(0, bytesOf(n)));
  }
}

/** Little-endian like the machine: values are copied as they are in memory. */
function filler(column: NumberValues): (from: number, n: number, block: Uint8Array) => void {
  const { type, values } = column;
  if (type === 'FLOAT') {
    return (from, n, block) => {
      const floats = new Float32Array(block.buffer);
      for (let i = 0; i < n; i++) floats[i] = Number(values[from + i]);
    };
  }
  return (from, n, block) => {
    block.set(new Uint8Array(values.buffer, values.byteOffset + 8 * from, 8 * n));
  };
}

function rowsOf(nulls: Uint8Array, rows: number): Int32Array {
  let count = 0;
  for (let row = 0; row < rows; row++) count += nulls[row]!;
  const out = new Int32Array(count);
  for (let row = 0, n = 0; row < rows; row++) if (nulls[row] === 1) out[n++] = row;
  return out;
}
