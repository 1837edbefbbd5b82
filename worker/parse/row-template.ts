// The fast way through rows that look like the one before: the bytes between the values (keys, colons, white space) are
// learned from one row and then compared as words, so that only values are looked at. Used by the scanner, which
// does by the general way, and learns again from, whatever does not match. A shape that lasts becomes a function of its
// own (row-code.ts); until then, and for rows of very many fields, it is data that one small loop walks.

import { HASH_FACTOR, HASH_SEED } from '../view/fields.ts';
import { RAW_ESCAPED, RAW_INTEGER, RAW_STRING } from './json-cursor.ts';
import { CODE_FIELDS_MAX, type FieldShape, rowCode, type RowCode } from './row-code.ts';
import type { RowScanner } from './row-scanner.ts';
import { firstByteShift, isUtf8, specialBytes } from './text-words.ts';

/** Most fields of a row that is learned. */
export const TEMPLATE_FIELDS_MAX = 1024;
/** Shortest literal, bytes: `{"":`. The last word of a literal overlaps the one before, so it needs a whole word. */
const LITERAL_BYTES_MIN = 4;
/** Rows in a row that do not match before another row is learned; doubled while learning does not help. */
const MISSES_FIRST = 4;
const MISSES_MAX = 4096;

/** Rows that a shape must have lasted before it is worth a function of its own, which takes a millisecond to make. */
const HITS_FOR_CODE = 1000;

/** What is known of the rows of one scanner. */
export class RowTemplate {
  #count = 0;
  #slots: Int32Array = new Int32Array(64);
  /** Words of literal k: `#words[#wordAt[k]] .. #words[#wordAt[k + 1] - 1]`; it is `#lengths[k]` bytes long. */
  #words: Int32Array = new Int32Array(1024);
  #wordAt: Int32Array = new Int32Array(65);
  #lengths: Int32Array = new Int32Array(64);
  #tail: Uint8Array = new Uint8Array(0);
  #code: RowCode | undefined;
  #hits = 0;
  #misses = 0;
  #patience = 0;
  #hash = 0;
  #seen = 0;

  /** True when the row just scanned the general way should be learned. */
  get wantsRow(): boolean {
    return this.#misses >= this.#patience;
  }

  /**
   * Scans bytes `start .. limit-1`. True when the row matches and every value was read into the scanner's slots;
   * false when nothing is known of it (slots are then half filled).
   */
  scan(scanner: RowScanner, start: number, limit: number): boolean {
    // Words are read up to three bytes behind the row.
    if (this.#count === 0 || limit + 4 > scanner.bytes.length) return this.#miss();
    scanner.limit = limit;
    scanner.sawHighBit = false;
    const behind =
      this.#code === undefined
        ? this.#fields(scanner, start, limit)
        : this.#code(scanner, start, limit);
    if (behind < 0 || !this.#isTail(scanner.bytes, behind, limit)) return this.#miss();
    if (scanner.sawHighBit && !isUtf8(scanner.bytes, start, limit)) return false;
    this.#misses = 0;
    this.#patience = MISSES_FIRST;
    if (++this.#hits === HITS_FOR_CODE && this.#count <= CODE_FIELDS_MAX)
      this.#code = rowCode(this.#shape());
    return true;
  }

  #miss(): boolean {
    this.#misses++;
    return false;
  }

  #shape(): FieldShape[] {
    return Array.from({ length: this.#count }, (_, k) => ({
      slot: this.#slots[k] as number,
      length: this.#lengths[k] as number,
      words: this.#words.slice(this.#wordAt[k], this.#wordAt[k + 1]),
    }));
  }

