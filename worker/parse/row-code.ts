// A learned row as one straight function: the template's loop with its words, lengths and slots written out, which takes
// less than half the time (performance.md 5). Made by the row template once a shape has lasted; only integers derived
// from the bytes of keys enter the text. It does what RowTemplate's own loop does, field by field.

import { HASH_FACTOR, HASH_SEED } from '../view/fields.ts';
import { RAW_INTEGER, RAW_STRING } from './json-cursor.ts';
import type { RowScanner } from './row-scanner.ts';

/** Most fields that are written out: beyond it V8 does not optimize a function of this size any more. */
export const CODE_FIELDS_MAX = 64;

/**
 * Scans the fields of the row at `p`, which ends before `limit`; whole words may be read up to `limit + 3`.
 *
 * @returns the position behind the last field, or -1 when the row is of another shape. `scanner.sawHighBit` is set when
 *          text has bytes above 0x7f.
 */
export type RowCode = (scanner: RowScanner, p: number, limit: number) => number;

/** One field: the bytes in front of its value, and the slot of the value. */
export interface FieldShape {
  readonly slot: number;
  /** Bytes of the literal, at least four. */
  readonly length: number;
  /** Its little-endian words; the last one ends where the literal ends and may overlap the one before. */
  readonly words: Int32Array;
}

/** Functions by their text. A sequence begins with a new parser but the same shape: what V8 has optimized is kept. */
const made = new Map<string, RowCode>();
const MADE_MAX = 32;

/** Writes the function, or finds the one made before. */
export function rowCode(fields: readonly FieldShape[]): RowCode {
  const text = `'use strict';
    const { bytes, view, kind, start, end, hash, number } = scanner;
    let q = 0, w = 0, a = 0, b = 0, special = 0, h = 0, seen = 0, c = 0, value = 0;
    ${fields.map(fieldCode).join('\n')}
    if ((seen & 0x80808080) !== 0) scanner.sawHighBit = true;
    return p;`;
  const known = made.get(text);
  if (known !== undefined) return known;
  // oxlint-disable-next-line typescript/no-implied-eval -- nothing of a row's text is in it, only numbers
  const code = new Function('scanner', 'p', 'limit', text) as RowCode;
  if (made.size >= MADE_MAX) made.clear();
  made.set(text, code);
  return code;
}

function fieldCode({ slot, length, words }: FieldShape): string {
  const last = words.length - 1;
  const differs = Array.from(words, (word, i) => {
    const at = i === last ? length - 4 : i * 4;
    return `view.getInt32(p + ${at}, true) !== ${word}`;
  });
  return `
    if (p + ${length} >= limit || ${differs.join(' || ')}) return -1;
    p += ${length};
    c = bytes[p];
    if (c === 0x22) {
      ${textCode(slot)}
    } else {
      ${integerCode(slot)}
    }`;
}

/** As RowTemplate.#text: four bytes a step, the hash on the way. */
function textCode(slot: number): string {
  return `
      h = ${HASH_SEED};
      special = 0;
      for (q = p + 1; q < limit; q += 4) {
        w = view.getInt32(q, true);
        a = w ^ 0x22222222;
        b = w ^ 0x5c5c5c5c;
        special =
          (((a - 0x01010101) & ~a) | ((b - 0x01010101) & ~b) | ((w - 0x20202020) & ~w)) & 0x80808080;
        if (special !== 0) break;
        seen |= w;
        h = Math.imul(h ^ w, ${HASH_FACTOR});
        h ^= h >>> 15;
      }
      if (special !== 0) {
        seen |= w;
        c = (31 - Math.clz32(special & -special)) & 24;
        if (c !== 0) {
          h = Math.imul(h ^ (w & ((1 << c) - 1)), ${HASH_FACTOR});
          h ^= h >>> 15;
          q += c >>> 3;
        }
      }
      if (q < limit && bytes[q] === 0x22) {
        kind[${slot}] = ${RAW_STRING};
        start[${slot}] = p + 1;
        end[${slot}] = q;
        hash[${slot}] = h;
        p = q + 1;
      } else {
        if (!scanner.valueAt(p, ${slot})) return -1;
        p = scanner.p;
      }`;
}

/** Plain integers of at most 15 digits; zero first, minus zero, fractions and all else go the general way. */
function integerCode(slot: number): string {
  return `
      q = p;
      if (c === 0x2d) c = bytes[++q];
      a = q;
      b = c;
      value = 0;
      while (c >= 0x30 && c <= 0x39) {
        value = value * 10 + (c - 0x30);
        c = bytes[++q];
      }
      if (
        q > a && q - a <= 15 && q < limit && (b !== 0x30 || (q - a === 1 && a === p)) &&
        c !== 0x2e && c !== 0x45 && c !== 0x65
      ) {
        kind[${slot}] = ${RAW_INTEGER};
        start[${slot}] = p;
        end[${slot}] = q;
        number[${slot}] = a === p ? value : -value;
        p = q;
      } else {
        if (!scanner.valueAt(p, ${slot})) return -1;
        p = scanner.p;
      }`;
}
