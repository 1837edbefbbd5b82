// The theta sketch of DataSketches: the hashes below a bound theta, at most k of them when finished. Reads and
// writes its compact ordered form. Which hashes stay does not depend on the order of arrival.
//
//   compact = u8 preamble longs, 03, 03 (family), u8 0, u8 0, u8 flags, u16 seed hash, [hash] (1 long, single item)
//             | ..., i32 count, f32 1, [i64 theta] (3 longs), i64 hash * count, ascending; all little-endian
//   flags   = 02 read only, 04 empty, 08 compact, 10 ordered, 20 single item

import {
  type ComplexValue,
  corruptBytes,
  type HashSketch,
  type ValueHasher,
} from './complex-value.ts';
import { thetaLowerBound, thetaUpperBound } from './theta-bounds.ts';
import { hashDouble, hashLong, hashUtf8, thetaHash } from './sketch-hash.ts';

/** Seed hash of the default seed 9001. */
const SEED_HASH = 0x93cc;
const MAX_THETA = 2n ** 63n - 1n;
const COMPACT_ORDERED = 0x1a;
const EMPTY = 0x04;
const COMPACT = 0x08;
const SINGLE = 0x20;
const BIG_ENDIAN_FLAG = 0x01;
const NOTHING = new BigUint64Array(0);

/** Theta hashes of values; empty text is ignored. */
export const thetaHasher: ValueHasher = {
  text(bytes, start, end, out) {
    if (start === end) return false;
    hashUtf8(bytes, start, end);
    return thetaHash(out);
  },
  long(low, high, out) {
    hashLong(low, high);
    return thetaHash(out);
  },
  double(value, out) {
    hashDouble(value);
    return thetaHash(out);
  },
};

/** A finished sketch: ascending hashes below theta. */
interface Finished {
  readonly hashes: BigUint64Array;
  readonly theta: bigint;
  readonly isEmpty: boolean;
}

/** A sketch that keeps at most `size` hashes, a power of two, when finished. */
export class ThetaSketch implements HashSketch {
  readonly size: number;
  /** Open addressing; two ints a slot, 0 0 = free. */
  private table: Int32Array = new Int32Array(2 * 16);
  private count = 0;
  private thetaLow = -1;
  private thetaHigh = 0x7fffffff;
  /** Nothing was ever offered: theta of an empty sketch says nothing. */
  private isEmpty = true;

  constructor(size: number) {
    this.size = size;
  }

  get heldBytes(): number {
    return this.table.byteLength;
  }

  addHash(low: number, high: number): void {
    this.isEmpty = false;
    if (high > this.thetaHigh || (high === this.thetaHigh && low >>> 0 >= this.thetaLow >>> 0))
      return;
    const { table } = this;
    const mask = table.length - 1;
    let at = ((low ^ (low >>> 15)) << 1) & mask;
    while ((table[at]! | table[at + 1]!) !== 0) {
      if (table[at] === low && table[at + 1] === high) return;
      at = (at + 2) & mask;
    }
    table[at] = low;
    table[at + 1] = high;
    this.count++;
    if (this.count * 4 > table.length) this.grow();
  }

  /** Doubles the table, or at 2 k hashes lowers theta to the (k + 1)-th. */
  private grow(): void {
    if (this.count < 2 * this.size) {
      this.load(this.sorted(), 2 * this.table.length);
      return;
    }
    const { hashes, theta } = this.finished();
    this.lower(theta);
    this.load(hashes, this.table.length);
  }

  private lower(theta: bigint): void {
    this.thetaLow = Number(BigInt.asIntN(32, theta));
    this.thetaHigh = Number(theta >> 32n);
  }

  private load(hashes: BigUint64Array, length: number): void {
    this.table = new Int32Array(length);
    this.count = 0;
    const halves = new Int32Array(hashes.buffer, hashes.byteOffset, 2 * hashes.length);
    for (let i = 0; i < halves.length; i += 2) this.addHash(halves[i]!, halves[i + 1]!);
  }

