// Delta and table encodings of longs; long-encoder.ts writes them. Fed by number-supplier.ts.
// Source: druid-segment-format.md 2.4.2.
//
//   delta = 00, 01, i64 base, i32 bits         value = base + packed, wrapping in 64 bits
//   table = 01, 01, i32 entries, i64 * entries value = entry[packed]
//   plain = ff
//   packed block: `bits` each, most significant bit first, then 4 zero bytes

import type { Cursor } from './internal-file.ts';
import type { Place } from './place.ts';

/** How the blocks of a long column become longs. */
export interface LongDecoder {
  /** Bytes of a block of so many values. */
  bytesOf(values: number): number;
  decode(
    bytes: Uint8Array<ArrayBuffer>,
    values: number,
    place: Place,
    offset: number,
  ): BigInt64Array<ArrayBuffer>;
}

/** Bits a packed value may have. */
export const LONG_WIDTHS: readonly number[] = [1, 2, 4, 8, 12, 16, 20, 24, 32, 40, 48, 56, 64];

/** Reads the header of an encoded long column. @throws Failure `corrupt` */
export function readLongEncoding(cursor: Cursor, isLittleEndian: boolean): LongDecoder {
  const start = cursor.position;
  const encoding = cursor.i8();
  if (encoding === -1) return plainLongs(isLittleEndian);
  if (encoding !== 0 && encoding !== 1) {
    throw cursor.file.corrupt(start, `long encoding ${encoding} is unknown`);
  }
  if (cursor.u8() !== 1)
    throw cursor.file.corrupt(start + 1, 'long encoding of version 1 is expected');
  if (encoding === 0) {
    const base = cursor.i64();
    const bits = cursor.i32();
    if (!LONG_WIDTHS.includes(bits))
      throw cursor.file.corrupt(cursor.position - 4, `${bits} bits a value`);
    return packedLongs(bits, (packed) => base + packed);
  }
  const count = cursor.size(256, 'number of table entries');
  const table = Array.from({ length: count }, () => cursor.i64());
  const bits = LONG_WIDTHS.find((width) => count <= 2 ** width) ?? 8;
  return packedLongs(bits, (packed) => table[Number(packed)]);
}

/** Longs of eight bytes in value order. */
export function plainLongs(isLittleEndian: boolean): LongDecoder {
  // Blocks are unpacked to one of few places, so that few views serve them.
  const views = new WeakMap<Uint8Array<ArrayBuffer>, BigInt64Array<ArrayBuffer>>();
  return {
    bytesOf: (values) => 8 * values,
    decode(bytes) {
      if (!isLittleEndian) Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).swap64();
      let longs = views.get(bytes);
      if (longs === undefined) {
        longs = new BigInt64Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 3);
        views.set(bytes, longs);
      }
      return longs;
    },
  };
}

function packedLongs(bits: number, valueOf: (packed: bigint) => bigint | undefined): LongDecoder {
  return {
    bytesOf: (values) => Math.ceil((bits * values) / 8) + 4,
    decode(bytes, values, place, offset) {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const out = new BigInt64Array(values);
      for (let i = 0; i < values; i++) {
        const value = valueOf(unpack(view, bits, i));
        if (value === undefined) throw place.corrupt(offset, `value ${i} is no entry of the table`);
        out[i] = value;
      }
      return out;
    },
  };
}

/** Packed value `i`. Widths below 8 divide a byte; 12 and 20 start at a half byte at worst. */
function unpack(view: DataView, bits: number, i: number): bigint {
  const bit = i * bits;
  const at = Math.floor(bit / 8);
  if (bits < 8) return BigInt((view.getUint8(at) >> (8 - bits - (bit & 7))) & ((1 << bits) - 1));
  if (bits <= 24) {
    const word = view.getUint32(at);
    return BigInt((word >>> (32 - bits - (bit & 7))) & ((1 << bits) - 1));
  }
  let value = 0n;
  for (let k = 0; k < bits / 8; k++) value = (value << 8n) | BigInt(view.getUint8(at + k));
  return bits === 64 ? BigInt.asIntN(64, value) : value;
}
