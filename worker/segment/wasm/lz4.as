// The LZ4 raw block codec in AssemblyScript; the same format and rules as ../lz4.ts, which the tests compare it
// with. The small form is wasm only. Part of kernel.as. Input lies at INPUT, output at OUTPUT.

import { INPUT, OUTPUT } from './layout';

const TABLE: i32 = 4096;
const HASH_BITS: i32 = 13;
const LITERAL_BELOW: i32 = 64;

// Copies 16 bytes a step; may write up to 15 bytes beyond n, which the slack holds.
// @ts-ignore: decorator
@inline
function copy(d: i32, s: i32, n: i32): void {
  for (let i = 0; i < n; i += 16) v128.store(d + i, v128.load(s + i));
}

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

// Where fastSequences stopped; a module has no other way to return two numbers.
let inputAt: i32 = 0;
let outputAt: i32 = 0;

// Does the sequences that neither end nor go wrong within the next bytes: one test stands for the checks of both ends. Stops
// before the first that it does not do, which decompress repeats with every check. Whole vectors are copied whatever the
// length: a branch on it would be guessed wrong too often.
function fastSequences(send: i32, dend: i32): void {
  let s = inputAt;
  let d = outputAt;
  // A sequence without further length bytes reads at most 17 + 16 bytes and writes at most 14 + 32.
  const slast = send - 64;
  const dlast = dend - 64;
  while (((slast - s) | (dlast - d)) >= 0) {
    const token = <i32>load<u8>(s);
    const literals = token >> 4;
    if (literals == 15) break;
    v128.store(d, v128.load(s, 1));
    const after = s + literals;
    const to = d + literals;
    const offset = <i32>load<u16>(after, 1);
    const from = to - offset;
    const low = token & 15;
    if (low != 15) {
      if (from < OUTPUT) break;
      if (offset >= 16) {
        v128.store(to, v128.load(from));
        store<u32>(to, load<u32>(from, 16), 16);
      } else if (offset >= 8) {
        store<u64>(to, load<u64>(from));
        store<u64>(to, load<u64>(from, 8), 8);
        store<u64>(to, load<u64>(from, 16), 16);
      } else {
        if (offset == 0) break;
        repeat(to, offset, 18);
      }
      s = after + 3;
      d = to + low + 4;
      continue;
    }
    const more = <i32>load<u8>(after, 3);
    const n = more + 19;
    if (more == 255 || n > dlast + 32 - to || offset == 0 || from < OUTPUT) break;
    if (offset >= 16) {
      v128.store(to, v128.load(from));
      v128.store(to, v128.load(from, 16), 16);
      if (n > 32) copy(to + 32, from + 32, n - 32);
    } else if (offset >= 8) {
      for (let i = 0; i < n; i += 8) store<u64>(to + i, load<u64>(from + i));
    } else {
      repeat(to, offset, n);
    }
    s = after + 4;
    d = to + n;
  }
  inputAt = s;
  outputAt = d;
}

// Unpacks the `length` bytes at `at`. Returns the bytes written at OUTPUT, or -1. Never reads beyond the 64 bytes behind the input.
export function decompress(at: i32, length: i32, limit: i32): i32 {
  const send = at + length;
  const dend = OUTPUT + limit;
  inputAt = at;
  outputAt = OUTPUT;
  while (inputAt < send) {
    fastSequences(send, dend);
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
    if (s == send) return d - OUTPUT;
    if (send - s < 2) return -1;
    const offset = <i32>load<u16>(s);
    s += 2;
    if (offset == 0 || offset > d - OUTPUT) return -1;
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
    const from = d - offset;
    if (offset >= 8) {
      store<u64>(d, load<u64>(from));
      store<u64>(d + 8, load<u64>(from + 8));
      if (n > 16) {
        if (offset >= 16) copy(d + 16, from + 16, n - 16);
        else for (let i = 16; i < n; i += 8) store<u64>(d + i, load<u64>(from + i));
      }
    } else {
      repeat(d, offset, n);
    }
    inputAt = s;
    outputAt = d + n;
  }
  return -1;
}