  private get theta(): bigint {
    return (BigInt(this.thetaHigh) << 32n) | BigInt(this.thetaLow >>> 0);
  }

  private sorted(): BigUint64Array {
    const all = new BigUint64Array(this.count);
    const halves = new Int32Array(all.buffer);
    let n = 0;
    for (let at = 0; at < this.table.length; at += 2) {
      if ((this.table[at]! | this.table[at + 1]!) === 0) continue;
      halves[n++] = this.table[at]!;
      halves[n++] = this.table[at + 1]!;
    }
    return all.sort();
  }

  /** At most k hashes: beyond that, the (k + 1)-th is theta. */
  finished(): Finished {
    const hashes = this.sorted();
    const bound = hashes[this.size];
    if (bound === undefined) return { hashes, theta: this.theta, isEmpty: this.isEmpty };
    return { hashes: hashes.slice(0, this.size), theta: bound, isEmpty: false };
  }

  /** Takes hashes below theta, as a set operation leaves them. */
  static of(size: number, finished: Finished): ThetaSketch {
    const sketch = new ThetaSketch(size);
    sketch.take(finished);
    return sketch;
  }

  private take({ hashes, theta, isEmpty }: Finished): void {
    if (isEmpty) return;
    if (theta < this.theta) {
      this.lower(theta);
      this.load(this.sorted(), this.table.length);
    }
    this.isEmpty = false;
    const halves = new Int32Array(hashes.buffer, hashes.byteOffset, 2 * hashes.length);
    for (let i = 0; i < halves.length; i += 2) this.addHash(halves[i]!, halves[i + 1]!);
  }

  fold(other: ComplexValue): void {
    if (!(other instanceof ThetaSketch)) throw new TypeError('theta sketches fold theta sketches');
    this.take(other.finished());
  }

  foldBytes(bytes: Uint8Array): void {
    this.take(readTheta(bytes));
  }

  toBytes(): Uint8Array {
    const { hashes, theta, isEmpty } = this.finished();
    const isExact = theta === MAX_THETA;
    const isSingle = isExact && hashes.length === 1;
    const longs = isExact ? (hashes.length > 1 ? 2 : 1) : 3;
    const preamble = isEmpty || isSingle ? 1 : Math.max(2, longs);
    const bytes = new Uint8Array(8 * (preamble + hashes.length));
    const view = new DataView(bytes.buffer);
    bytes.set([
      preamble,
      3,
      3,
      0,
      0,
      COMPACT_ORDERED | (isEmpty ? EMPTY : 0) | (isSingle ? SINGLE : 0),
    ]);
    if (!isEmpty) view.setUint16(6, SEED_HASH, true);
    if (preamble >= 2) {
      view.setInt32(8, hashes.length, true);
      view.setFloat32(12, 1, true);
    }
    if (preamble === 3) view.setBigUint64(16, theta, true);
    bytes.set(new Uint8Array(hashes.buffer, hashes.byteOffset, hashes.byteLength), 8 * preamble);
    return bytes;
  }

  estimate(): number {
    const { hashes, theta } = this.finished();
    return theta === MAX_THETA ? hashes.length : hashes.length * (2 ** 63 / Number(theta));
  }

  /** Least and greatest number of values, at 1, 2 or 3 standard deviations. */
  bounds(deviations: number): [number, number] {
    const { hashes, theta } = this.finished();
    const share = theta === MAX_THETA ? 1 : Number(theta) / 2 ** 63;
    const n = hashes.length;
    return [thetaLowerBound(n, share, deviations), thetaUpperBound(n, share, deviations)];
  }
}