  /** Position behind the last field, -1 when the row is of another shape. */
  #fields(scanner: RowScanner, start: number, limit: number): number {
    const { bytes, view, kind, start: starts, end: ends, hash } = scanner;
    const [count, slots, words] = [this.#count, this.#slots, this.#words];
    const [wordAt, lengths] = [this.#wordAt, this.#lengths];
    this.#seen = 0;
    let p = start;
    let word = 0;
    for (let k = 0; k < count; k++) {
      const behind = p + (lengths[k] as number);
      if (behind >= limit) return -1;
      const last = (wordAt[k + 1] as number) - 1;
      for (; word < last; word++, p += 4) {
        if (view.getInt32(p, true) !== words[word]) return -1;
      }
      if (view.getInt32(behind - 4, true) !== words[word++]) return -1;
      p = behind;
      const slot = slots[k] as number;
      if (bytes[p] === 0x22) {
        const end = this.#text(view, p + 1, limit);
        if (end < limit && bytes[end] === 0x22) {
          kind[slot] = RAW_STRING;
          starts[slot] = p + 1;
          ends[slot] = end;
          hash[slot] = this.#hash;
          p = end + 1;
          continue;
        }
      } else {
        const end = integer(scanner, bytes, slot, p);
        if (end > 0) {
          p = end;
          continue;
        }
      }
      if (!scanner.valueAt(p, slot)) return -1;
      p = scanner.p;
    }
    if ((this.#seen & 0x80808080) !== 0) scanner.sawHighBit = true;
    return p;
  }

  /** Position of the first byte at or behind `p` that is not plain text; its hash in #hash. */
  #text(view: DataView, from: number, limit: number): number {
    let h = HASH_SEED;
    let seen = 0;
    for (let p = from; p < limit; p += 4) {
      const w = view.getInt32(p, true);
      const special = specialBytes(w);
      if (special !== 0) {
        const shift = firstByteShift(special);
        if (shift !== 0) {
          h = Math.imul(h ^ (w & ((1 << shift) - 1)), HASH_FACTOR);
          h ^= h >>> 15;
        }
        this.#hash = h;
        this.#seen |= seen | w;
        return p + (shift >>> 3);
      }
      seen |= w;
      h = Math.imul(h ^ w, HASH_FACTOR);
      h ^= h >>> 15;
    }
    return limit;
  }

  #isTail(bytes: Uint8Array, p: number, limit: number): boolean {
    const tail = this.#tail;
    if (p + tail.length !== limit) return false;
    for (let i = 0; i < tail.length; i++) if (bytes[p + i] !== tail[i]) return false;
    return true;
  }

  /**
   * Learns the row `start .. limit-1`, just scanned the general way: `order` has the slots of its `count` fields.
   * Rows with a field twice, with fields that have no slot, or with very many fields are left alone.
   */
  learn(scanner: RowScanner, start: number, limit: number, order: Int32Array, count: number): void {
    this.#patience = Math.min(MISSES_MAX, Math.max(MISSES_FIRST, this.#patience * 2));
    this.#misses = 0;
    this.#count = 0;
    this.#hits = 0;
    this.#code = undefined;
    if (count === 0 || count > order.length) return;
    this.#reserve(count, limit - start);
    let at = start;
    let words = 0;
    for (let k = 0; k < count; k++) {
      const slot = order[k] as number;
      if (slot < 0) return;
      const raw = scanner.kind[slot] as number;
      const quote = raw === RAW_STRING || raw === RAW_ESCAPED ? 1 : 0;
      const value = (scanner.start[slot] as number) - quote;
      const length = value - at;
      if (length < LITERAL_BYTES_MIN) return;
      this.#slots[k] = slot;
      this.#lengths[k] = length;
      this.#wordAt[k] = words;
      for (let i = 0; i + 4 < length; i += 4)
        this.#words[words++] = scanner.view.getInt32(at + i, true);
      this.#words[words++] = scanner.view.getInt32(value - 4, true);
      at = (scanner.end[slot] as number) + quote;
    }
    this.#wordAt[count] = words;
    this.#tail = scanner.bytes.slice(at, limit);
    this.#count = count;
  }

  #reserve(count: number, bytes: number): void {
    if (count > this.#slots.length) {
      this.#slots = new Int32Array(count * 2);
      this.#lengths = new Int32Array(count * 2);
      this.#wordAt = new Int32Array(count * 2 + 1);
    }
    const words = (bytes >> 2) + count;
    if (words > this.#words.length) this.#words = new Int32Array(words * 2);
  }
}

/** Reads a plain integer of at most 15 digits into the slot. Position behind it, 0 when it is something else. */
function integer(scanner: RowScanner, bytes: Uint8Array, slot: number, from: number): number {
  const isNegative = bytes[from] === 0x2d;
  const first = isNegative ? from + 1 : from;
  let p = first;
  let value = 0;
  let c = (bytes[p] as number) - 0x30;
  while (c >= 0 && c <= 9) {
    value = value * 10 + c;
    c = (bytes[++p] as number) - 0x30;
  }
  const digits = p - first;
  const next = c + 0x30;
  const isPlain =
    digits > 0 &&
    digits <= 15 &&
    // Zero first, minus zero, fractions and exponents are for the general way.
    (bytes[first] !== 0x30 || (digits === 1 && !isNegative)) &&
    next !== 0x2e &&
    next !== 0x45 &&
    next !== 0x65;
  if (!isPlain || p > scanner.limit) return 0;
  scanner.kind[slot] = RAW_INTEGER;
  scanner.start[slot] = from;
  scanner.end[slot] = p;
  scanner.number[slot] = isNegative ? -value : value;
  return p;
}
