// Chooses and writes the packed forms of long columns for `longEncoding: auto`, as Druid chooses: a table for few
// distinct values, else the distance from the smallest, else plain. Fed by number-writer.ts.
// Source: druid-segment-format.md 2.4.2; the grammar stands in long-encoding.ts.

import type { ByteWriter } from './byte-writer.ts';
import { LONG_WIDTHS } from './long-encoding.ts';

/** How values of one column are packed. */
export interface LongEncoder {
  /** Values a block: the largest power of two whose packed bytes fit 64 KiB. */
  readonly sizePer: number;
  /** Encoding id and parameters, as they follow the compression id. */
  writeHeader(out: ByteWriter): void;
  bytesOf(values: number): number;
  /** Packs values `from .. from+n-1` at the start of `block`, which holds at least `bytesOf(n)`. */
  pack(from: number, n: number, block: Uint8Array): void;
}

const TABLE_MAX = 256;
const BLOCK_BYTES = 65_536;
const PADDING = 4;
const LONG_MAX = 2n ** 63n;

/** The encoder of the first `rows` values, or undefined when plain longs are what Druid would take. */
export function chooseLongEncoder(values: BigInt64Array, rows: number): LongEncoder | undefined {
  const table = new Map<bigint, number>();
  let min = values[0] ?? 0n;
  let max = min;
  for (let row = 0; row < rows; row++) {
    const value = values[row]!;
    if (value < min) min = value;
    else if (value > max) max = value;
    if (table.size <= TABLE_MAX && !table.has(value)) table.set(value, table.size);
  }
  if (table.size <= TABLE_MAX) return tableEncoder(values, table);
  return max - min < LONG_MAX ? deltaEncoder(values, min, max - min) : undefined;
}

function tableEncoder(values: BigInt64Array, table: ReadonlyMap<bigint, number>): LongEncoder {
  const bits = widthFor(BigInt(table.size));
  const packer = { bits, packed: (row: number) => BigInt(table.get(values[row]!)!) };
  return encoder(packer, (out) => {
    out.u8(1);
    out.u8(1);
    out.i32(table.size);
    for (const value of table.keys()) out.i64(value);
  });
}

function deltaEncoder(values: BigInt64Array, base: bigint, spread: bigint): LongEncoder {
  const bits = widthFor(spread + 1n);
  return encoder({ bits, packed: (row) => values[row]! - base }, (out) => {
    out.u8(0);
    out.u8(1);
    out.i64(base);
    out.i32(bits);
  });
}

const widthFor = (count: bigint): number =>
  LONG_WIDTHS.find((width) => count <= 1n << BigInt(width)) ?? 64;

/** What to pack: bits a value, and the value of a row, below 2 to the bits. */
interface Packer {
  readonly bits: number;
  packed(row: number): bigint;
}

function encoder(packer: Packer, writeHeader: (out: ByteWriter) => void): LongEncoder {
  const { bits } = packer;
  const bytesOf = (values: number): number => Math.ceil((bits * values) / 8) + PADDING;
  let sizePer = 1;
  while (bytesOf(2 * sizePer) <= BLOCK_BYTES) sizePer *= 2;
  return {
    sizePer,
    writeHeader,
    bytesOf,
    pack(from, n, block) {
      block.fill(0, 0, bytesOf(n));
      if (bits < 8) packBits(packer, from, n, block);
      else packHalves(packer, from, n, block);
    },
  };
}

/** Widths that divide a byte. */
function packBits({ bits, packed }: Packer, from: number, n: number, block: Uint8Array): void {
  for (let i = 0; i < n; i++) {
    const bit = i * bits;
    block[bit >> 3]! |= Number(packed(from + i)) << (8 - bits - (bit & 7));
  }
}

/** Widths of whole half bytes: 12 and 20 start in the middle of one every other time. */
function packHalves({ bits, packed }: Packer, from: number, n: number, block: Uint8Array): void {
  for (let i = 0; i < n; i++) {
    const end = (i + 1) * bits;
    // The value's last byte is shared with the next value when its end is inside it.
    let left = bits + (end & 7);
    let value = packed(from + i) << BigInt(end & 7);
    for (let at = (end - 1) >> 3; left > 0; at--, left -= 8) {
      block[at]! |= Number(value & 0xffn);
      value >>= 8n;
    }
  }
}
