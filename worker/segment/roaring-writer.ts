// Writes roaring bitmaps in the portable form from ascending rows, choosing containers as Druid does. One row
// and a few rows of one container are by far the most frequent and have a short way.
// Source: druid-segment-format.md 2.2.4, 8.2; the grammar stands in roaring-reader.ts.

const COOKIE = 0x303a;
const COOKIE_RUNS = 0x303b;
const ARRAY_MAX = 4096;
const BITS_BYTES = 8192;
const NO_OFFSETS_BELOW = 4;

/** What {@link split} found of each container: first row, end (indexes of `rows`), runs or 0 for no run container, bytes. */
let found = new Int32Array(4 * 64);
const FOUND_INTS = 4;

let scratch = Buffer.alloc(1 << 16);

/**
 * The bytes of the bitmap of `rows[from..to)`: ascending, distinct, at least one.
 *
 * @returns valid until the next call
 */
export function roaringBytes(rows: Int32Array, from: number, to: number): Uint8Array {
  if (to - from === 1) return singleton(rows[from]!);
  const k = split(rows, from, to);
  let [hasRuns, bodyBytes] = [false, 0];
  for (let i = 0; i < k; i++) {
    hasRuns ||= found[i * FOUND_INTS + 2] !== 0;
    bodyBytes += found[i * FOUND_INTS + 3]!;
  }
  const hasOffsets = !hasRuns || k >= NO_OFFSETS_BELOW;
  const headsAt = hasRuns ? 4 + Math.ceil(k / 8) : 8;
  const body = headsAt + (hasOffsets ? 8 : 4) * k;
  const length = body + bodyBytes;
  if (scratch.length < length) scratch = Buffer.alloc(2 * length);
  const out = scratch;
  if (hasRuns) {
    out.writeUInt16LE(COOKIE_RUNS, 0);
    out.writeUInt16LE(k - 1, 2);
    out.fill(0, 4, headsAt);
  } else {
    out.writeUInt32LE(COOKIE, 0);
    out.writeUInt32LE(k, 4);
  }
  let p = body;
  for (let i = 0; i < k; i++) {
    const at = i * FOUND_INTS;
    const [start, end, runs] = [found[at]!, found[at + 1]!, found[at + 2]!];
    if (runs > 0) out[4 + (i >> 3)]! |= 1 << (i & 7);
    out.writeUInt16LE(rows[start]! >>> 16, headsAt + 4 * i);
    out.writeUInt16LE(end - start - 1, headsAt + 4 * i + 2);
    if (hasOffsets) out.writeUInt32LE(p, headsAt + 4 * k + 4 * i);
    writeContainer(out, p, rows, start, end, runs);
    p += found[at + 3]!;
  }
  return out.subarray(0, length);
}

const one = Buffer.alloc(18);
one.writeUInt32LE(COOKIE, 0);
one.writeUInt32LE(1, 4);
one.writeUInt32LE(16, 12);

function singleton(row: number): Uint8Array {
  one[8] = row >>> 16;
  one[9] = row >>> 24;
  one[16] = row;
  one[17] = row >>> 8;
  return one;
}

/** Cuts at the high halves; returns the number of containers. */
function split(rows: Int32Array, from: number, to: number): number {
  let k = 0;
  for (let start = from; start < to; k++) {
    const limit = rows[start]! | 0xffff;
    let end = start + 1;
    let runs = 1;
    let previous = rows[start]!;
    for (; end < to; end++) {
      const row = rows[end]!;
      if (row > limit) break;
      if (row !== previous + 1) runs++;
      previous = row;
    }
    const cardinality = end - start;
    const plain = cardinality > ARRAY_MAX ? BITS_BYTES : 2 * cardinality;
    const isRun = 2 + 4 * runs < plain;
    if ((k + 1) * FOUND_INTS > found.length) {
      const grown = new Int32Array(2 * found.length);
      grown.set(found);
      found = grown;
    }
    found[k * FOUND_INTS] = start;
    found[k * FOUND_INTS + 1] = end;
    found[k * FOUND_INTS + 2] = isRun ? runs : 0;
    found[k * FOUND_INTS + 3] = isRun ? 2 + 4 * runs : plain;
    start = end;
  }
  return k;
}

/** `runs` is 0 for a container without runs. */
function writeContainer(
  out: Buffer,
  at: number,
  rows: Int32Array,
  from: number,
  to: number,
  runs: number,
): void {
  let p = at;
  if (runs > 0) {
    p = out.writeUInt16LE(runs, p);
    for (let i = from; i < to;) {
      let end = i + 1;
      while (end < to && rows[end]! === rows[end - 1]! + 1) end++;
      p = out.writeUInt16LE(rows[i]! & 0xffff, p);
      p = out.writeUInt16LE(end - i - 1, p);
      i = end;
    }
    return;
  }
  if (to - from > ARRAY_MAX) {
    out.fill(0, p, p + BITS_BYTES);
    for (let i = from; i < to; i++) {
      const low = rows[i]! & 0xffff;
      out[p + (low >> 3)]! |= 1 << (low & 7);
    }
    return;
  }
  for (let i = from; i < to; i++, p += 2) {
    out[p] = rows[i]!;
    out[p + 1] = rows[i]! >>> 8;
  }
}
