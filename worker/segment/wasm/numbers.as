// Numbers of a block where it was unpacked, or put at INPUT. Part of kernel.as.

import { INPUT, OUTPUT, SLOTS, SUMS } from './layout';

// Cuts the `count` longs at `at` to 32 bits, at INPUT. Returns 1 when all of them fit.
export function narrow(at: i32, count: i32): i32 {
  let rest = i32x4.splat(0);
  let out = INPUT;
  const end = at + (count << 3);
  // Up to three longs beyond the last are cut as well; what they hold does not count.
  for (let p = at; p < end; p += 32, out += 16) {
    if (end - p < 32) memory.fill(end, 0, 32 - (end - p));
    const a = v128.load(p);
    const b = v128.load(p, 16);
    const low = v128.shuffle<i32>(a, b, 0, 2, 4, 6);
    const high = v128.shuffle<i32>(a, b, 1, 3, 5, 7);
    v128.store(out, low);
    rest = v128.or(rest, v128.xor(high, i32x4.shr_s(low, 31)));
  }
  return v128.any_true(rest) ? 0 : 1;
}

// The sum, wrapping in 64 bits, of the `count` longs at `at`.
export function sum(at: i32, count: i32): i64 {
  let a = i64x2.splat(0);
  let b = i64x2.splat(0);
  const end = at + (count << 3);
  // Up to seven longs beyond the last are added as well.
  memory.fill(end, 0, 56);
  for (let p = at; p < end; p += 64) {
    a = i64x2.add(a, i64x2.add(v128.load(p), v128.load(p, 16)));
    b = i64x2.add(b, i64x2.add(v128.load(p, 32), v128.load(p, 48)));
  }
  a = i64x2.add(a, b);
  return i64x2.extract_lane(a, 0) + i64x2.extract_lane(a, 1);
}

// The greatest of the `length` bytes at OUTPUT, which are numbers of one byte.
export function greatestOf8(length: i32): i32 {
  const end = OUTPUT + length;
  memory.fill(end, 0, 16);
  let most = i8x16.splat(0);
  for (let p = OUTPUT; p < end; p += 16) most = i8x16.max_u(most, v128.load(p));
  most = i8x16.max_u(most, v128.shuffle<u64>(most, most, 1, 0));
  let greatest = 0;
  for (let rest = i64x2.extract_lane(most, 0); rest != 0; rest = <i64>(<u64>rest >> 8)) greatest = max(greatest, <i32>(rest & 0xff));
  return greatest;
}

// The same of numbers of two bytes.
export function greatestOf16(length: i32): i32 {
  const end = OUTPUT + length;
  memory.fill(end, 0, 16);
  let most = i16x8.splat(0);
  for (let p = OUTPUT; p < end; p += 16) most = i16x8.max_u(most, v128.load(p));
  most = i16x8.max_u(most, v128.shuffle<u64>(most, most, 1, 0));
  let greatest = 0;
  for (let rest = i64x2.extract_lane(most, 0); rest != 0; rest = <i64>(<u64>rest >> 16)) greatest = max(greatest, <i32>(rest & 0xffff));
  return greatest;
}

// Row k, four lanes: all bits of those that are set in k.
const LANES: usize = memory.data<i64>([
  0, 0, 0, 0,
  -1, 0, 0, 0,
  0, -1, 0, 0,
  -1, -1, 0, 0,
  0, 0, -1, 0,
  -1, 0, -1, 0,
  0, -1, -1, 0,
  -1, -1, -1, 0,
  0, 0, 0, -1,
  -1, 0, 0, -1,
  0, -1, 0, -1,
  -1, -1, 0, -1,
  0, 0, -1, -1,
  -1, 0, -1, -1,
  0, -1, -1, -1,
  -1, -1, -1, -1,
]);

