// Columns of pairs of numbers in a segment, handed on in the form of core/complex/time-pair.ts: time and value,
// big-endian. Blocks are decoded when first asked for. Fed by column-file.ts; layout: pair-layout.ts.

import type { ComplexColumn } from '../view/view.ts';
import { cachedBlocks, type CachedBlocks, type ReadContext } from './block-cache.ts';
import { decompress } from './compression.ts';
import type { Cursor, InternalFile } from './internal-file.ts';
import {
  PAIR_VALUE_BYTES,
  PAIR_VERSION,
  SHORT_DISTANCES,
  STORE_BLOCK_BYTES,
} from './pair-layout.ts';
import { checkRun } from './string-column.ts';

/** The most bytes a compressed block may have. */
const COMPRESSED_MAX = STORE_BLOCK_BYTES + 1024;
const START_BYTES = 8;

/** Compressed blocks of one store. */
interface Store {
  readonly file: InternalFile;
  readonly ends: Int32Array;
  readonly blocksAt: number;
}

function i32(cursor: Cursor): number {
  const view = new DataView(cursor.bytes(4).buffer);
  return view.getInt32(0, true);
}

/** Reads the head of a store and moves past it. */
function readStore(cursor: Cursor): Store {
  const { file } = cursor;
  const start = cursor.position;
  const bytes = i32(cursor);
  cursor.need(bytes);
  const end = cursor.position + bytes;
  const endBytes = i32(cursor);
  if (endBytes < 4 || endBytes % 4 !== 0 || endBytes > bytes - 8)
    throw file.corrupt(start + 4, `${endBytes} bytes of block ends in a store of ${bytes}`);
  const view = new DataView(cursor.bytes(endBytes).buffer);
  const ends = Int32Array.from({ length: endBytes / 4 }, (_, i) => view.getInt32(4 * i, true));
  const blockBytes = i32(cursor);
  if (blockBytes !== end - cursor.position)
    throw file.corrupt(
      cursor.position - 4,
      `${blockBytes} bytes of blocks, ${end - cursor.position} left`,
    );
  ends.forEach((value, i) => {
    if (
      value < (ends[i - 1] ?? 0) ||
      value > blockBytes ||
      value - (ends[i - 1] ?? 0) > COMPRESSED_MAX
    )
      throw file.corrupt(start + 8 + 4 * i, `block ${i} starts at ${value}`);
  });
  const store = { file, ends, blocksAt: cursor.position };
  cursor.position = end;
  return store;
}

/** Decoded blocks of a store that holds `total` bytes. */
function blocksOf(store: Store, total: number, context: ReadContext): CachedBlocks<Uint8Array> {
  const { file, ends, blocksAt } = store;
  const expected = Math.ceil(total / STORE_BLOCK_BYTES);
  if (ends.length - 1 !== expected)
    throw file.corrupt(blocksAt, `${ends.length - 1} blocks for ${total} bytes`);
  return cachedBlocks(context, (index) => {
    const from = ends[index] ?? 0;
    const at = blocksAt + from;
    const out = new Uint8Array(Math.min(STORE_BLOCK_BYTES, total - index * STORE_BLOCK_BYTES));
    decompress('lz4', file.read(at, (ends[index + 1] ?? from) - from), out, file, at);
    return { value: out, bytes: out.length };
  });
}

/** The bytes `from .. from+count-1` of a store into `out`. */
function copyOut(
  blocks: CachedBlocks<Uint8Array>,
  from: number,
  count: number,
  out: Uint8Array,
): void {
  let index = Math.floor(from / STORE_BLOCK_BYTES);
  let at = from - index * STORE_BLOCK_BYTES;
  let block = blocks.get(index);
  for (let i = 0; i < count; i++) {
    if (at === STORE_BLOCK_BYTES) {
      block = blocks.get(++index);
      at = 0;
    }
    out[i] = block[at++]!;
  }
}

/** Reads a part in this layout. @throws Failure `corrupt` */
export function readPairPart(
  cursor: Cursor,
  context: ReadContext,
  part: { readonly rows: number; readonly typeName: string },
): ComplexColumn {
  const { file, position: start } = cursor;
  const valueBytes = PAIR_VALUE_BYTES[part.typeName];
  const head = new DataView(cursor.bytes(12).buffer);
  if (valueBytes === undefined || head.getUint8(0) !== PAIR_VERSION)
    throw file.corrupt(start, `version ${head.getUint8(0)} of a ${part.typeName} column`);
  const timeBytes = (head.getUint8(1) & SHORT_DISTANCES) === 0 ? 8 : 4;
  const least = head.getBigInt64(4, true);
  const startsStore = readStore(cursor);
  const cellsStore = readStore(cursor);
  const starts = blocksOf(startsStore, (part.rows + 1) * START_BYTES, context);
  const place = (row: number): number => {
    copyOut(starts, row * START_BYTES, START_BYTES, eight);
    return Number(eightView.getBigInt64(0, true));
  };
  const eight = new Uint8Array(8);
  const eightView = new DataView(eight.buffer);
  const total = place(part.rows);
  if (!(total >= 0 && total <= part.rows * (timeBytes + 1 + valueBytes)))
    throw file.corrupt(startsStore.blocksAt, `cells of ${total} bytes for ${part.rows} rows`);
  const cells = blocksOf(cellsStore, total, context);
  const cell = new Uint8Array(32);
  const cellView = new DataView(cell.buffer);
  const out = new Uint8Array(16);
  const outView = new DataView(out.buffer);
  const describe = (row: number): string =>
    `segment ${file.dir}: file '${file.name}' at offset ${start}, row ${row}`;
  return {
    kind: 'complex',
    type: 'COMPLEX',
    typeName: part.typeName,
    hasNulls: true,
    describe,
    readBytes(row) {
      checkRun(row, 1, part.rows);
      const from = place(row);
      const length = place(row + 1) - from;
      if (length === 0) return undefined;
      // With or without the byte that says whether there is a value.
      const rest = length - timeBytes;
      const isNull = rest === 0 || rest === 1;
      const isKnown = isNull || rest === valueBytes || rest === valueBytes + 1;
      if (from < 0 || from + length > total || !isKnown)
        throw file.corrupt(startsStore.blocksAt, `row ${row} has ${length} bytes at ${from}`);
      copyOut(cells, from, length, cell);
      const distance =
        timeBytes === 8 ? cellView.getBigInt64(0, true) : BigInt(cellView.getInt32(0, true));
      outView.setBigInt64(0, BigInt.asIntN(64, least + distance));
      for (let i = 0; i < valueBytes; i++) out[8 + i] = cell[length - 1 - i]!;
      return out.subarray(0, isNull ? 8 : 8 + valueBytes);
    },
  };
}
