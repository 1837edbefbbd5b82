// The tokens of JSON over bytes: strings with their hash, exact plain numbers, literals, and nested values that
// are checked and passed without recursion. The scanner of root fields and the list reader build on it.
// Nothing is allocated a token. Grammar: RFC 8259, strictly; control characters in strings are refused.

import { HASH_FACTOR, HASH_SEED } from '../view/fields.ts';
import { firstByteShift, specialBytes } from './text-words.ts';

/** Kinds of a raw field. Absent is 0 so that one fill resets a row. */
export const RAW_ABSENT = 0;
export const RAW_NULL = 1;
export const RAW_TRUE = 2;
export const RAW_FALSE = 3;
/** Text without escapes: slice and hash are final. */
export const RAW_STRING = 4;
/** Text with escapes: the slice is still encoded. */
export const RAW_ESCAPED = 5;
/** An integer of at most 15 digits; `number` is exact. */
export const RAW_INTEGER = 6;
/** Any other number with an exact double in `number`. */
export const RAW_DECIMAL = 7;
/** A number that needs the text: long integers, exponents, many digits. */
export const RAW_NUMBER_TEXT = 8;
export const RAW_ARRAY = 9;
export const RAW_OBJECT = 10;

/** Why a record is not a row. 0 = it is. */
export const SCAN_OK = 0;
export const SCAN_NOT_OBJECT = 1;
export const SCAN_MALFORMED = 2;
export const SCAN_TOO_DEEP = 3;
export const SCAN_INVALID_UTF8 = 4;

/** Deepest nesting accepted; what lies deeper makes the record unparseable. */
const MAX_DEPTH = 500;

const POWERS_OF_TEN = Float64Array.from({ length: 23 }, (_, i) => 10 ** i);

/** A position in a buffer and the token just passed. Methods answer a RAW_* kind, RAW_ABSENT = malformed. */
export class JsonCursor {
  bytes: Uint8Array = new Uint8Array(0);
  view: DataView = new DataView(new ArrayBuffer(0));
  /** Next byte to look at. */
  p = 0;
  /** One past the last byte of the record. */
  limit = 0;
  /** hashBytes of the last RAW_STRING. */
  textHash = 0;
  /** Value of the last RAW_INTEGER or RAW_DECIMAL. */
  numberValue = 0;
  /** True once a byte above 0x7f was passed: the record's UTF-8 must be checked. */
  sawHighBit = false;
  private readonly isArrayAtDepth: Uint8Array = new Uint8Array(MAX_DEPTH + 1);

  /** From behind the opening quote to behind the closing one. RAW_STRING (hash set), RAW_ESCAPED or RAW_ABSENT. */
  string(): number {
    const { bytes, view, limit } = this;
    const wordsEnd = bytes.length - 3;
    let p = this.p;
    let h = HASH_SEED;
    let seen = 0;
    while (p < limit && p < wordsEnd) {
      const w = view.getInt32(p, true);
      const special = specialBytes(w);
      if (special === 0) {
        seen |= w;
        h = Math.imul(h ^ w, HASH_FACTOR);
        h ^= h >>> 15;
        p += 4;
        continue;
      }
      const shift = firstByteShift(special);
      const part = w & ((1 << shift) - 1);
      if (((seen | part) & 0x80808080) !== 0) this.sawHighBit = true;
      if (shift !== 0) {
        h = Math.imul(h ^ part, HASH_FACTOR);
        h ^= h >>> 15;
      }
      return this.stringEnd(p + (shift >>> 3), h);
    }
    if ((seen & 0x80808080) !== 0) this.sawHighBit = true;
    return this.stringTail(p, h);
  }

  /** The last three bytes of the buffer, where no whole word can be read. */
  private stringTail(from: number, hash: number): number {
    const { bytes, limit } = this;
    let word = 0;
    let p = from;
    for (; p < limit; p++) {
      const c = bytes[p] as number;
      if (c === 0x22 || c === 0x5c || c < 0x20) break;
      if (c >= 0x80) this.sawHighBit = true;
      word |= c << ((p - from) * 8);
    }
    let h = hash;
    if (p > from) {
      h = Math.imul(h ^ word, HASH_FACTOR);
      h ^= h >>> 15;
    }
    return this.stringEnd(p, h);
  }

  /** What the byte that ended a run of plain text means. */
  private stringEnd(at: number, hash: number): number {
    const c = at < this.limit ? (this.bytes[at] as number) : 0;
    if (c === 0x22) {
      this.textHash = hash;
      this.p = at + 1;
      return RAW_STRING;
    }
    if (c === 0x5c) return this.escapedString(at);
    this.p = at;
    return RAW_ABSENT;
  }

  private escapedString(from: number): number {
    const b = this.bytes;
    const limit = this.limit;
    let p = from;
    while (p < limit) {
      const c = b[p] as number;
      if (c === 0x22) {
        this.p = p + 1;
        return RAW_ESCAPED;
      }
      if (c < 0x20) break;
      if (c >= 0x80) this.sawHighBit = true;
      if (c === 0x5c) {
        p++;
        const e = p < limit ? (b[p] as number) : 0;
        if (e === 0x75) {
          for (let i = 1; i <= 4; i++)
            if (p + i >= limit || !isHex(b[p + i] as number)) return RAW_ABSENT;
          p += 4;
        } else if (!isSimpleEscape(e)) {
          break;
        }
      }
      p++;
    }
    this.p = p;
    return RAW_ABSENT;
  }

