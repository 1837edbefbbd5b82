// Rows -> Kafka record batches (format v2, not compressed), as a producer with large batches would send them. Fed by
// the benchmarks' row blocks; feeds record sets in memory and the raw producer.
// Source: https://kafka.apache.org/documentation/#recordbatch

import { createCrc32c } from '../worker/source/kafka/crc32c.ts';

const HEADER_BYTES = 61;
/** Most bytes a record has beside its value: two varints of five bytes, and one byte for each other field. */
const RECORD_OVERHEAD_BYTES = 20;

const crc32c = createCrc32c();

/** Texts back to back: text i is `bytes[starts[i]] .. bytes[starts[i + 1] - 1]`. */
export interface Texts {
  readonly bytes: Uint8Array;
  readonly starts: Int32Array;
}

/** One batch of texts `from .. to-1` at `baseOffset`, all with one timestamp. */
export function recordBatch(
  texts: Texts,
  from: number,
  to: number,
  at: { readonly baseOffset: number; readonly timestampMs: number },
): Buffer {
  const count = to - from;
  const size = (texts.starts[to] ?? 0) - (texts.starts[from] ?? 0);
  const out = Buffer.allocUnsafe(HEADER_BYTES + size + count * RECORD_OVERHEAD_BYTES);
  let p = HEADER_BYTES;
  for (let i = 0; i < count; i++) {
    const start = texts.starts[from + i] ?? 0;
    const end = texts.starts[from + i + 1] ?? 0;
    const length = end - start;
    // attributes, time delta, offset delta, key (none), value, headers (none)
    p = varint(out, p, 1 + 1 + varintBytes(i) + 1 + varintBytes(length) + length + 1);
    out[p++] = 0;
    out[p++] = 0;
    p = varint(out, p, i);
    out[p++] = 1;
    p = varint(out, p, length);
    out.set(texts.bytes.subarray(start, end), p);
    p += length;
    out[p++] = 0;
  }
  out.writeBigInt64BE(BigInt(at.baseOffset), 0);
  out.writeInt32BE(p - 12, 8);
  out.writeInt32BE(-1, 12);
  out.writeInt8(2, 16);
  out.writeInt16BE(0, 21);
  out.writeInt32BE(count - 1, 23);
  out.writeBigInt64BE(BigInt(at.timestampMs), 27);
  out.writeBigInt64BE(BigInt(at.timestampMs), 35);
  out.writeBigInt64BE(-1n, 43);
  out.writeInt16BE(-1, 51);
  out.writeInt32BE(-1, 53);
  out.writeInt32BE(count, 57);
  out.writeUInt32BE(crc32c(out, 21, p), 17);
  return out.subarray(0, p);
}

/** Zigzag varint of a number >= 0 and below 2^30. */
function varint(out: Buffer, at: number, value: number): number {
  let [p, rest] = [at, value * 2];
  for (; rest > 127; rest >>>= 7) out[p++] = (rest & 127) | 128;
  out[p++] = rest;
  return p;
}

function varintBytes(value: number): number {
  return value < 64 ? 1 : value < 8192 ? 2 : value < 1_048_576 ? 3 : value < 134_217_728 ? 4 : 5;
}
