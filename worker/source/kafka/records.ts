// The innermost loop: the records of one batch, plain bytes. Varints of one byte are read inline;
// nothing is allocated.
//   record: length varint | attributes i8 | timestampDelta varlong | offsetDelta varint | key length varint, key |
//           value length varint, value | headers (skipped by the record's length)

import type { RecordSlices } from '../port.ts';

/** Where the records go and what their deltas count from. */
export interface RecordBase {
  readonly out: RecordSlices;
  readonly fromOffset: number;
  readonly baseOffset: number;
  /** Epoch ms; negative when the producer gave none. */
  readonly baseTimestampMs: number;
  /** False when all records have the base time (log append time). */
  readonly useDelta: boolean;
}

/**
 * Appends `count` records of `bytes[from, to)` to `base.out`, which has room. Lengths are checked against the
 * batch, so that nothing outside it is ever named.
 *
 * @returns the position after the last record, or -1 when a length does not fit
 */
export function readRecords(
  bytes: Uint8Array,
  from: number,
  to: number,
  count: number,
  base: RecordBase,
): number {
  const { out, fromOffset, baseOffset, baseTimestampMs, useDelta } = base;
  const { starts, ends, offsets, timestampsMs } = out;
  const hasTime = baseTimestampMs >= 0;
  let n = out.count;
  let at = from;
  // Reading past the end yields undefined, which ends every varint; the checks of lengths catch what came of it.
  for (let i = 0; i < count; i++) {
    let raw = bytes[at]! < 128 ? bytes[at]! : varint(bytes, at);
    at = after(bytes, at);
    const recordEnd = at + ((raw >>> 1) ^ -(raw & 1));
    if (recordEnd < at || recordEnd > to) return -1;

    // One byte of attributes, then the two deltas.
    const delta = bytes[at + 1]! < 128 ? unzigzag(bytes[at + 1]!) : varlong(bytes, at + 1);
    at = after(bytes, at + 1);
    raw = bytes[at]! < 128 ? bytes[at]! : varint(bytes, at);
    at = after(bytes, at);
    const offset = baseOffset + unzigzag(raw);

    raw = bytes[at]! < 128 ? bytes[at]! : varint(bytes, at);
    at = after(bytes, at);
    const keyLength = unzigzag(raw);
    if (keyLength > 0) at += keyLength;
    if (at >= recordEnd) return -1;

    raw = bytes[at]! < 128 ? bytes[at]! : varint(bytes, at);
    at = after(bytes, at);
    const valueLength = unzigzag(raw);
    if (valueLength > recordEnd - at) return -1;

    if (offset >= fromOffset) {
      starts[n] = valueLength < 0 ? -1 : at;
      ends[n] = valueLength < 0 ? -1 : at + valueLength;
      offsets[n] = offset;
      timestampsMs[n] = hasTime ? (useDelta ? baseTimestampMs + delta : baseTimestampMs) : NaN;
      n++;
    }
    at = recordEnd;
  }
  out.count = n;
  return at;
}

function unzigzag(value: number): number {
  return (value >>> 1) ^ -(value & 1);
}

/** The varint at `at`, still zigzag, in 32 bits. */
function varint(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let shift = 0, i = at; shift < 35; shift += 7) {
    const byte = bytes[i++]!;
    value |= (byte & 127) << shift;
    if (!(byte > 127)) break;
  }
  return value;
}

/** The position after the varint at `at`. */
function after(bytes: Uint8Array, at: number): number {
  let end = at;
  while (bytes[end]! > 127) end++;
  return end + 1;
}

/** The zigzag varint of up to 64 bits at `at`, decoded; exact for what fits a double. */
function varlong(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let scale = 1, i = at; scale < 2 ** 70; scale *= 128) {
    const byte = bytes[i++]!;
    value += (byte & 127) * scale;
    if (!(byte > 127)) break;
  }
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}
