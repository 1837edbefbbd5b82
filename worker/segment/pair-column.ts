// Columns of pairs of numbers in a segment, handed on in the form of core/complex/time-pair.ts: time and value,
// big-endian. Blocks are decoded when first asked for. Fed by column-file.ts; layout: pair-layout.ts.

import type { ComplexColumn } from '../view/view.ts';
import type { ReadContext } from './block-cache.ts';
import { ByteBlocks, type ByteBlocksHead, checkBounds } from './byte-blocks.ts';
import type { Cursor } from './internal-file.ts';
import { PAIR_VALUE_BYTES, PAIR_VERSION, SHORT_DISTANCES } from './pair-layout.ts';
import { checkRun } from './string-column.ts';

const START_BYTES = 8;

function i32(cursor: Cursor): number {
  const view = new DataView(cursor.bytes(4).buffer);
  return view.getInt32(0, true);
}

/** Reads the head of a store and moves past it. */
function readStore(cursor: Cursor): ByteBlocksHead {
  const { file } = cursor;
  const start = cursor.position;
  const bytes = i32(cursor);
  cursor.need(bytes);
  const end = cursor.position + bytes;
  const endBytes = i32(cursor);
  if (endBytes < 4 || endBytes % 4 !== 0 || endBytes > bytes - 8)
    throw file.corrupt(start + 4, `${endBytes} bytes of block ends in a store of ${bytes}`);
  const view = new DataView(cursor.bytes(endBytes).buffer);
  const bounds = Int32Array.from({ length: endBytes / 4 }, (_, i) => view.getInt32(4 * i, true));
  const blockBytes = i32(cursor);
  if (blockBytes !== end - cursor.position)
    throw file.corrupt(
      cursor.position - 4,
      `${blockBytes} bytes of blocks, ${end - cursor.position} left`,
    );
  checkBounds({ file, bounds }, blockBytes, start + 8);
  const store = { file, compression: 'lz4', bounds, blocksAt: cursor.position } as const;
  cursor.position = end;
  return store;
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
  const starts = new ByteBlocks(startsStore, (part.rows + 1) * START_BYTES, context);
  const place = (row: number): number => {
    starts.copy(row * START_BYTES, START_BYTES, eight);
    return Number(eightView.getBigInt64(0, true));
  };
  const eight = new Uint8Array(8);
  const eightView = new DataView(eight.buffer);
  const total = place(part.rows);
  if (!(total >= 0 && total <= part.rows * (timeBytes + 1 + valueBytes)))
    throw file.corrupt(startsStore.blocksAt, `cells of ${total} bytes for ${part.rows} rows`);
  const cells = new ByteBlocks(cellsStore, total, context);
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
      cells.copy(from, length, cell);
      const distance =
        timeBytes === 8 ? cellView.getBigInt64(0, true) : BigInt(cellView.getInt32(0, true));
      outView.setBigInt64(0, BigInt.asIntN(64, least + distance));
      for (let i = 0; i < valueBytes; i++) out[8 + i] = cell[length - 1 - i]!;
      return out.subarray(0, isNull ? 8 : 8 + valueBytes);
    },
  };
}
