// The LZ4 raw block format, packed fast; the same bytes as ../lz4.ts, which the tests compare it with. Part of kernel.as. Input lies at
// INPUT, output at OUTPUT.

import { INPUT, OUTPUT } from './layout';

const TABLE: i32 = 4096;
const HASH_BITS: i32 = 13;
const LITERAL_BELOW: i32 = 64;

// Copies 16 bytes a step; may write up to 15 bytes beyond n, which the slack holds.
// @ts-ignore: decorator
@inline
export function copy(d: i32, s: i32, n: i32): void {
  for (let i = 0; i < n; i += 16) v128.store(d + i, v128.load(s + i));
}

// Writes the literals from `anchor` to `s` and a match, none for n = 0, at `at`. Returns where they end.
export function sequence(anchor: i32, s: i32, offset: i32, n: i32, at: i32): i32 {
  let d = at;
  const literals = s - anchor;
  const extra = n - 4;
  const low = n == 0 ? 0 : min(15, extra);
  store<u8>(d++, (min(15, literals) << 4) | low);
  if (literals >= 15) d = rest(literals - 15, d);
  copy(d, anchor, literals);
  d += literals;
  if (n == 0) return d;
  store<u16>(d, <u16>offset);
  d += 2;
  return extra >= 15 ? rest(extra - 15, d) : d;
}

function rest(value: i32, at: i32): i32 {
  let d = at;
  let left = value;
  for (; left >= 255; left -= 255) store<u8>(d++, 255);
  store<u8>(d++, <u8>left);
  return d;
}

// Returns the bytes written at OUTPUT. Identical to lz4Compress of ../lz4.ts, byte for byte.
export function compress(length: i32): i32 {
  const end = INPUT + length;
  if (length < LITERAL_BELOW) return sequence(INPUT, end, 0, 0, OUTPUT) - OUTPUT;
  memory.fill(TABLE, 0, 4 << HASH_BITS);
  let anchor = INPUT;
  let d = OUTPUT;
  let s = INPUT + 1;
  let misses = 0;
  while (s <= end - 12) {
    const word = load<u32>(s);
    const slot = TABLE + <i32>(((word * 0x9e3779b1) >> (32 - HASH_BITS)) << 2);
    const candidate = INPUT + load<i32>(slot);
    store<i32>(slot, s - INPUT);
    if (s - candidate > 0xffff || load<u32>(candidate) != word) {
      s += 1 + (misses++ >> 6);
      continue;
    }
    misses = 0;
    let n = 4;
    const longest = end - 5 - s;
    while (n + 8 <= longest) {
      const diff = load<u64>(candidate + n) ^ load<u64>(s + n);
      if (diff != 0) {
        n += <i32>(ctz(diff) >> 3);
        break;
      }
      n += 8;
    }
    if (n + 8 > longest) while (n < longest && load<u8>(candidate + n) == load<u8>(s + n)) n++;
    d = sequence(anchor, s, s - candidate, n, d);
    s += n;
    anchor = s;
  }
  return sequence(anchor, end, 0, 0, d) - OUTPUT;
}
