// Walks the bytes of one JSON object and notes where each root field lies and what kind it is. Fed by the row
// parser with slices of a record set; feeds it raw fields. No string, object or promise per row.
//
// Speed comes from three things: the hash of a string is computed while its end is looked for, four bytes a
// step; rows like the one before are passed by their template, others compare each key first with the key seen at
// the same position in the row before; integers and plain decimals are exact without leaving the loop.

import {
  JsonCursor,
  RAW_ABSENT,
  RAW_ARRAY,
  RAW_FALSE,
  RAW_NULL,
  RAW_OBJECT,
  RAW_STRING,
  RAW_TRUE,
  SCAN_INVALID_UTF8,
  SCAN_MALFORMED,
  SCAN_NOT_OBJECT,
  SCAN_OK,
} from './json-cursor.ts';
import { KeyTable } from './key-table.ts';
import { RowTemplate, TEMPLATE_FIELDS_MAX } from './row-template.ts';
import { isUtf8 } from './text-words.ts';

/** Scanner of one schema; slots are handed out by its key table. */
export class JsonScanner extends JsonCursor {
  readonly keys: KeyTable = new KeyTable();
  kind: Uint8Array = new Uint8Array(64);
  start: Int32Array = new Int32Array(64);
  end: Int32Array = new Int32Array(64);
  hash: Int32Array = new Int32Array(64);
  number: Float64Array = new Float64Array(64);
  /** Where the record was found bad, byte position in the buffer. */
  errorAt = 0;

  /** Slot met at each position of the previous row. */
  readonly #order: Int32Array = new Int32Array(TEMPLATE_FIELDS_MAX).fill(-1);
  readonly #template: RowTemplate = new RowTemplate();
  /** True while the slots that the template does not fill are known to be absent. */
  #isClean = false;
  #fieldCount = 0;

  /** Sets the buffer that the following scans refer to. */
  setBytes(bytes: Uint8Array, view: DataView): void {
    this.bytes = bytes;
    this.view = view;
  }

  /** Scans bytes `start .. end-1`, one JSON object. Returns SCAN_*; fields are valid until the next scan. */
  scan(start: number, end: number): number {
    // Every row of the template fills the same slots, so that they need no reset between two of them.
    if (!this.#isClean) this.kind.fill(RAW_ABSENT, 0, this.keys.size);
    this.#isClean = this.#template.scan(this, start, end);
    if (this.#isClean) return SCAN_OK;
    const outcome = this.#general(start, end);
    if (outcome === SCAN_OK && this.#template.wantsRow) {
      this.#template.learn(this, start, end, this.#order, this.#fieldCount);
    }
    return outcome;
  }

  #general(start: number, end: number): number {
    this.limit = end;
    this.sawHighBit = false;
    this.kind.fill(RAW_ABSENT, 0, this.keys.size);
    this.p = start;
    const b = this.bytes;
    this.skipSpace();
    if (this.p >= end || b[this.p] !== 0x7b) return this.#fail(SCAN_NOT_OBJECT);
    this.p++;
    this.skipSpace();
    if (b[this.p] === 0x7d && this.p < end) {
      this.p++;
      this.#fieldCount = 0;
    } else {
      const outcome = this.#fields();
      if (outcome !== SCAN_OK) return outcome;
    }
    this.skipSpace();
    if (this.p !== end) return this.#fail(SCAN_MALFORMED);
    if (this.sawHighBit && !isUtf8(b, start, end)) return this.#fail(SCAN_INVALID_UTF8);
    return SCAN_OK;
  }

  #fields(): number {
    const b = this.bytes;
    const limit = this.limit;
    for (let position = 0; ; position++) {
      if (this.p >= limit || b[this.p] !== 0x22) return this.#fail(SCAN_MALFORMED);
      this.p++;
      const slot = this.#key(position);
      if (slot === -2) return this.#fail(SCAN_MALFORMED);
      this.skipSpace();
      if (b[this.p] !== 0x3a || this.p >= limit) return this.#fail(SCAN_MALFORMED);
      this.p++;
      this.skipSpace();
      const outcome = this.#value(slot);
      if (outcome !== SCAN_OK) return outcome;
      this.skipSpace();
      const c = this.p < limit ? b[this.p] : 0;
      this.p++;
      if (c === 0x7d) {
        this.#fieldCount = position + 1;
        return SCAN_OK;
      }
      if (c !== 0x2c) return this.#fail(SCAN_MALFORMED);
      this.skipSpace();
    }
  }

