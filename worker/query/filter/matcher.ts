// Bits of one vector: the algebra of three-valued filters on words of 32 rows. Fed by compile.ts, used by
// selection.ts. Source: druid-query-api.md 7.

import { VECTOR_ROWS } from '../../view/view.ts';
import type { Cursor } from '../engine/cursor.ts';
import { type Tri, UNKNOWN, YES } from './leaf.ts';

/** Words of a vector. */
export const WORDS: number = VECTOR_ROWS >> 5;

/** A compiled filter. */
export interface Matcher {
  /**
   * Sets bit r & 31 of word r >> 5 for each row r of the cursor's vector: in `t` where the filter is true, in `u`
   * where it is unknown. `u` null = not wanted. Bits beyond the vector's rows are undefined.
   */
  match(t: Int32Array, u: Int32Array | null): void;
}

const words = (): Int32Array => new Int32Array(WORDS);

export function constant(result: Tri): Matcher {
  return {
    match(t, u) {
      t.fill(result === YES ? -1 : 0);
      u?.fill(result === UNKNOWN ? -1 : 0);
    },
  };
}

/** A test per row, for what has no faster form. */
export function rowMatcher(cursor: Cursor, test: (row: number) => Tri): Matcher {
  return {
    match(t, u) {
      t.fill(0);
      u?.fill(0);
      for (let row = 0; row < cursor.count; row++) {
        const result = test(row);
        if (result === YES) t[row >> 5] = t[row >> 5]! | (1 << (row & 31));
        else if (result === UNKNOWN && u !== null) u[row >> 5] = u[row >> 5]! | (1 << (row & 31));
      }
    },
  };
}

/** Not: true and false change places, unknown stays. */
export function not(inner: Matcher): Matcher {
  const unknown = words();
  return {
    match(t, u) {
      inner.match(t, unknown);
      for (let w = 0; w < WORDS; w++) t[w] = ~(t[w]! | unknown[w]!);
      u?.set(unknown);
    },
  };
}

/** And: empty is true. */
export function allOf(fields: readonly Matcher[]): Matcher {
  const [only, ...others] = fields;
  if (only === undefined) return constant(YES);
  if (others.length === 0) return only;
  const t1 = words();
  const u1 = words();
  return {
    match(t, u) {
      only.match(t, u);
      for (const field of others) {
        field.match(t1, u === null ? null : u1);
        for (let w = 0; w < WORDS; w++) {
          const both = t[w]! & t1[w]!;
          // Unknown when neither is false and not both are true.
          if (u !== null) u[w] = (t[w]! | u[w]!) & (t1[w]! | u1[w]!) & ~both;
          t[w] = both;
        }
      }
    },
  };
}

/** Or: empty is false. */
export function anyOf(fields: readonly Matcher[]): Matcher {
  const [only, ...others] = fields;
  if (only === undefined) return constant(0);
  if (others.length === 0) return only;
  const t1 = words();
  const u1 = words();
  return {
    match(t, u) {
      only.match(t, u);
      for (const field of others) {
        field.match(t1, u === null ? null : u1);
        for (let w = 0; w < WORDS; w++) {
          const either = t[w]! | t1[w]!;
          if (u !== null) u[w] = (u[w]! | u1[w]!) & ~either;
          t[w] = either;
        }
      }
    },
  };
}
