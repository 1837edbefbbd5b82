// From tuples of codes to slots. Three ways, chosen by how many tuples there can be: one slot, the tuple itself
// as slot number, or open addressing. Fed by group-rows.ts. Source: performance.md 6.

/** Gives each distinct tuple a slot. */
export interface Grouper {
  /** Slots are below this. */
  readonly slots: number;
  /** Slot of tuple i, whose parts are `codes[k][i]`: in `out`, or in `codes[0]` where the code is the slot. */
  assign(codes: readonly Int32Array[], count: number, out: Int32Array): Int32Array;
  /** Slots in use, ascending. */
  used(): Int32Array;
  /** Part k of the tuple of a slot. */
  part(slot: number, k: number): number;
}

/** Largest product of cardinalities for which the tuple is the slot. */
const DIRECT_MAX = 1 << 20;

/** Says which slots are in use, from what was put into them. */
type SlotTest = (slot: number) => boolean;

/**
 * @param cardinalities per part, Infinity when unknown
 * @param rows that may come
 * @param isUsed spares marking each row's slot; null = nothing else knows
 */
export function makeGrouper(
  cardinalities: readonly number[],
  rows: number,
  isUsed: SlotTest | null,
): Grouper {
  const product = cardinalities.reduce((a, b) => a * Math.max(1, b), 1);
  // Empty slots cost memory in every state: a small view must not pay for a large product.
  if (product <= DIRECT_MAX && product <= Math.max(4096, rows * 2))
    return new DirectGrouper(cardinalities, product, isUsed);
  return new HashGrouper(cardinalities.length);
}

class DirectGrouper implements Grouper {
  readonly slots: number;
  private readonly strides: readonly number[];
  private readonly sizes: readonly number[];
  private readonly seen: Uint8Array;
  private unseen: number;
  private readonly isUsed: SlotTest | null;

  constructor(cardinalities: readonly number[], product: number, isUsed: SlotTest | null) {
    this.isUsed = isUsed;
    this.slots = product;
    this.sizes = cardinalities.map((c) => Math.max(1, c));
    const strides: number[] = [];
    let stride = 1;
    for (const size of this.sizes) {
      strides.push(stride);
      stride *= size;
    }
    this.strides = strides;
    this.seen = new Uint8Array(product);
    this.unseen = product;
  }

  assign(codes: readonly Int32Array[], count: number, out: Int32Array): Int32Array {
    const [first, second] = codes;
    let slots = out;
    if (first === undefined) out.fill(0, 0, count);
    else if (second === undefined) slots = first;
    else {
      addScaled(first, second, this.strides[1]!, count, out);
      for (let k = 2; k < codes.length; k++)
        addScaled(out, codes[k]!, this.strides[k]!, count, out);
    }
    // The few groups of a short dimension are soon all known.
    if (this.isUsed === null && this.unseen > 0) this.mark(slots, count);
    return slots;
  }

  private mark(slots: Int32Array, count: number): void {
    const { seen } = this;
    for (let i = 0; i < count; i++) if (seen[slots[i]!] === 0) this.see(slots[i]!);
  }

  private see(slot: number): void {
    if (this.seen[slot] === 1) return;
    this.seen[slot] = 1;
    this.unseen--;
  }

  used(): Int32Array {
    const { seen, slots, isUsed } = this;
    if (isUsed !== null) for (let slot = 0; slot < slots; slot++) if (isUsed(slot)) this.see(slot);
    const used = new Int32Array(slots - this.unseen);
    let count = 0;
    for (let slot = 0; slot < slots; slot++) if (seen[slot] === 1) used[count++] = slot;
    return used;
  }

  part(slot: number, k: number): number {
    return Math.floor(slot / this.strides[k]!) % this.sizes[k]!;
  }
}

function addScaled(
  base: Int32Array,
  codes: Int32Array,
  stride: number,
  count: number,
  out: Int32Array,
): void {
  for (let i = 0; i < count; i++) out[i] = base[i]! + codes[i]! * stride;
}

class HashGrouper implements Grouper {
  slots = 0;
  private readonly width: number;
  /** Slot + 1 by hash, 0 = free. */
  private table: Int32Array = new Int32Array(4096);
  private keys: Int32Array;