// The sum, wrapping in 64 bits, of the longs at `at` whose bit is set in the `words` words at SLOTS.
export function sumMasked(at: i32, words: i32): i64 {
  let a = i64x2.splat(0);
  let b = i64x2.splat(0);
  const end = SLOTS + (words << 2);
  let longs = at;
  for (let p = SLOTS; p < end; p += 4, longs += 256) {
    let word = load<u32>(p);
    for (let from = longs; word != 0; word >>= 4, from += 32) {
      const lanes = LANES + ((word & 15) << 5);
      a = i64x2.add(a, v128.and(v128.load(from), v128.load(lanes)));
      b = i64x2.add(b, v128.and(v128.load(from, 16), v128.load(lanes, 16)));
    }
  }
  a = i64x2.add(a, b);
  return i64x2.extract_lane(a, 0) + i64x2.extract_lane(a, 1);
}

// 1 when none of the `count` longs at `at` is below -2^power or at or above 2^power.
export function areLongsWithin(at: i32, count: i32, power: i32): i32 {
  const end = at + (count << 3);
  // Up to seven longs beyond the last are looked at as well.
  memory.fill(end, 0, 56);
  const bound = i64x2.splat(<i64>1 << power);
  let a = i64x2.splat(0);
  let b = i64x2.splat(0);
  for (let p = at; p < end; p += 64) {
    a = v128.or(a, i64x2.add(v128.load(p), bound));
    b = v128.or(b, i64x2.add(v128.load(p, 16), bound));
    a = v128.or(a, i64x2.add(v128.load(p, 32), bound));
    b = v128.or(b, i64x2.add(v128.load(p, 48), bound));
  }
  a = i64x2.shr_u(v128.or(a, b), power + 1);
  return v128.any_true(a) ? 0 : 1;
}

// The same of the ints at INPUT, for a power below 31.
export function areIntsWithin(count: i32, power: i32): i32 {
  const end = INPUT + (count << 2);
  memory.fill(end, 0, 16);
  const bound = i32x4.splat(1 << power);
  let bits = i32x4.splat(0);
  for (let p = INPUT; p < end; p += 16) bits = v128.or(bits, i32x4.add(v128.load(p), bound));
  return v128.any_true(i32x4.shr_u(bits, power + 1)) ? 0 : 1;
}

// What each value adds besides itself to its sum: so the sum tells how many values it has, and 0 that it has none.
const ONE: i64 = 1 << 38;

// @ts-ignore: decorator
@inline
function add(slot: i32, value: i64): void {
  const at = SUMS + (slot << 3);
  store<i64>(at, load<i64>(at) + value + ONE);
}

// Adds long i at `longs` to the sum of slot i at SLOTS, for `count` longs.
export function addLongs(longs: i32, count: i32): void {
  let from = longs;
  let at = SLOTS;
  const fours = SLOTS + ((count & ~3) << 2);
  for (; at < fours; at += 16, from += 32) {
    add(load<i32>(at), load<i64>(from));
    add(load<i32>(at, 4), load<i64>(from, 8));
    add(load<i32>(at, 8), load<i64>(from, 16));
    add(load<i32>(at, 12), load<i64>(from, 24));
  }
  for (const end = SLOTS + (count << 2); at < end; at += 4, from += 8) add(load<i32>(at), load<i64>(from));
}

// The same of ints at INPUT.
export function addInts(count: i32): void {
  let from = INPUT;
  let at = SLOTS;
  const fours = SLOTS + ((count & ~3) << 2);
  for (; at < fours; at += 16, from += 16) {
    add(load<i32>(at), <i64>load<i32>(from));
    add(load<i32>(at, 4), <i64>load<i32>(from, 4));
    add(load<i32>(at, 8), <i64>load<i32>(from, 8));
    add(load<i32>(at, 12), <i64>load<i32>(from, 12));
  }
  for (const end = SLOTS + (count << 2); at < end; at += 4, from += 4) add(load<i32>(at), <i64>load<i32>(from));
}
