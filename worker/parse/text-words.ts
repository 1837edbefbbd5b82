// Four bytes of JSON text at a time: where a run of plain text ends, and whether bytes are UTF-8. Used by the cursor
// and by the row template.

/**
 * A mask whose lowest set bit marks the first quote, backslash or control character of a little-endian word; 0 when
 * there is none. The zero-byte trick: bits above the lowest may be wrong, because a borrow runs upwards.
 */
export function specialBytes(w: number): number {
  const q = w ^ 0x22222222;
  const s = w ^ 0x5c5c5c5c;
  return (((q - 0x01010101) & ~q) | ((s - 0x01010101) & ~s) | ((w - 0x20202020) & ~w)) & 0x80808080;
}

/** Bits in front of the first byte that {@link specialBytes} marked: 0, 8, 16 or 24. */
export function firstByteShift(special: number): number {
  return (31 - Math.clz32(special & -special)) & 24;
}

/** Well-formed UTF-8 (no overlong forms, no surrogates, at most U+10FFFF). */
export function isUtf8(b: Uint8Array, start: number, end: number): boolean {
  let p = start;
  while (p < end) {
    const c = b[p] as number;
    if (c < 0x80) {
      p++;
      // Most of the text around other letters is ASCII.
      while (
        p + 4 <= end &&
        (((b[p] as number) | (b[p + 1] as number) | (b[p + 2] as number) | (b[p + 3] as number)) &
          0x80) ===
          0
      )
        p += 4;
      continue;
    }
    const length =
      c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xf0 && c < 0xf5 ? 4 : 0;
    if (length === 0 || p + length > end) return false;
    const second = b[p + 1] as number;
    const low = c === 0xe0 ? 0xa0 : c === 0xf0 ? 0x90 : 0x80;
    const high = c === 0xed ? 0x9f : c === 0xf4 ? 0x8f : 0xbf;
    if (second < low || second > high) return false;
    for (let i = 2; i < length; i++) if (((b[p + i] as number) & 0xc0) !== 0x80) return false;
    p += length;
  }
  return true;
}
