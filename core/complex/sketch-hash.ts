// Hashing as the DataSketches do it: murmur3 with seed 9001 over UTF-8 or UTF-16 text, longs and doubles as eight
// bytes. Feeds the theta and HLL sketches. Source: DataSketches `Util.DEFAULT_UPDATE_SEED`, `update` methods.

import type { ValueHash } from './complex-value.ts';
import { type Hash128, murmur3 } from './murmur3.ts';

/** The update seed of every sketch that Druid makes. */
const SEED = 9001;

/** Hash of the last value hashed. */
export const lastHash: Hash128 = { h1Low: 0, h1High: 0, h2Low: 0, h2High: 0 };

let scratch: Buffer = Buffer.alloc(1024);
const eight: Buffer = Buffer.alloc(8);

/** Hashes `bytes[start .. end-1]` into {@link lastHash}. */
export function hashUtf8(bytes: Uint8Array, start: number, end: number): void {
  murmur3(bytes, end - start, lastHash, SEED, start);
}

/** Hashes the UTF-16 code units, low byte first, of UTF-8 text. */
export function hashUtf16(bytes: Uint8Array, start: number, end: number): void {
  const length = end - start;
  if (scratch.length < 2 * length) scratch = Buffer.alloc(4 * length);
  let at = 0;
  for (let i = start; i < end; i++) {
    const byte = bytes[i] ?? 0;
    if (byte >= 0x80) {
      at = -1;
      break;
    }
    scratch[at++] = byte;
    scratch[at++] = 0;
  }
  if (at < 0) {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString('utf8');
    at = scratch.write(text, 0, 'utf16le');
  }
  murmur3(scratch, at, lastHash, SEED);
}

/** Hashes a 64-bit integer. */
export function hashLong(low: number, high: number): void {
  eight.writeInt32LE(low | 0, 0);
  eight.writeInt32LE(high | 0, 4);
  murmur3(eight, 8, lastHash, SEED);
}

/** Hashes a double: both zeros are one value, and so is every NaN. */
export function hashDouble(value: number): void {
  eight.writeDoubleLE(value === 0 ? 0 : Number.isNaN(value) ? Number.NaN : value, 0);
  murmur3(eight, 8, lastHash, SEED);
}

/** {@link lastHash} as a theta sketch keeps it: the first word shifted right by one; false when it is 0. */
export function thetaHash(out: ValueHash): boolean {
  out.low = (lastHash.h1Low >>> 1) | (lastHash.h1High << 31);
  out.high = lastHash.h1High >>> 1;
  return (out.low | out.high) !== 0;
}
