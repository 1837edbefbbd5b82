// MurmurHash3 x64 128-bit on 32-bit halves: what hyperUnique and cardinality (seed 0) and the DataSketches (seed
// 9001) hash values with. Source: druid-segment-format.md 6.3.

/** The two 64-bit words of a hash, low and high halves. */
export interface Hash128 {
  h1Low: number;
  h1High: number;
  h2Low: number;
  h2High: number;
}

/** Bytes hashed last and a view of them: values of one buffer follow each other. */
let lastBytes: Uint8Array = new Uint8Array(0);
let lastView: DataView = new DataView(lastBytes.buffer);

/** Hashes `bytes[start .. start+length-1]` into `out`; `seed` is a whole number below 2^31. */
export function murmur3(
  bytes: Uint8Array,
  length: number,
  out: Hash128,
  seed = 0,
  start = 0,
): void {
  state.low1 = seed;
  state.high1 = 0;
  state.low2 = seed;
  state.high2 = 0;
  if (bytes !== lastBytes) {
    lastBytes = bytes;
    lastView = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  const view = lastView;
  const blocks = length >>> 4;
  for (let i = 0; i < blocks; i++) {
    const at = start + i * 16;
    mix1(state, view.getUint32(at, true), view.getUint32(at + 4, true));
    rotate(state, 1, 27);
    add(state, 1, state.low2, state.high2);
    multiply5(state, 1, 0x52dce729);
    mix2(state, view.getUint32(at + 8, true), view.getUint32(at + 12, true));
    rotate(state, 2, 31);
    add(state, 2, state.low1, state.high1);
    multiply5(state, 2, 0x38495ab5);
  }
  tail(bytes, start + blocks * 16, start + length, state);
  finalize(state, length);
  out.h1Low = state.low1;
  out.h1High = state.high1;
  out.h2Low = state.low2;
  out.h2High = state.high2;
}

interface State {
  low1: number;
  high1: number;
  low2: number;
  high2: number;
}

/** One hash at a time is computed. */
const state: State = { low1: 0, high1: 0, low2: 0, high2: 0 };

/** Result of the last 64-bit step; a pair returned as an object would be garbage a value. */
let low = 0;
let high = 0;

function multiply(aLow: number, aHigh: number, bLow: number, bHigh: number): void {
  const a0 = aLow & 0xffff;
  const a1 = aLow >>> 16;
  const b0 = bLow & 0xffff;
  const b1 = bLow >>> 16;
  const p00 = a0 * b0;
  const p01 = a0 * b1;
  const p10 = a1 * b0;
  const middle = (p00 >>> 16) + (p01 & 0xffff) + (p10 & 0xffff);
  const carry = a1 * b1 + (p01 >>> 16) + (p10 >>> 16) + (middle >>> 16);
  low = (p00 & 0xffff) | (middle << 16);
  high = (carry + Math.imul(aLow, bHigh) + Math.imul(aHigh, bLow)) | 0;
}

function rotateLeft(aLow: number, aHigh: number, bits: number): void {
  if (bits === 32) {
    low = aHigh;
    high = aLow;
  } else if (bits < 32) {
    low = (aLow << bits) | (aHigh >>> (32 - bits));
    high = (aHigh << bits) | (aLow >>> (32 - bits));
  } else {
    const rest = bits - 32;
    low = (aHigh << rest) | (aLow >>> (32 - rest));
    high = (aLow << rest) | (aHigh >>> (32 - rest));
  }
}

function add64(aLow: number, aHigh: number, bLow: number, bHigh: number): void {
  const sum = (aLow >>> 0) + (bLow >>> 0);
  low = sum | 0;
  high = (aHigh + bHigh + (sum > 0xffffffff ? 1 : 0)) | 0;
}

const C1_LOW = 0x114253d5;
const C1_HIGH = 0x87c37b91 | 0;
const C2_LOW = 0x2745937f;
const C2_HIGH = 0x4cf5ad43;

function mix1(state: State, kLow: number, kHigh: number): void {
  multiply(kLow, kHigh, C1_LOW, C1_HIGH);
  rotateLeft(low, high, 31);
  multiply(low, high, C2_LOW, C2_HIGH);
  state.low1 ^= low;
  state.high1 ^= high;
}

function mix2(state: State, kLow: number, kHigh: number): void {
  multiply(kLow, kHigh, C2_LOW, C2_HIGH);
  rotateLeft(low, high, 33);
  multiply(low, high, C1_LOW, C1_HIGH);
  state.low2 ^= low;
  state.high2 ^= high;
}

function store(state: State, half: 1 | 2): void {
  if (half === 1) {
    state.low1 = low;
    state.high1 = high;
  } else {
    state.low2 = low;
    state.high2 = high;
  }
}

function rotate(state: State, half: 1 | 2, bits: number): void {
  if (half === 1) rotateLeft(state.low1, state.high1, bits);
  else rotateLeft(state.low2, state.high2, bits);
  store(state, half);
}

function add(state: State, half: 1 | 2, bLow: number, bHigh: number): void {
  if (half === 1) add64(state.low1, state.high1, bLow, bHigh);
  else add64(state.low2, state.high2, bLow, bHigh);
  store(state, half);
}

function multiply5(state: State, half: 1 | 2, constant: number): void {
  if (half === 1) multiply(state.low1, state.high1, 5, 0);
  else multiply(state.low2, state.high2, 5, 0);
  add64(low, high, constant, 0);
  store(state, half);
}

/** The last, unfilled block: bytes `from .. end-1`. */
function tail(bytes: Uint8Array, from: number, end: number, state: State): void {
  if (end - from > 8) mix2(state, word(bytes, from + 8, end), word(bytes, from + 12, end));
  if (end > from) mix1(state, word(bytes, from, end), word(bytes, from + 4, end));
}

/** Up to four bytes, low first; none beyond the end. */
function word(bytes: Uint8Array, at: number, end: number): number {
  let value = 0;
  for (let i = 0; i < 4 && at + i < end; i++) value |= bytes[at + i]! << (i * 8);
  return value;
}

function avalanche(state: State, half: 1 | 2): void {
  const shiftXor = (): void => {
    // k ^= k >>> 33
    low ^= high >>> 1;
  };
  low = half === 1 ? state.low1 : state.low2;
  high = half === 1 ? state.high1 : state.high2;
  shiftXor();
  multiply(low, high, 0xed558ccd | 0, 0xff51afd7 | 0);
  shiftXor();
  multiply(low, high, 0x1a85ec53, 0xc4ceb9fe | 0);
  shiftXor();
  store(state, half);
}

function finalize(state: State, length: number): void {
  state.low1 ^= length;
  state.low2 ^= length;
  add(state, 1, state.low2, state.high2);
  add(state, 2, state.low1, state.high1);
  avalanche(state, 1);
  avalanche(state, 2);
  add(state, 1, state.low2, state.high2);
  add(state, 2, state.low1, state.high1);
}