  /** Slot of the key at p (after its quote), -1 when it is not kept, -2 when malformed. */
  #key(position: number): number {
    const expected = position < this.#order.length ? (this.#order[position] as number) : -1;
    if (expected >= 0) {
      const length = this.keys.matchLength(expected, this.bytes, this.view, this.p, this.limit);
      if (length >= 0) {
        this.p += length + 1;
        return expected;
      }
    }
    const start = this.p;
    const kind = this.string();
    if (kind === RAW_ABSENT) return -2;
    const slot =
      kind === RAW_STRING
        ? this.keys.slotOf(this.bytes, this.view, start, this.p - 1, this.textHash)
        : this.keys.slotOfEscaped(this.bytes.subarray(start - 1, this.p));
    if (slot >= this.kind.length) this.#grow(slot);
    // A name that was written with escapes may hold a quote: it must not be looked for in the bytes as they are.
    if (position < this.#order.length) this.#order[position] = kind === RAW_STRING ? slot : -1;
    return slot;
  }

  /** Reads the value at `p` into its slot and sets {@link p} behind it. */
  valueAt(p: number, slot: number): boolean {
    this.p = p;
    return this.#value(slot) === SCAN_OK;
  }

  #value(slot: number): number {
    const c = this.p < this.limit ? (this.bytes[this.p] as number) : 0;
    const start = this.p;
    let kind = RAW_ABSENT;
    if (c === 0x22) {
      this.p++;
      kind = this.string();
      if (kind === RAW_ABSENT) return this.#fail(SCAN_MALFORMED);
      if (slot >= 0) {
        this.kind[slot] = kind;
        this.start[slot] = start + 1;
        this.end[slot] = this.p - 1;
        this.hash[slot] = this.textHash;
      }
      return SCAN_OK;
    }
    if (c === 0x2d || (c >= 0x30 && c <= 0x39)) kind = this.numberToken();
    else if (c === 0x74) kind = this.literal('true', RAW_TRUE);
    else if (c === 0x66) kind = this.literal('false', RAW_FALSE);
    else if (c === 0x6e) kind = this.literal('null', RAW_NULL);
    else if (c === 0x5b || c === 0x7b) {
      const outcome = this.nested();
      if (outcome !== SCAN_OK) return this.#fail(outcome);
      kind = c === 0x5b ? RAW_ARRAY : RAW_OBJECT;
    }
    if (kind === RAW_ABSENT) return this.#fail(SCAN_MALFORMED);
    if (slot >= 0) {
      this.kind[slot] = kind;
      this.start[slot] = start;
      this.end[slot] = this.p;
      this.number[slot] = this.numberValue;
    }
    return SCAN_OK;
  }

  #fail(outcome: number): number {
    this.errorAt = this.p;
    return outcome;
  }

  #grow(slot: number): void {
    const size = Math.max(this.kind.length * 2, slot + 1);
    const kind = new Uint8Array(size);
    kind.set(this.kind);
    this.kind = kind;
    this.start = grown(this.start, size);
    this.end = grown(this.end, size);
    this.hash = grown(this.hash, size);
    const number = new Float64Array(size);
    number.set(this.number);
    this.number = number;
  }
}

function grown(array: Int32Array, size: number): Int32Array {
  const out = new Int32Array(size);
  out.set(array);
  return out;
}
