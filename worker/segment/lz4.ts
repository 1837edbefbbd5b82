// The LZ4 raw block format in plain TypeScript: no frame, no size, no checksum. The fallback for blocks that
// do not fit the WebAssembly codec (lz4-wasm.ts) and the oracle its tests compare with.
// Source: druid-segment-format.md 3.
//
//   block    = sequence*           the last sequence has literals only
//   sequence = token literals [offset matchLength]
//   token    = literal count (high 4 bits) | match length - 4 (low 4 bits); 15 = bytes of 255 and one below follow
//   offset   = u16 little-endian, 1 .. bytes written so far

/** Bytes below which no match is looked for: what could be saved is less than what the search costs. */
const LZ4_LITERAL_BELOW = 64;
/** A match may not start in the last 12 bytes, and the last 5 are literals. */
const LAST_MATCH = 12;
const LAST_LITERALS = 5;
const HASH_BITS = 13;

/** The most bytes {@link lz4Compress} writes for `length` bytes. */
export function lz4Bound(length: number): number {
  return length + Math.floor(length / 255) + 16;
}

/**
 * Decompresses `src[from..to)` into `dst` from its start.
 *
 * @returns the number of bytes written, or -1 when the block is malformed or does not fit `dst`
 */
export function lz4Decompress(src: Uint8Array, from: number, to: number, dst: Uint8Array): number {
  let s = from;
  let d = 0;
  while (s < to) {
    const token = src[s++]!;
    let literals = token >> 4;
    if (literals === 15) {
      let more = 255;
      while (more === 255) {
        if (s >= to) return -1;
        more = src[s++]!;
        literals += more;
      }
    }
    if (literals > to - s || literals > dst.length - d) return -1;
    for (let i = 0; i < literals; i++) dst[d++] = src[s++]!;
    if (s === to) return d;
    if (to - s < 2) return -1;
    const offset = src[s]! | (src[s + 1]! << 8);
    s += 2;
    if (offset === 0 || offset > d) return -1;
    let length = (token & 15) + 4;
    if (length === 19) {
      let more = 255;
      while (more === 255) {
        if (s >= to) return -1;
        more = src[s++]!;
        length += more;
      }
    }
    if (length > dst.length - d) return -1;
    for (let i = 0; i < length; i++, d++) dst[d] = dst[d - offset]!;
  }
  return -1;
}

/**
 * Compresses `src` into `dst`, which holds at least {@link lz4Bound} bytes. Always succeeds: what does not
 * compress becomes literals.
 *
 * @returns the number of bytes written
 */
export function lz4Compress(src: Uint8Array, dst: Uint8Array): number {
  const end = src.length;
  if (end < LZ4_LITERAL_BELOW) return writeSequence(src, 0, end, 0, 0, dst, 0);
  const table = new Int32Array(1 << HASH_BITS);
  const view = new DataView(src.buffer, src.byteOffset, src.length);
  let anchor = 0;
  let d = 0;
  let s = 1;
  let misses = 0;
  while (s <= end - LAST_MATCH) {
    const word = view.getInt32(s, true);
    const slot = Math.imul(word, 0x9e3779b1) >>> (32 - HASH_BITS);
    const candidate = table[slot]!;
    table[slot] = s;
    if (s - candidate > 0xffff || view.getInt32(candidate, true) !== word) {
      s += 1 + (misses++ >> 6);
      continue;
    }
    misses = 0;
    let length = 4;
    const longest = end - LAST_LITERALS - s;
    while (length < longest && src[candidate + length] === src[s + length]) length++;
    d = writeSequence(src, anchor, s, s - candidate, length, dst, d);
    s += length;
    anchor = s;
  }
  return writeSequence(src, anchor, end, 0, 0, dst, d);
}

/** Literals `src[anchor..s)`, then a match unless `length` is 0. Returns the new end of `dst`. */
function writeSequence(
  src: Uint8Array,
  anchor: number,
  s: number,
  offset: number,
  length: number,
  dst: Uint8Array,
  at: number,
): number {
  let d = at;
  const literals = s - anchor;
  const extra = length - 4;
  const low = length === 0 ? 0 : Math.min(15, extra);
  dst[d++] = (Math.min(15, literals) << 4) | low;
  if (literals >= 15) d = writeRest(literals - 15, dst, d);
  dst.set(src.subarray(anchor, s), d);
  d += literals;
  if (length === 0) return d;
  dst[d++] = offset & 0xff;
  dst[d++] = offset >> 8;
  return extra >= 15 ? writeRest(extra - 15, dst, d) : d;
}

function writeRest(rest: number, dst: Uint8Array, at: number): number {
  let d = at;
  let left = rest;
  for (; left >= 255; left -= 255) dst[d++] = 255;
  dst[d++] = left;
  return d;
}
