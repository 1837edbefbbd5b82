// Writes roaring bitmaps in the portable form from ascending rows, choosing containers as Druid does. One row
// and a few rows of one container are by far the most frequent and have a short way.
// Source: druid-segment-format.md 2.2.4, 8.2; the grammar stands in roaring-reader.ts.

const COOKIE = 0x303a;
const COOKIE_RUNS = 0x303b;
const ARRAY_MAX = 4096;
const BITS_BYTES = 8192;
const NO_OFFSETS_BELOW = 4;

/** A container of the bitmap being written: rows[from..to) with one high half. */
interface Container {
  readonly key: number;
  readonly from: number;
  readonly to: number;
  readonly runs: number;
  readonly isRun: boolean;
  readonly bytes: number;
}

let scratch = Buffer.alloc(1 << 16);

/**
 * The bytes of the bitmap of `rows[from..to)`: ascending, distinct, at least one.
 *
 * @returns valid until the next call
 */
export function roaringBytes(rows: Int32Array, from: number, to: number): Uint8Array {
  if (to - from === 1) return singleton(rows[from]!);
  const containers = split(rows, from, to);
  const hasRuns = containers.some((container) => container.isRun);
  const k = containers.length;
  const hasOffsets = !hasRuns || k >= NO_OFFSETS_BELOW;
  const headsAt = hasRuns ? 4 + Math.ceil(k / 8) : 8;
  const body = headsAt + (hasOffsets ? 8 : 4) * k;
  const length = containers.reduce((sum, container) => sum + container.bytes, body);
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
  containers.forEach((container, i) => {
    if (container.isRun) out[4 + (i >> 3)]! |= 1 << (i & 7);
    out.writeUInt16LE(container.key, headsAt + 4 * i);
    out.writeUInt16LE(container.to - container.from - 1, headsAt + 4 * i + 2);
    if (hasOffsets) out.writeUInt32LE(p, headsAt + 4 * k + 4 * i);
    writeContainer(out, p, rows, container);
    p += container.bytes;
  });
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

function split(rows: Int32Array, from: number, to: number): Container[] {
  const containers: Container[] = [];
  let start = from;
  while (start < to) {
    const key = rows[start]! >>> 16;
    let end = start + 1;
    let runs = 1;
    while (end < to && rows[end]! >>> 16 === key) {
      if (rows[end]! !== rows[end - 1]! + 1) runs++;
      end++;
    }
    const cardinality = end - start;
    const plain = cardinality > ARRAY_MAX ? BITS_BYTES : 2 * cardinality;
    const isRun = 2 + 4 * runs < plain;
    const bytes = isRun ? 2 + 4 * runs : plain;
    containers.push({ key, from: start, to: end, runs, isRun, bytes });
    start = end;
  }
  return containers;
}

function writeContainer(out: Buffer, at: number, rows: Int32Array, container: Container): void {
  const { from, to, runs, isRun } = container;
  let p = at;
  if (isRun) {
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
