// The LZ4 raw block format, unpacked; the same rules as ../lz4.ts, which the tests compare it with. Part of kernel.as. Output lies at
// OUTPUT, of a second block at OUTPUT_2.

import { copy } from './lz4-pack';
import { OUTPUT, OUTPUT_2 } from './layout';

// Row k: the places of bytes 0 to 15 of a run that repeats its first k bytes; row 0 is not used.
const REPEATS: usize = memory.data<u8>([
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1,
  0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0,
  0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3,
  0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0,
  0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5, 0, 1, 2, 3,
  0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4, 5, 6, 0, 1,
]);

// Repeats the `offset` < 8 bytes before d; may write up to 15 bytes beyond n, which the slack holds.
// @ts-ignore: decorator
@inline
function repeat(d: i32, offset: i32, n: i32): void {
  const run = v128.swizzle(v128.load(d - offset), v128.load(REPEATS + (offset << 4)));
  // Whole repeats only, so that every step starts with the first byte.
  const step = 16 - (16 % offset);
  for (let i = 0; i < n; i += step) v128.store(d + i, run);
}

// Where a fast loop stopped; a module has no other way to return several numbers.
let inputAt: i32 = 0;
let outputAt: i32 = 0;
let inputAt2: i32 = 0;
let outputAt2: i32 = 0;

// Copies the `n` bytes that lie `offset` before `to`; may write up to 28 bytes beyond, which the slack holds.
// @ts-ignore: decorator
@inline
function copyMatch(to: i32, offset: i32, n: i32): void {
  const from = to - offset;
  if (offset >= 16) {
    v128.store(to, v128.load(from));
    v128.store(to, v128.load(from, 16), 16);
    if (n > 32) copy(to + 32, from + 32, n - 32);
  } else if (offset >= 8) {
    for (let i = 0; i < n; i += 8) store<u64>(to + i, load<u64>(from + i));
  } else {
    repeat(to, offset, n);
  }
}

// A sequence without further length bytes reads at most 17 + 16 bytes and writes at most 14 + 32; one with a single such byte writes
// at most 14 + 273 + 28. A fast loop ends where less than this is left.
const READ_MARGIN: i32 = 64;
const WRITE_MARGIN: i32 = 320;

// Does the sequences that neither end nor go wrong within the margins: one test stands for the checks of both ends. Stops before the
// first that it does not do, which finish repeats with every check. Whole vectors are copied whatever the length: a branch on
// it would be guessed wrong too often.
function fastSequences(send: i32, out: i32, dend: i32): void {
  let s = inputAt;
  let d = outputAt;
  const slast = send - READ_MARGIN;
  const dlast = dend - WRITE_MARGIN;
  while (((slast - s) | (dlast - d)) >= 0) {
    const token = <i32>load<u8>(s);
    const literals = token >> 4;
    if (literals == 15) break;
    v128.store(d, v128.load(s, 1));
    const after = s + literals;
    const to = d + literals;
    const offset = <i32>load<u16>(after, 1);
    const from = to - offset;
    if (from < out) break;
    let n = (token & 15) + 4;
    let next = after + 3;
    if (n == 19) {
      const more = <i32>load<u8>(after, 3);
      if (more == 255 || offset == 0) break;
      n += more;
      next++;
      copyMatch(to, offset, n);
    } else if (offset >= 16) {
      v128.store(to, v128.load(from));
      store<u32>(to, load<u32>(from, 16), 16);
    } else {
      if (offset == 0) break;
      copyMatch(to, offset, 18);
    }
    s = next;
    d = to + n;
  }
  inputAt = s;
  outputAt = d;
}

