// The innermost loop: the records of one batch, plain bytes. Varints are read inline; nothing is allocated.
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
  for (let i = 0; i < count; i++) {
    // Reading past the end yields undefined, which counts as 0 and ends every varint; the checks below catch it.
    let byte = bytes[at++]!;
    let value = byte & 127;
    for (let shift = 7; byte > 127; shift += 7) {
      byte = bytes[at++]!;
      value |= (byte & 127) << shift;
    }
    const recordEnd = at + ((value >>> 1) ^ -(value & 1));
    if (recordEnd < at || recordEnd > to) return -1;
    at++;

    // Deltas of less than 2^27 ms (37 hours) are the rule: up to four bytes fit an int.
    let delta = 0;
    byte = bytes[at++]!;
    value = byte & 127;
    let shift = 7;
    for (; byte > 127 && shift < 28; shift += 7) {
      byte = bytes[at++]!;
      value |= (byte & 127) << shift;
    }
    if (byte > 127) {
      let wide = value;
      for (let scale = 2 ** 28; byte > 127 && at < recordEnd; scale *= 128) {
        byte = bytes[at++]!;
        wide += (byte & 127) * scale;
      }
      delta = wide % 2 === 0 ? wide / 2 : -(wide + 1) / 2;
    } else {
      delta = (value >>> 1) ^ -(value & 1);
    }

    byte = bytes[at++]!;
    value = byte & 127;
    for (shift = 7; byte > 127; shift += 7) {
      byte = bytes[at++]!;
      value |= (byte & 127) << shift;
    }
    const offset = baseOffset + ((value >>> 1) ^ -(value & 1));

    byte = bytes[at++]!;
    value = byte & 127;
    for (shift = 7; byte > 127; shift += 7) {
      byte = bytes[at++]!;
      value |= (byte & 127) << shift;
    }
    const keyLength = (value >>> 1) ^ -(value & 1);
    if (keyLength > 0) at += keyLength;
    if (at >= recordEnd) return -1;

    byte = bytes[at++]!;
    value = byte & 127;
    for (shift = 7; byte > 127; shift += 7) {
      byte = bytes[at++]!;
      value |= (byte & 127) << shift;
    }
    const valueLength = (value >>> 1) ^ -(value & 1);
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