function sequence(anchor: i32, s: i32, offset: i32, n: i32, at: i32): i32 {
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

// ---- The small form: of all ways to write the block from the matches found, one that takes the fewest bytes.

const HEADS: i32 = 0x60000; // u16 each: 1 + the last position of a hash of 4 bytes
const LONG_HEADS: i32 = 0x80000; // the same of 12 bytes
const CHAIN: i32 = 0xa0000; // u16 a position: 1 + the position before with the same hash
const LONG_CHAIN: i32 = 0xc0000;
const LENGTHS: i32 = 0xe0000; // u16 a position: the longest match found, below 4 for none
const OFFSETS: i32 = 0x100000; // u16 a position
const COSTS: i32 = 0x120000; // i32 a position: bytes from here to the end on the best way
const RUNS: i32 = 0x170000; // u16 a position: literals the best way starts with
const STEPS: i32 = 0x190000; // u16 a position: length of the match taken, 0 for a literal
const BARS: i32 = 0x1c0000; // i32 each: where matches begin that are taken whole
const HEAD_BITS: i32 = 15;
const LONG: i32 = 12;
// Closer than this a copy waits for what was just written, and readers treat it apart: of matches equally long one that is as far
// is taken, but where the most is done about size, which gives Druid's very bytes.
const FAR: i32 = 16;
// Searches without a match of LONG after which the second hash is left out until one is found by the first.
const LONG_MISSES: i32 = 4096;

// Earlier places looked at for each byte, by the two hashes.
let tries: i32 = 0;
let longTries: i32 = 0;
// A match this long is not looked beyond; its later bytes are not even indexed.
let enough: i32 = 0;
let plenty: i32 = 0;
// One this long is taken without weighing.
let whole: i32 = 0;

function setEffort(isMost: bool): void {
  tries = isMost ? 96 : 8;
  longTries = isMost ? 32 : 3;
  enough = isMost ? 128 : 32;
  plenty = isMost ? 200 : 48;
  whole = isMost ? 4096 : 256;
}
// Bytes by which it is told what varies in a column of 8-byte numbers.
const SAMPLE: i32 = 4096;

// @ts-ignore: decorator
@inline
function matchLength(a: i32, b: i32, limit: i32): i32 {
  let n = 0;
  while (n + 8 <= limit) {
    const diff = load<u64>(a + n) ^ load<u64>(b + n);
    if (diff != 0) return n + <i32>(ctz(diff) >> 3);
    n += 8;
  }
  while (n < limit && load<u8>(a + n) == load<u8>(b + n)) n++;
  return n;
}

// Bit k says that matches are looked for at byte k of each 8-byte number: at those that vary, other than with the byte
// below as a sign does, and right behind them. The others find theirs by extending those to either side.
function searchedOf8(length: i32): i32 {
  let differences: u64 = 0;
  let turns: u64 = 0;
  const end = INPUT + min(length, SAMPLE) - 16;
  for (let at = INPUT; at <= end; at += 8) {
    const difference = load<u64>(at) ^ load<u64>(at + 8);
    differences |= difference;
    turns |= difference ^ (difference << 8);
  }
  let varying = 0;
  for (let k = 0; k < 64; k += 8) {
    if (((differences >> k) & 0xff) != 0 && ((turns >> k) & 0xff) != 0) varying |= 1 << (k >> 3);
  }
  return varying | (varying << 1) | (varying >> 7) | 1;
}

// Fills LENGTHS and OFFSETS; returns the number of BARS.
function findMatches(length: i32, width: i32, isMost: bool): i32 {
  memory.fill(HEADS, 0, 2 << HEAD_BITS);
  memory.fill(LONG_HEADS, 0, 2 << HEAD_BITS);
  memory.fill(LENGTHS, 0, 2 * length);
  const searched = width == 8 && !isMost ? searchedOf8(length) : 0xff;
  const far = isMost ? 0 : FAR;
  const last = length - 12;
  const end = length - 5;
  let previous = 0;
  let offset = 0;
  let bars = 0;
  let misses = 0;
  for (let p = 0; p <= last; p++) {
    const at = INPUT + p;
    let best = 3;
    if (previous > 4) best = previous - 1;
    else offset = 0;
    if (best >= whole) {
      store<i32>(BARS + (bars++ << 2), p - 1);
      p += best - 1;
      previous = 0;
      continue;
    }
    if (best <= plenty && ((searched >> (p & 7)) & 1) != 0) {
      const word = load<u32>(at);
      const head = HEADS + <i32>(((word * 0x9e3779b1) >> (32 - HEAD_BITS)) << 1);
      let candidate = <i32>load<u16>(head);
      store<u16>(head, <u16>(p + 1));
      store<u16>(CHAIN + (p << 1), <u16>candidate);
      let longCandidate = 0;
      if (misses++ < LONG_MISSES || isMost) {
        const mixed = load<u64>(at) * 0x9e3779b185ebca87 ^ <u64>load<u32>(at + 8) * 0xc2b2ae3d27d4eb4f;
        const longHead =
          LONG_HEADS + <i32>(((mixed * 0x9e3779b185ebca87) >> (64 - HEAD_BITS)) << 1);
        longCandidate = <i32>load<u16>(longHead);
        store<u16>(longHead, <u16>(p + 1));
        store<u16>(LONG_CHAIN + (p << 1), <u16>longCandidate);
      }
      if (best < enough) {
        const limit = end - p;
        let near = 0;
        for (let k = longTries; k > 0 && longCandidate != 0; k--) {
          const from = INPUT + longCandidate - 1;
          if (at - from < far) {
            near = from;
          } else if (load<u32>(from + best - 3) == load<u32>(at + best - 3)) {
            const n = matchLength(from, at, limit);
            if (n > best) {
              best = n;
              offset = at - from;
            }
          }
          longCandidate = <i32>load<u16>(LONG_CHAIN + ((longCandidate - 1) << 1));
        }
        if (best >= LONG && !isMost) candidate = 0;
        for (let k = tries; k > 0 && candidate != 0; k--) {
          const from = INPUT + candidate - 1;
          if (at - from < far) {
            near = from;
          } else if (load<u32>(from + best - 3) == load<u32>(at + best - 3) && load<u32>(from) == word) {
            const n = matchLength(from, at, limit);
            if (n > best) {
              best = n;
              offset = at - from;
            }
          }
          candidate = <i32>load<u16>(CHAIN + ((candidate - 1) << 1));
        }
        if (near != 0) {
          const n = matchLength(near, at, limit);
          if (n > best) {
            best = n;
            offset = at - near;
          }
        }
      }
      if (best >= LONG) misses = 0;
    }
    if (offset == 0) {
      previous = 0;
      continue;
    }
    store<u16>(LENGTHS + (p << 1), <u16>best);
    store<u16>(OFFSETS + (p << 1), <u16>offset);
    previous = best;
  }
  return bars;
}

// Fills COSTS, RUNS and STEPS from the end to the start. What a position costs never falls when one starts earlier, so of
// all lengths of a match only the longest can be best, or the longest that needs no extra byte.
function weigh(length: i32, bars: i32): void {
  store<i32>(COSTS + (length << 2), 0);
  store<u16>(RUNS + (length << 1), 0);
  let bar = bars - 1;
  let barStart = bar >= 0 ? load<i32>(BARS + (bar << 2)) : -1;
  let barEnd = bar >= 0 ? barStart + <i32>load<u16>(LENGTHS + (barStart << 1)) : -1;
  for (let p = length - 1; p >= 0; p--) {
    if (p + 1 == barEnd) {
      p = barStart;
      takeWhole(barStart, barEnd);
      bar--;
      barStart = bar >= 0 ? load<i32>(BARS + (bar << 2)) : -1;
      barEnd = bar >= 0 ? barStart + <i32>load<u16>(LENGTHS + (barStart << 1)) : -1;
      continue;
    }
    const run = <i32>load<u16>(RUNS + ((p + 1) << 1)) + 1;
    let cost = load<i32>(COSTS + ((p + 1) << 2)) + 1;
    if (run >= 15 && (run - 15) % 255 == 0) cost++;
    let step = 0;
    let n = <i32>load<u16>(LENGTHS + (p << 1));
    const next = p < length - 12 ? <i32>load<u16>(LENGTHS + ((p + 1) << 1)) : 0;
    if (next >= n && next >= 3) {
      const offset = <i32>load<u16>(OFFSETS + ((p + 1) << 1));
      if (p >= offset && load<u8>(INPUT + p) == load<u8>(INPUT + p - offset)) {
        n = next + 1;
        store<u16>(LENGTHS + (p << 1), <u16>n);
        store<u16>(OFFSETS + (p << 1), <u16>offset);
      }
    }
    if (n >= 4) {
      let taken = n;
      let matched = load<i32>(COSTS + ((p + n) << 2)) + 3;
      if (n >= 19) {
        matched += 1 + (n - 19) / 255;
        const short = load<i32>(COSTS + ((p + 18) << 2)) + 3;
        if (short < matched) {
          matched = short;
          taken = 18;
        }
      }
      if (matched <= cost) {
        cost = matched;
        step = taken;
      }
    }
    store<i32>(COSTS + (p << 2), cost);
    store<u16>(STEPS + (p << 1), <u16>step);
    store<u16>(RUNS + (p << 1), step == 0 ? <u16>run : 0);
  }
}

// A match taken whole. Matches from before it may end in its first bytes, up to `whole` and what extends them.
function takeWhole(start: i32, end: i32): void {
  const offset = load<u16>(OFFSETS + (start << 1));
  const cost = load<i32>(COSTS + (end << 2)) + 4;
  for (let q = min(start + whole + 1, end - 4); q >= start; q--) {
    const n = end - q;
    store<i32>(COSTS + (q << 2), cost + (n - 19) / 255);
    store<u16>(STEPS + (q << 1), <u16>n);
    store<u16>(OFFSETS + (q << 1), offset);
    store<u16>(RUNS + (q << 1), 0);
  }
}

// Returns the bytes written at OUTPUT. `width`: bytes of a value, a hint.
export function compressSmall(length: i32, width: i32, isMost: bool): i32 {
  if (length < 13) return sequence(INPUT, INPUT + length, 0, 0, OUTPUT) - OUTPUT;
  setEffort(isMost);
  weigh(length, findMatches(length, width, isMost));
  let d = OUTPUT;
  let anchor = 0;
  let p = 0;
  while (p < length) {
    const n = <i32>load<u16>(STEPS + (p << 1));
    if (n == 0) {
      p++;
      continue;
    }
    d = sequence(INPUT + anchor, INPUT + p, <i32>load<u16>(OFFSETS + (p << 1)), n, d);
    p += n;
    anchor = p;
  }
  return sequence(INPUT + anchor, INPUT + length, 0, 0, d) - OUTPUT;
}
