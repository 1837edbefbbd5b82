// Writes LZF chunk streams. Fed by compression.ts. Source: druid-segment-format.md 8.2; the grammar stands in lzf.ts.

const CHUNK_MAX = 0xffff;
const HEADER = 5;
const PACKED_HEADER = 7;
/** Shorter chunks are stored. */
const STORED_BELOW = 16;
const HASH_BITS = 13;
const BACK_MAX = 1 << 13;
const MATCH_MAX = 264;
const LITERALS_MAX = 32;

const table = new Int32Array(1 << HASH_BITS);
let out = new Uint8Array(1 << 17);

/**
 * Compresses `src`; always succeeds: what does not compress is stored.
 *
 * @returns the stream, valid until the next call
 */
export function lzfCompress(src: Uint8Array): Uint8Array {
  const chunks = Math.ceil(src.length / CHUNK_MAX);
  const bound = src.length + HEADER * chunks;
  if (out.length < bound) out = new Uint8Array(bound);
  let d = 0;
  for (let from = 0; from < src.length; from += CHUNK_MAX) {
    d = writeChunk(src, from, Math.min(src.length, from + CHUNK_MAX), d);
  }
  return out.subarray(0, d);
}

function writeChunk(src: Uint8Array, from: number, to: number, at: number): number {
  const length = to - from;
  const end = length < STORED_BELOW ? -1 : pack(src, from, to, at + PACKED_HEADER, at + length + 3);
  const isPacked = end > 0;
  out[at] = 0x5a;
  out[at + 1] = 0x56;
  out[at + 2] = isPacked ? 1 : 0;
  if (!isPacked) {
    putU16(at + 3, length);
    out.set(src.subarray(from, to), at + HEADER);
    return at + HEADER + length;
  }
  putU16(at + 3, end - at - PACKED_HEADER);
  putU16(at + 5, length);
  return end;
}

function putU16(at: number, value: number): void {
  out[at] = value >> 8;
  out[at + 1] = value;
}

/** Packs `src[from..to)` at `out[at..)`; returns the end, or -1 when it would pass `limit`. */
function pack(src: Uint8Array, from: number, to: number, at: number, limit: number): number {
  table.fill(-1);
  let d = at;
  let anchor = from;
  let s = from;
  while (s < to - 2) {
    const key = (src[s]! << 16) | (src[s + 1]! << 8) | src[s + 2]!;
    const slot = Math.imul(key, 0x9e3779b1) >>> (32 - HASH_BITS);
    const found = table[slot]!;
    table[slot] = s;
    if (
      found < 0 ||
      s - found > BACK_MAX ||
      src[found] !== src[s] ||
      src[found + 1] !== src[s + 1] ||
      src[found + 2] !== src[s + 2]
    ) {
      s++;
      continue;
    }
    let length = 3;
    const longest = Math.min(MATCH_MAX, to - s);
    while (length < longest && src[found + length] === src[s + length]) length++;
    d = literals(src, anchor, s, d, limit - 3);
    if (d < 0) return -1;
    const back = s - found - 1;
    const code = length - 2;
    out[d++] = (Math.min(7, code) << 5) | (back >> 8);
    if (code >= 7) out[d++] = code - 7;
    out[d++] = back;
    s += length;
    anchor = s;
  }
  return literals(src, anchor, to, d, limit);
}

function literals(src: Uint8Array, from: number, to: number, at: number, limit: number): number {
  let d = at;
  for (let s = from; s < to; s += LITERALS_MAX) {
    const n = Math.min(LITERALS_MAX, to - s);
    if (d + n + 1 > limit) return -1;
    out[d++] = n - 1;
    out.set(src.subarray(s, s + n), d);
    d += n;
  }
  return d > limit ? -1 : d;
}
