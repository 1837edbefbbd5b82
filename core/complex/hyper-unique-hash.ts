// Hashes of values for Druid's own HyperLogLog: which register, and how far it is raised. Feeds hyper-unique.ts and
// whoever adds values to it. Source: druid-segment-format.md 6.3.

import type { ValueHasher } from './complex-value.ts';
import { type Hash128, murmur3 } from './murmur3.ts';

/** Registers of a sketch, a power of two. */
export const REGISTERS = 2048;

/** Bucket (low 11 bits) and rho (above) of a hash, packed. */
function packedHash(hash: Hash128): number {
  const bucket = ((((hash.h2High >>> 16) & 0xff) << 8) | (hash.h2High >>> 24)) & (REGISTERS - 1);
  return (rhoOf(hash.h1Low, hash.h1High) << 11) | bucket;
}

function rhoOf(low: number, high: number): number {
  if (low !== 0) return 32 - Math.clz32(low & -low);
  if (high !== 0) return 64 - Math.clz32(high & -high);
  return 64;
}

const scratchHash: Hash128 = { h1Low: 0, h1High: 0, h2Low: 0, h2High: 0 };

/** {@link packedHash} of `length` bytes from `start` on. */
export function hashBytes(bytes: Uint8Array, length: number = bytes.length, start = 0): number {
  murmur3(bytes, length, scratchHash, 0, start);
  return packedHash(scratchHash);
}

/** Hashes of values as ingestion adds them: the text of each. */
export const hyperUniqueHasher: ValueHasher = {
  text(bytes, start, end, out) {
    out.low = hashBytes(bytes, end - start, start);
    out.high = 0;
    return true;
  },
  // Values are always given as text.
  long: () => false,
  double: () => false,
};
