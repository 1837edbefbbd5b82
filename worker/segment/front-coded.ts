// Front-coded dictionaries, read only. Values come in buckets; each but the first of a bucket is a prefix length
// and the rest. Fed by string-dictionary.ts. Source: druid-segment-format.md 2.3.4.
//
//   dictionary = 7f 01, u8 format (0, 1), u8 bucket size, u8 has null, vbyte n, vbyte bytes of offsets and buckets,
//                i32 end offset of each bucket but the last (byteOrder), buckets
//   bucket     = vbyte length, bytes, (vbyte prefix, vbyte rest, bytes)*
//   prefix of: format 0 the first value of the bucket, format 1 the value before

import { cachedBlocks, type CachedBlocks, type ReadContext } from './block-cache.ts';
import type { Cursor, InternalFile } from './internal-file.ts';

/** Buckets hold at most 128 values, so this is far beyond any sensible one; it bounds a corrupt prefix chain. */
const BUCKET_BYTES_MAX = 64 << 20;

/** Non-null values by position. */
export interface FrontCodedReader {
  readonly values: number;
  readonly hasNull: boolean;
  get(value: number): Uint8Array;
}

/** Reads the dictionary behind its two leading bytes and moves past it. @throws Failure `corrupt` */
export function readFrontCoded(
  cursor: Cursor,
  context: ReadContext,
  isLittleEndian: boolean,
): FrontCodedReader {
  const { file } = cursor;
  const start = cursor.position;
  const format = cursor.u8();
  const per = cursor.u8();
  const nullFlag = cursor.u8();
  if (format > 1 || per === 0 || per > 128 || (per & (per - 1)) !== 0) {
    throw file.corrupt(start, `front coding of format ${format} with buckets of ${per}`);
  }
  const values = cursor.vbyte();
  const bytes = cursor.vbyte();
  const at = cursor.position;
  cursor.skip(bytes);
  const buckets = Math.ceil(values / per);
  const offsetBytes = 4 * Math.max(0, buckets - 1);
  if (offsetBytes > bytes) throw file.corrupt(at, `${buckets} buckets in ${bytes} bytes`);
  const offsets = new DataView(file.read(at, offsetBytes).buffer);
  const area = at + offsetBytes;
  const endOf = (bucket: number): number =>
    bucket === buckets - 1 ? bytes - offsetBytes : offsets.getInt32(4 * bucket, isLittleEndian);
  const cached: CachedBlocks<Uint8Array[]> = cachedBlocks(context, (bucket) => {
    const from = bucket === 0 ? 0 : endOf(bucket - 1);
    const to = endOf(bucket);
    if (from < 0 || to < from || to > bytes - offsetBytes) {
      throw file.corrupt(area, `bucket ${bucket} from ${from} to ${to}`);
    }
    const count = Math.min(per, values - bucket * per);
    const value = readBucket(file, area + from, to - from, count, format);
    return { value, bytes: value.reduce((sum, item) => sum + item.length + 100, 0) };
  });
  return {
    values,
    hasNull: nullFlag === 1,
    get(value) {
      const bucket = Math.floor(value / per);
      const found =
        value >= 0 && value < values ? cached.get(bucket)[value - bucket * per] : undefined;
      if (found === undefined) throw file.corrupt(at, `value ${value} of ${values}`);
      return found;
    },
  };
}

function readBucket(
  file: InternalFile,
  at: number,
  length: number,
  count: number,
  format: number,
): Uint8Array[] {
  const bytes = file.read(at, length);
  const out: Uint8Array[] = [];
  let p = 0;
  let total = 0;
  const vbyte = (): number => {
    let value = 0;
    for (let shift = 0; shift < 35 && p < length; shift += 7) {
      const byte = bytes[p++]!;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte >= 0x80) return value;
    }
    throw file.corrupt(at + p, 'a variable-length number has no end');
  };
  for (let i = 0; i < count; i++) {
    const base = i === 0 ? undefined : out[format === 0 ? 0 : i - 1];
    const prefix = base === undefined ? 0 : vbyte();
    const rest = vbyte();
    total += prefix + rest;
    if (prefix > (base?.length ?? 0) || rest > length - p || total > BUCKET_BYTES_MAX) {
      throw file.corrupt(at + p, `value ${i} of the bucket: prefix ${prefix}, rest ${rest}`);
    }
    const value = new Uint8Array(prefix + rest);
    if (base !== undefined) value.set(base.subarray(0, prefix));
    value.set(bytes.subarray(p, p + rest), prefix);
    p += rest;
    out.push(value);
  }
  return out;
}
