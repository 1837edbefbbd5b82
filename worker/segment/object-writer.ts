// Writes complex columns: an indexed container of objects, or the packed layout of number pairs. Objects come one
// row after the other. Fed by build-columns.ts. Source: druid-segment-format.md 2.6; grammars: indexed-container.ts,
// pair-layout.ts.

import type { ByteWriter } from './byte-writer.ts';
import { compress } from './compression.ts';
import { IndexedWriter } from './indexed-writer.ts';
import {
  PAIR_VALUE_BYTES,
  PAIR_VERSION,
  SHORT_DISTANCES,
  STORE_BLOCK_BYTES,
} from './pair-layout.ts';

/** Calls `emit` once a row, in order; undefined = no object. Bytes are copied before the call returns. */
type Objects = (emit: (bytes: Uint8Array | undefined) => void) => void;

/** Writes the whole column file. */
export function writeObjectColumn(
  out: ByteWriter,
  typeName: string,
  rows: number,
  objects: Objects,
): void {
  out.str(
    `{"valueType":"COMPLEX","hasMultipleValues":false,"parts":[{"type":"complex","typeName":${JSON.stringify(typeName)}}]}`,
  );
  const valueBytes = PAIR_VALUE_BYTES[typeName];
  if (valueBytes !== undefined) {
    writePairs(out, rows, valueBytes, objects);
    return;
  }
  const writer = new IndexedWriter(out, rows, false);
  objects((bytes) => writer.add(bytes));
  writer.finish();
}

/** Times first, because distances need the least of them. */
function writePairs(out: ByteWriter, rows: number, valueBytes: number, objects: Objects): void {
  const times = new BigInt64Array(rows);
  /** 0 = null pair, 1 = no value, 2 = a value. */
  const states = new Uint8Array(rows);
  const values = new Uint8Array(rows * valueBytes);
  let row = 0;
  objects((bytes) => {
    if (bytes !== undefined && bytes.length >= 8) {
      times[row] = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigInt64(0);
      states[row] = bytes.length > 8 ? 2 : 1;
      for (let i = 0; bytes.length > 8 && i < valueBytes; i++)
        values[row * valueBytes + i] = bytes[7 + valueBytes - i]!;
    }
    row++;
  });
  const { least, isShort } = distances(times, states);
  const head = new Uint8Array(12);
  head[0] = PAIR_VERSION;
  head[1] = isShort ? SHORT_DISTANCES : 0;
  new DataView(head.buffer).setBigInt64(4, least, true);
  out.bytes(head);
  const timeBytes = isShort ? 4 : 8;
  const starts = new StoreWriter();
  const cells = new StoreWriter();
  const cell = new Uint8Array(32);
  const view = new DataView(cell.buffer);
  let start = 0n;
  for (let i = 0; i < rows; i++) {
    view.setBigInt64(0, start, true);
    starts.add(cell.subarray(0, 8));
    if (states[i] === 0) continue;
    const distance = times[i]! - least;
    if (isShort) view.setInt32(0, Number(distance), true);
    else view.setBigInt64(0, distance, true);
    const hasValue = states[i] === 2;
    cell[timeBytes] = hasValue ? 0 : 1;
    if (hasValue) cell.set(values.subarray(i * valueBytes, (i + 1) * valueBytes), timeBytes + 1);
    const length = timeBytes + 1 + (hasValue ? valueBytes : 0);
    cells.add(cell.subarray(0, length));
    start += BigInt(length);
  }
  view.setBigInt64(0, start, true);
  starts.add(cell.subarray(0, 8));
  starts.write(out);
  cells.write(out);
}

/** Least time, and whether distances from it fit 31 bits. Without any pair, 0 and no. */
function distances(
  times: BigInt64Array,
  states: Uint8Array,
): { readonly least: bigint; readonly isShort: boolean } {
  let least: bigint | undefined;
  let most = 0n;
  for (let row = 0; row < times.length; row++) {
    if (states[row] === 0) continue;
    const time = times[row]!;
    if (least === undefined) least = most = time;
    else if (time < least) least = time;
    else if (time > most) most = time;
  }
  if (least === undefined) return { least: 0n, isShort: false };
  return { least, isShort: most - least <= 0x7fffffffn };
}

/** Bytes in compressed blocks. */
class StoreWriter {
  readonly #block: Uint8Array = new Uint8Array(STORE_BLOCK_BYTES);
  #used = 0;
  readonly #blocks: Uint8Array[] = [];

  add(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i++) {
      if (this.#used === STORE_BLOCK_BYTES) this.#flush();
      this.#block[this.#used++] = bytes[i]!;
    }
  }

  #flush(): void {
    this.#blocks.push(compress('lz4Small', this.#block.subarray(0, this.#used)).slice());
    this.#used = 0;
  }

  write(out: ByteWriter): void {
    if (this.#used > 0) this.#flush();
    const endBytes = 4 * (this.#blocks.length + 1);
    const blockBytes = this.#blocks.reduce((sum, block) => sum + block.length, 0);
    const head = new DataView(new ArrayBuffer(12 + endBytes));
    head.setInt32(0, 8 + endBytes + blockBytes, true);
    head.setInt32(4, endBytes, true);
    let end = 0;
    this.#blocks.forEach((block, i) => {
      head.setInt32(8 + 4 * i, end, true);
      end += block.length;
    });
    head.setInt32(8 + 4 * this.#blocks.length, end, true);
    head.setInt32(8 + endBytes, blockBytes, true);
    out.bytes(new Uint8Array(head.buffer));
    for (const block of this.#blocks) out.bytes(block);
  }
}
