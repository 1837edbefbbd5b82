// The LZ4 raw block format, packed small: of all ways to write the block from the matches found, one that takes the fewest bytes. Part
// of kernel.as. Input lies at INPUT, output at OUTPUT.

import { sequence } from './lz4-pack';
import { INPUT, OUTPUT } from './layout';

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