function readTheta(bytes: Uint8Array): Finished {
  const nothing = { hashes: NOTHING, theta: MAX_THETA, isEmpty: true };
  if (bytes.length === 0) return nothing;
  if (bytes.length < 8) throw corruptTheta(0, `${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const preamble = view.getUint8(0) & 0x3f;
  const flags = view.getUint8(5);
  if (view.getUint8(1) !== 3)
    throw corruptTheta(1, `serial version ${view.getUint8(1)}, expected 3`);
  if (view.getUint8(2) !== 3 || (flags & COMPACT) === 0 || (flags & BIG_ENDIAN_FLAG) !== 0)
    throw corruptTheta(2, `family ${view.getUint8(2)}, flags ${flags}: no compact sketch`);
  if ((flags & EMPTY) !== 0) return nothing;
  if (view.getUint16(6, true) !== SEED_HASH) throw corruptTheta(6, 'another seed hash');
  if (preamble < 1 || preamble > 3 || bytes.length < 8 * preamble)
    throw corruptTheta(0, `${preamble} longs of preamble, ${bytes.length} bytes`);
  const count = preamble === 1 ? 1 : view.getInt32(8, true);
  if (count < 0 || bytes.length !== 8 * (preamble + count))
    throw corruptTheta(8, `${count} hashes in ${bytes.length} bytes`);
  const theta = preamble === 3 ? view.getBigUint64(16, true) : MAX_THETA;
  if (theta <= 0n || theta > MAX_THETA) throw corruptTheta(16, `theta ${theta}`);
  const hashes = new BigUint64Array(count);
  new Uint8Array(hashes.buffer).set(bytes.subarray(8 * preamble));
  const halves = new Int32Array(hashes.buffer);
  const [thetaLow, thetaHigh] = [Number(theta & 0xffffffffn), Number(theta >> 32n)];
  for (let i = 0; i < halves.length; i += 2) {
    const [low, high] = [halves[i]!, halves[i + 1]!];
    const isBelow = high < thetaHigh || (high === thetaHigh && low >>> 0 < thetaLow);
    if (high < 0 || (low | high) === 0 || !isBelow)
      throw corruptTheta(8 * preamble + 4 * i, 'a hash that is not below theta');
  }
  return { hashes, theta, isEmpty: false };
}

const corruptTheta = (offset: number, what: string): Error =>
  corruptBytes('thetaSketch', offset, what);

/** The set operations of thetaSketchSetOp. */
export const THETA_OPERATIONS = ['UNION', 'INTERSECT', 'NOT'] as const;
/** One of {@link THETA_OPERATIONS}. */
export type ThetaOperation = (typeof THETA_OPERATIONS)[number];

/** Left fold of the operation; no sketch gives an empty one. */
export function thetaSetOperation(
  operation: ThetaOperation,
  size: number,
  sketches: readonly ThetaSketch[],
): ThetaSketch {
  const [first, ...others] = sketches;
  if (operation === 'UNION' || first === undefined) {
    const union = new ThetaSketch(size);
    for (const sketch of sketches) union.fold(sketch);
    return union;
  }
  let result = first.finished();
  for (const other of others) result = combine(operation, result, other.finished());
  // An intersection is as large as its smallest input: it is never cut to the size.
  return ThetaSketch.of(Math.max(size, result.hashes.length), result);
}

function combine(operation: 'INTERSECT' | 'NOT', a: Finished, b: Finished): Finished {
  if (operation === 'NOT' && (a.isEmpty || b.isEmpty)) return a;
  if (a.isEmpty || b.isEmpty) return { hashes: NOTHING, theta: MAX_THETA, isEmpty: true };
  const theta = a.theta < b.theta ? a.theta : b.theta;
  const inB = new Set(b.hashes);
  const hashes = a.hashes.filter(
    (hash) => hash < theta && inB.has(hash) === (operation === 'INTERSECT'),
  );
  return { hashes, theta, isEmpty: theta === MAX_THETA && hashes.length === 0 };
}

/** Reads a stored sketch. @throws Failure `corrupt` ComplexCorrupt */
export function thetaOfBytes(bytes: Uint8Array): ThetaSketch {
  const finished = readTheta(bytes);
  return ThetaSketch.of(
    Math.max(16, 2 ** Math.ceil(Math.log2(finished.hashes.length + 1))),
    finished,
  );
}
