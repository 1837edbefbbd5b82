// LZF chunk streams, the compression of old segments; lzf-writer.ts writes them. Fed by compression.ts.
// Source: druid-segment-format.md 8.2.
//
//   stream  = chunk*
//   chunk   = 'Z' 'V' 01 u16 compressed length, u16 original length, data
//           | 'Z' 'V' 00 u16 length, raw bytes                              lengths big-endian
//   data    = (control < 32: control + 1 literals | control: match of length (control >> 5) + 2, 7 = one more byte
//             adds to it; then offset = ((control & 31) << 8 | next byte) + 1)*

/**
 * Decompresses `src` into `dst` from its start.
 *
 * @returns the number of bytes written, or -1 when the stream is malformed or does not fit `dst`
 */
export function lzfDecompress(src: Uint8Array, dst: Uint8Array): number {
  let s = 0;
  let d = 0;
  while (s < src.length) {
    if (src.length - s < 5 || src[s] !== 0x5a || src[s + 1] !== 0x56) return -1;
    const kind = src[s + 2]!;
    const length = (src[s + 3]! << 8) | src[s + 4]!;
    s += 5;
    if (kind === 0) {
      if (length > src.length - s || length > dst.length - d) return -1;
      dst.set(src.subarray(s, s + length), d);
      s += length;
      d += length;
      continue;
    }
    if (kind !== 1 || src.length - s < 2) return -1;
    const original = (src[s]! << 8) | src[s + 1]!;
    s += 2;
    if (length > src.length - s || original > dst.length - d) return -1;
    if (!lzfChunk(src, s, s + length, dst, d, d + original)) return -1;
    s += length;
    d += original;
  }
  return d;
}

/** One compressed chunk into exactly `dst[from..to)`; matches reach back to its start only. */
function lzfChunk(
  src: Uint8Array,
  start: number,
  end: number,
  dst: Uint8Array,
  from: number,
  to: number,
): boolean {
  let s = start;
  let d = from;
  while (s < end) {
    const control = src[s++]!;
    if (control < 32) {
      const n = control + 1;
      if (n > end - s || n > to - d) return false;
      for (let i = 0; i < n; i++) dst[d++] = src[s++]!;
      continue;
    }
    let n = (control >> 5) + 2;
    if (n === 9) {
      if (s >= end) return false;
      n += src[s++]!;
    }
    if (s >= end) return false;
    const back = (((control & 31) << 8) | src[s++]!) + 1;
    if (back > d - from || n > to - d) return false;
    for (let i = 0; i < n; i++, d++) dst[d] = dst[d - back]!;
  }
  return d === to;
}