// The same of two blocks by turns: a sequence waits for the one before it, but not for one of the other block. Stops before the first
// of either that it does not do.
function fastPairs(send: i32, dend: i32, send2: i32, dend2: i32): void {
  let s = inputAt;
  let d = outputAt;
  let s2 = inputAt2;
  let d2 = outputAt2;
  const slast = send - READ_MARGIN;
  const dlast = dend - WRITE_MARGIN;
  const slast2 = send2 - READ_MARGIN;
  const dlast2 = dend2 - WRITE_MARGIN;
  while (((slast - s) | (dlast - d) | (slast2 - s2) | (dlast2 - d2)) >= 0) {
    const token = <i32>load<u8>(s);
    const literals = token >> 4;
    if (literals == 15) break;
    const token2 = <i32>load<u8>(s2);
    const literals2 = token2 >> 4;
    if (literals2 == 15) break;
    v128.store(d, v128.load(s, 1));
    v128.store(d2, v128.load(s2, 1));
    const after = s + literals;
    const to = d + literals;
    const offset = <i32>load<u16>(after, 1);
    const from = to - offset;
    if (from < OUTPUT) break;
    const after2 = s2 + literals2;
    const to2 = d2 + literals2;
    const offset2 = <i32>load<u16>(after2, 1);
    const from2 = to2 - offset2;
    if (from2 < OUTPUT_2) break;
    let n = (token & 15) + 4;
    let next = after + 3;
    // Right for most, and done again for the others.
    v128.store(to, v128.load(from));
    store<u32>(to, load<u32>(from, 16), 16);
    if (n == 19) {
      const more = <i32>load<u8>(after, 3);
      if (more == 255 || offset == 0) break;
      n += more;
      next++;
      copyMatch(to, offset, n);
    } else if (offset < 16) {
      if (offset == 0) break;
      copyMatch(to, offset, 18);
    }
    let n2 = (token2 & 15) + 4;
    let next2 = after2 + 3;
    v128.store(to2, v128.load(from2));
    store<u32>(to2, load<u32>(from2, 16), 16);
    if (n2 == 19) {
      const more = <i32>load<u8>(after2, 3);
      if (more == 255 || offset2 == 0) break;
      n2 += more;
      next2++;
      copyMatch(to2, offset2, n2);
    } else if (offset2 < 16) {
      if (offset2 == 0) break;
      copyMatch(to2, offset2, 18);
    }
    s = next;
    d = to + n;
    s2 = next2;
    d2 = to2 + n2;
  }
  inputAt = s;
  outputAt = d;
  inputAt2 = s2;
  outputAt2 = d2;
}

// Unpacks the `length` bytes at `at`. Returns the bytes written at OUTPUT, or -1. Never reads beyond the 64 bytes behind the input.
export function decompress(at: i32, length: i32, limit: i32): i32 {
  inputAt = at;
  outputAt = OUTPUT;
  return finish(at + length, OUTPUT, OUTPUT + limit);
}

// Unpacks the `length` bytes at `at` and the `length2` at `at2` to exactly `limit` and `limit2` bytes at OUTPUT and OUTPUT_2. Returns 1
// when both come to that.
export function decompressPair(
  at: i32,
  length: i32,
  limit: i32,
  at2: i32,
  length2: i32,
  limit2: i32,
): i32 {
  inputAt = at;
  outputAt = OUTPUT;
  inputAt2 = at2;
  outputAt2 = OUTPUT_2;
  fastPairs(at + length, OUTPUT + limit, at2 + length2, OUTPUT_2 + limit2);
  if (finish(at + length, OUTPUT, OUTPUT + limit) != limit) return 0;
  inputAt = inputAt2;
  outputAt = outputAt2;
  return finish(at2 + length2, OUTPUT_2, OUTPUT_2 + limit2) == limit2 ? 1 : 0;
}

// Goes on from where a fast loop stopped, to the end. Returns the bytes written at `out`, or -1.
function finish(send: i32, out: i32, dend: i32): i32 {
  while (inputAt < send) {
    fastSequences(send, out, dend);
    let s = inputAt;
    let d = outputAt;
    const token = <i32>load<u8>(s++);
    let literals = token >> 4;
    if (literals == 15) {
      let more = 255;
      while (more == 255) {
        if (s >= send) return -1;
        more = <i32>load<u8>(s++);
        literals += more;
      }
    }
    if (literals > send - s || literals > dend - d) return -1;
    v128.store(d, v128.load(s));
    if (literals > 16) copy(d + 16, s + 16, literals - 16);
    s += literals;
    d += literals;
    if (s == send) return d - out;
    if (send - s < 2) return -1;
    const offset = <i32>load<u16>(s);
    s += 2;
    if (offset == 0 || offset > d - out) return -1;
    let n = (token & 15) + 4;
    if (n == 19) {
      let more = 255;
      while (more == 255) {
        if (s >= send) return -1;
        more = <i32>load<u8>(s++);
        n += more;
      }
    }
    if (n > dend - d) return -1;
    copyMatch(d, offset, n);
    inputAt = s;
    outputAt = d + n;
  }
  return -1;
}