  constructor(width: number) {
    this.width = width;
    this.keys = new Int32Array(2048 * width);
  }

  assign(codes: readonly Int32Array[], count: number, out: Int32Array): Int32Array {
    while ((this.slots + count) * 2 > this.table.length) this.grow();
    if (codes.length === 1) this.assignOne(codes[0]!, count, out);
    else if (codes.length === 2) this.assignTwo(codes[0]!, codes[1]!, count, out);
    else this.assignMany(codes, count, out);
    return out;
  }

  private assignOne(a: Int32Array, count: number, out: Int32Array): void {
    const { table, keys } = this;
    const mask = table.length - 1;
    for (let i = 0; i < count; i++) {
      const x = a[i]!;
      let at = mix(x) & mask;
      for (;;) {
        const entry = table[at]!;
        if (entry === 0) {
          keys[this.slots] = x;
          table[at] = ++this.slots;
          out[i] = this.slots - 1;
          break;
        }
        if (keys[entry - 1] === x) {
          out[i] = entry - 1;
          break;
        }
        at = (at + 1) & mask;
      }
    }
  }

  private assignTwo(a: Int32Array, b: Int32Array, count: number, out: Int32Array): void {
    const { table, keys } = this;
    const mask = table.length - 1;
    for (let i = 0; i < count; i++) {
      const x = a[i]!;
      const y = b[i]!;
      let at = mix(Math.imul(x, 31) + y) & mask;
      for (;;) {
        const entry = table[at]!;
        if (entry === 0) {
          keys[this.slots * 2] = x;
          keys[this.slots * 2 + 1] = y;
          table[at] = ++this.slots;
          out[i] = this.slots - 1;
          break;
        }
        const key = (entry - 1) * 2;
        if (keys[key] === x && keys[key + 1] === y) {
          out[i] = entry - 1;
          break;
        }
        at = (at + 1) & mask;
      }
    }
  }

  private assignMany(codes: readonly Int32Array[], count: number, out: Int32Array): void {
    const { table, keys, width } = this;
    const mask = table.length - 1;
    for (let i = 0; i < count; i++) {
      // The tuple is written where a new one would go; it stays there only if it is new.
      const fresh = this.slots * width;
      let hash = 0;
      for (let k = 0; k < width; k++) {
        const code = codes[k]![i]!;
        keys[fresh + k] = code;
        hash = Math.imul(hash, 31) + code;
      }
      let at = mix(hash) & mask;
      let entry = table[at]!;
      while (entry !== 0 && !this.same((entry - 1) * width, fresh)) {
        at = (at + 1) & mask;
        entry = table[at]!;
      }
      if (entry === 0) {
        table[at] = ++this.slots;
        entry = this.slots;
      }
      out[i] = entry - 1;
    }
  }

  private same(a: number, b: number): boolean {
    for (let k = 0; k < this.width; k++) if (this.keys[a + k] !== this.keys[b + k]) return false;
    return true;
  }

  private grow(): void {
    const { width } = this;
    const keys = new Int32Array(this.table.length * width);
    keys.set(this.keys.subarray(0, this.slots * width));
    this.keys = keys;
    this.table = new Int32Array(this.table.length * 2);
    const mask = this.table.length - 1;
    for (let slot = 0; slot < this.slots; slot++) {
      let hash = keys[slot * width]!;
      if (width === 2) hash = Math.imul(hash, 31) + keys[slot * width + 1]!;
      else if (width > 2) {
        hash = 0;
        for (let k = 0; k < width; k++) hash = Math.imul(hash, 31) + keys[slot * width + k]!;
      }
      let at = mix(hash) & mask;
      while (this.table[at] !== 0) at = (at + 1) & mask;
      this.table[at] = slot + 1;
    }
  }

  used(): Int32Array {
    return Int32Array.from({ length: this.slots }, (_, i) => i);
  }

  part(slot: number, k: number): number {
    return this.keys[slot * this.width + k]!;
  }
}

/** Spreads consecutive codes over the table. */
function mix(hash: number): number {
  const h = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return h ^ (h >>> 13);
}