  /** RAW_INTEGER, RAW_DECIMAL or RAW_NUMBER_TEXT; RAW_ABSENT when the grammar is broken. */
  numberToken(): number {
    const b = this.bytes;
    const limit = this.limit;
    let p = this.p;
    const isNegative = b[p] === 0x2d;
    if (isNegative) p++;
    const first = p;
    let mantissa = 0;
    let c = p < limit ? (b[p] as number) : 0;
    while (c >= 0x30 && c <= 0x39) {
      mantissa = mantissa * 10 + (c - 0x30);
      p++;
      c = p < limit ? (b[p] as number) : 0;
    }
    let digits = p - first;
    if (digits === 0 || (digits > 1 && b[first] === 0x30)) return RAW_ABSENT;
    let fraction = 0;
    if (c === 0x2e) {
      p++;
      c = p < limit ? (b[p] as number) : 0;
      while (c >= 0x30 && c <= 0x39) {
        mantissa = mantissa * 10 + (c - 0x30);
        fraction++;
        p++;
        c = p < limit ? (b[p] as number) : 0;
      }
      if (fraction === 0) return RAW_ABSENT;
      digits += fraction;
    }
    const hasExponent = c === 0x65 || c === 0x45;
    if (hasExponent) {
      p++;
      if (p < limit && (b[p] === 0x2b || b[p] === 0x2d)) p++;
      const exponentStart = p;
      while (p < limit && (b[p] as number) >= 0x30 && (b[p] as number) <= 0x39) p++;
      if (p === exponentStart) return RAW_ABSENT;
    }
    this.p = p;
    if (hasExponent || digits > 15) return RAW_NUMBER_TEXT;
    // Both operands are exact doubles, so the quotient is the correctly rounded value of the text.
    const value = fraction === 0 ? mantissa : mantissa / (POWERS_OF_TEN[fraction] as number);
    this.numberValue = isNegative ? -value : value;
    return fraction === 0 && !(isNegative && mantissa === 0) ? RAW_INTEGER : RAW_DECIMAL;
  }

  /** Passes a literal word. */
  literal(word: string, kind: number): number {
    if (this.p + word.length > this.limit) return RAW_ABSENT;
    for (let i = 0; i < word.length; i++) {
      if (this.bytes[this.p + i] !== word.charCodeAt(i)) return RAW_ABSENT;
    }
    this.p += word.length;
    return kind;
  }

  /** Checks and passes a nested array or object without recursion. */
  nested(): number {
    const b = this.bytes;
    const isArray = this.isArrayAtDepth;
    let depth = 0;
    let needsValue = true;
    for (;;) {
      this.skipSpace();
      if (this.p >= this.limit) return SCAN_MALFORMED;
      const c = b[this.p] as number;
      if (needsValue && (c === 0x5b || c === 0x7b)) {
        if (++depth > MAX_DEPTH) return SCAN_TOO_DEEP;
        isArray[depth] = c === 0x5b ? 1 : 0;
        this.p++;
        this.skipSpace();
        const close = c === 0x5b ? 0x5d : 0x7d;
        if (b[this.p] === close && this.p < this.limit) {
          needsValue = false;
        } else {
          if (c === 0x7b && !this.nestedKey()) return SCAN_MALFORMED;
          continue;
        }
      } else if (needsValue) {
        if (!this.scalar(c)) return SCAN_MALFORMED;
        needsValue = false;
        continue;
      }
      if (b[this.p] === (isArray[depth] === 1 ? 0x5d : 0x7d)) {
        this.p++;
        if (--depth === 0) return SCAN_OK;
        continue;
      }
      if (b[this.p] !== 0x2c) return SCAN_MALFORMED;
      this.p++;
      needsValue = true;
      if (isArray[depth] === 0 && !this.nestedKey()) return SCAN_MALFORMED;
    }
  }

  private nestedKey(): boolean {
    this.skipSpace();
    if (this.p >= this.limit || this.bytes[this.p] !== 0x22) return false;
    this.p++;
    if (this.string() === RAW_ABSENT) return false;
    this.skipSpace();
    if (this.p >= this.limit || this.bytes[this.p] !== 0x3a) return false;
    this.p++;
    return true;
  }

  private scalar(c: number): boolean {
    if (c === 0x22) {
      this.p++;
      return this.string() !== RAW_ABSENT;
    }
    if (c === 0x2d || (c >= 0x30 && c <= 0x39)) return this.numberToken() !== RAW_ABSENT;
    if (c === 0x74) return this.literal('true', RAW_TRUE) !== RAW_ABSENT;
    if (c === 0x66) return this.literal('false', RAW_FALSE) !== RAW_ABSENT;
    return c === 0x6e && this.literal('null', RAW_NULL) !== RAW_ABSENT;
  }

  /** Passes white space. */
  skipSpace(): void {
    const b = this.bytes;
    let p = this.p;
    while (p < this.limit) {
      const c = b[p] as number;
      if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) break;
      p++;
    }
    this.p = p;
  }
}

function isHex(c: number): boolean {
  return (c >= 0x30 && c <= 0x39) || (c >= 0x41 && c <= 0x46) || (c >= 0x61 && c <= 0x66);
}

function isSimpleEscape(c: number): boolean {
  return (
    c === 0x22 ||
    c === 0x5c ||
    c === 0x2f ||
    c === 0x62 ||
    c === 0x66 ||
    c === 0x6e ||
    c === 0x72 ||
    c === 0x74
  );
}
