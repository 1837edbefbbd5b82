// Coupons of an HLL sketch while it is small: a list of eight, then a hash set, in DataSketches' own order, so that
// the stored bytes are the same. Part of hll-sketch.ts.

/** Coupons a list holds before it becomes a set. */
export const LIST_MAX = 8;
const SET_LG_MIN = 5;
const ADDRESS_MASK = 0x3ffffff;

/** Coupons: value << 26 | address. 0 = none. */
export class Coupons {
  count = 0;
  isSet = false;
  /** Log2 of the slots. */
  lgSlots = 3;
  slots: Int32Array = new Int32Array(LIST_MAX);

  /** Adds one; false when it was there. */
  add(coupon: number): boolean {
    if (this.isSet) return this.addToSet(coupon);
    for (let i = 0; i < this.count; i++) if (this.slots[i] === coupon) return false;
    this.slots[this.count++] = coupon;
    return true;
  }

  private addToSet(coupon: number): boolean {
    const at = findSlot(this.slots, this.lgSlots, coupon);
    if (this.slots[at] === coupon) return false;
    this.slots[at] = coupon;
    this.count++;
    return true;
  }

  /** A full list turns into a set. */
  toSet(): void {
    const list = this.slots.subarray(0, this.count);
    this.isSet = true;
    this.lgSlots = SET_LG_MIN;
    this.slots = new Int32Array(1 << SET_LG_MIN);
    for (const coupon of list) this.slots[findSlot(this.slots, this.lgSlots, coupon)] = coupon;
  }

  /** More than three quarters of the slots are taken. */
  get isCrowded(): boolean {
    return 4 * this.count > 3 * this.slots.length;
  }

  double(): void {
    const old = this.slots;
    this.lgSlots++;
    this.slots = new Int32Array(1 << this.lgSlots);
    for (const coupon of old)
      if (coupon !== 0) this.slots[findSlot(this.slots, this.lgSlots, coupon)] = coupon;
  }

  forEach(visit: (coupon: number) => void): void {
    for (const coupon of this.slots) if (coupon !== 0) visit(coupon);
  }
}

/** Slot of the coupon, or the free one where it goes. */
function findSlot(slots: Int32Array, lgSlots: number, coupon: number): number {
  const mask = slots.length - 1;
  const stride = ((coupon & ADDRESS_MASK) >>> lgSlots) | 1;
  let at = coupon & mask;
  while (slots[at] !== 0 && slots[at] !== coupon) at = (at + stride) & mask;
  return at;
}

/** Exceptions of a 4-bit array in the order that DataSketches writes them: slots of its hash table, grown as it is. */
export function orderedExceptions(pairs: readonly number[], lgK: number): readonly number[] {
  const lgStart = [0, 2, 2, 2, 2, 2, 2, 3, 3, 3, 4, 4, 5, 5, 6, 7, 8, 9, 10, 11, 12, 13][lgK] ?? 2;
  const kMask = (1 << lgK) - 1;
  let lg = lgStart;
  let slots = new Int32Array(1 << lg);
  let count = 0;
  const place = (pair: number): void => {
    const slot = pair & ADDRESS_MASK & kMask;
    const mask = slots.length - 1;
    let at = slot & mask;
    while (slots[at] !== 0) at = (at + ((slot >>> lg) | 1)) & mask;
    slots[at] = pair;
  };
  for (const pair of pairs) {
    place(pair);
    count++;
    if (4 * count <= 3 * slots.length) continue;
    const old = slots;
    slots = new Int32Array(1 << ++lg);
    for (const entry of old) if (entry !== 0) place(entry);
  }
  return Array.from(slots.filter((pair) => pair !== 0));
}

/** Log2 of the table that {@link orderedExceptions} ends with, which is stored too. */
export function exceptionTableLg(count: number, lgK: number): number {
  let lg = [0, 2, 2, 2, 2, 2, 2, 3, 3, 3, 4, 4, 5, 5, 6, 7, 8, 9, 10, 11, 12, 13][lgK] ?? 2;
  while (4 * count > 3 * (1 << lg)) lg++;
  return lg;
}
