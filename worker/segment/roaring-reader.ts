// Roaring bitmaps in the portable form: containers are OR-ed into a bit set of rows or counted, straight from
// the stored bytes. Every length and row is checked. Source: druid-segment-format.md 2.2.4.
//
//   bitmap = u32 303a, u32 k, heads, offsets, containers                 all little-endian
//          | u16 303b, u16 k-1, run flags (k bits), heads, [offsets if k >= 4], containers
//   head   = u16 high half of the rows, u16 cardinality - 1
//   container = cardinality <= 4096: u16 low halves | 8192 bytes of bits | run: u16 runs, (u16 start, u16 length-1)*

import type { Place } from './place.ts';

/** A bitmap codec: what a column needs of a stored bitmap. */
export interface BitmapReader {
  /** Sets the bits of the rows in `words`. @throws Failure `corrupt` for a row at or beyond `rows` */
  or(bytes: Uint8Array, words: Int32Array, rows: number, place: Place, offset: number): void;
  /** Number of rows. */
  count(bytes: Uint8Array, place: Place, offset: number): number;
}

const COOKIE = 0x303a;
const COOKIE_RUNS = 0x303b;
const ARRAY_MAX = 4096;
const BITS_BYTES = 8192;
const NO_OFFSETS_BELOW = 4;

interface Heads {
  readonly view: DataView;
  readonly containers: number;
  /** Where the heads start. */
  readonly at: number;
  /** Where the run flags start, or 0. */
  readonly runFlagsAt: number;
  /** Where the first container starts. */
  readonly body: number;
}

function readHeads(bytes: Uint8Array, place: Place, offset: number): Heads {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length === 0) return { view, containers: 0, at: 0, runFlagsAt: 0, body: 0 };
  if (bytes.length < 8) throw place.corrupt(offset, `a roaring bitmap of ${bytes.length} bytes`);
  const cookie = view.getUint16(0, true);
  const hasRuns = cookie === COOKIE_RUNS;
  if (!hasRuns && view.getUint32(0, true) !== COOKIE) {
    throw place.corrupt(offset, `no roaring bitmap starts with ${cookie.toString(16)}`);
  }
  const containers = hasRuns ? view.getUint16(2, true) + 1 : view.getUint32(4, true);
  const at = hasRuns ? 4 + Math.ceil(containers / 8) : 8;
  const hasOffsets = !hasRuns || containers >= NO_OFFSETS_BELOW;
  const body = at + (hasOffsets ? 8 : 4) * containers;
  if (containers > 65_536 || body > bytes.length) {
    throw place.corrupt(
      offset,
      `a roaring bitmap of ${bytes.length} bytes claims ${containers} containers`,
    );
  }
  return { view, containers, at, runFlagsAt: hasRuns ? 4 : 0, body };
}

/** The roaring codec. */
export const roaringReader: BitmapReader = {
  or(bytes, words, rows, place, offset) {
    const { view, containers, at, runFlagsAt, body } = readHeads(bytes, place, offset);
    let p = body;
    for (let i = 0; i < containers; i++) {
      const base = view.getUint16(at + 4 * i, true) * 65_536;
      const cardinality = view.getUint16(at + 4 * i + 2, true) + 1;
      const isRun = runFlagsAt > 0 && ((view.getUint8(runFlagsAt + (i >> 3)) >> (i & 7)) & 1) === 1;
      const size = containerBytes(view, p, cardinality, isRun);
      if (size > bytes.length - p) throw place.corrupt(offset + p, `container ${i} is cut short`);
      const limit = rows - base;
      const isValid = isRun
        ? orRuns(view, p, base, limit, words)
        : cardinality > ARRAY_MAX
          ? orBits(view, p, base, limit, words)
          : orArray(view, p, cardinality, base, limit, words);
      if (!isValid) throw place.corrupt(offset + p, `container ${i} has rows beyond ${rows}`);
      p += size;
    }
  },
  count(bytes, place, offset) {
    const { view, containers, at } = readHeads(bytes, place, offset);
    let count = 0;
    for (let i = 0; i < containers; i++) count += view.getUint16(at + 4 * i + 2, true) + 1;
    return count;
  },
};

function containerBytes(view: DataView, p: number, cardinality: number, isRun: boolean): number {
  if (isRun) return p + 2 > view.byteLength ? 2 : 2 + 4 * view.getUint16(p, true);
  return cardinality > ARRAY_MAX ? BITS_BYTES : 2 * cardinality;
}

/** A container, copied so that its numbers are aligned. */
const container = new Uint8Array(BITS_BYTES);
const lows = new Uint16Array(container.buffer);
const bits = new Int32Array(container.buffer);

function takeContainer(view: DataView, p: number, size: number): void {
  container.set(new Uint8Array(view.buffer, view.byteOffset + p, size));
}

function orArray(
  view: DataView,
  p: number,
  cardinality: number,
  base: number,
  limit: number,
  words: Int32Array,
): boolean {
  takeContainer(view, p, 2 * cardinality);
  const first = base >>> 5;
  let greatest = 0;
  for (let k = 0; k < cardinality; k++) {
    const low = lows[k]!;
    if (low > greatest) greatest = low;
    // Beyond the end nothing is written, and the answer is no.
    words[first + (low >>> 5)]! |= 1 << (low & 31);
  }
  return greatest < limit;
}

function orBits(
  view: DataView,
  p: number,
  base: number,
  limit: number,
  words: Int32Array,
): boolean {
  takeContainer(view, p, BITS_BYTES);
  const first = base >>> 5;
  const whole = Math.max(0, Math.min(BITS_BYTES / 4, limit >> 5));
  for (let k = 0; k < whole; k++) words[first + k]! |= bits[k]!;
  for (let k = whole; k < BITS_BYTES / 4; k++) {
    const word = bits[k]!;
    if (word === 0) continue;
    if (32 * k + 31 - Math.clz32(word) >= limit) return false;
    words[first + k]! |= word;
  }
  return true;
}

function orRuns(
  view: DataView,
  p: number,
  base: number,
  limit: number,
  words: Int32Array,
): boolean {
  const runs = view.getUint16(p, true);
  for (let k = 0; k < runs; k++) {
    const start = view.getUint16(p + 2 + 4 * k, true);
    const last = start + view.getUint16(p + 4 + 4 * k, true);
    if (last >= limit || last > 65_535) return false;
    setRange(words, base + start, base + last);
  }
  return true;
}

/** Sets bits `first .. last`. */
export function setRange(words: Int32Array, first: number, last: number): void {
  const from = first >>> 5;
  const to = last >>> 5;
  const head = -1 << (first & 31);
  const tail = -1 >>> (31 - (last & 31));
  if (from === to) {
    words[from]! |= head & tail;
    return;
  }
  words[from]! |= head;
  words.fill(-1, from + 1, to);
  words[to]! |= tail;
}
