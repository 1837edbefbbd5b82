// The six orders in which text can be compared. Fed by limit specs, topN metrics, bound filters and search.
// Source: druid-query-api.md 12.3.

import { compareDoubles, compareText, doubleOfText } from '../value.ts';

/** Names of the orders. */
export const SORT_ORDERS = [
  'lexicographic',
  'alphanumeric',
  'numeric',
  'strlen',
  'version',
  'natural',
] as const;
/** One of {@link SORT_ORDERS}. */
export type SortOrder = (typeof SORT_ORDERS)[number];

/** Compares two texts, null first in every order. Negative, zero or positive. */
type TextComparator = (a: string | null, b: string | null) => number;

/** The comparator of an order. */
export function textComparator(order: SortOrder): TextComparator {
  const compare = COMPARATORS[order];
  return (a, b) => {
    if (a === null || b === null) return a === b ? 0 : a === null ? -1 : 1;
    return compare(a, b);
  };
}

const COMPARATORS: Readonly<Record<SortOrder, (a: string, b: string) => number>> = {
  lexicographic: compareText,
  natural: compareText,
  alphanumeric: compareAlphanumeric,
  numeric: compareNumeric,
  strlen: (a, b) => a.length - b.length || compareText(a, b),
  version: compareVersions,
};

/** Numbers by value; text that is no number comes first, in lexicographic order. */
function compareNumeric(a: string, b: string): number {
  const x = doubleOfText(a);
  const y = doubleOfText(b);
  if (x === null || y === null) return x === y ? compareText(a, b) : x === null ? -1 : 1;
  if (Number.isSafeInteger(x) && Number.isSafeInteger(y)) return x - y || compareText(a, b);
  const exact = exactOrder(a, b);
  return exact ?? (compareDoubles(x, y) || compareText(a, b));
}

/** Order of two decimal integers too large for a double; undefined when one is not an integer. */
function exactOrder(a: string, b: string): number | undefined {
  if (!/^[+-]?\d+$/.test(a) || !/^[+-]?\d+$/.test(b)) return undefined;
  const x = BigInt(a.replace('+', ''));
  const y = BigInt(b.replace('+', ''));
  return x < y ? -1 : x > y ? 1 : compareText(a, b);
}

const isDigit = (code: number): boolean => code >= 48 && code <= 57;

/** Digit runs compare as numbers, what lies between them without regard to case, as in Druid. */
function compareAlphanumeric(a: string, b: string): number {
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const isNumberA = isDigit(a.charCodeAt(i));
    const isNumberB = isDigit(b.charCodeAt(j));
    if (isNumberA !== isNumberB) return isNumberA ? -1 : 1;
    const endA = runEnd(a, i, isNumberA);
    const endB = runEnd(b, j, isNumberB);
    const runA = a.slice(i, endA);
    const runB = b.slice(j, endB);
    const order = isNumberA ? compareDigits(runA, runB) : compareIgnoringCase(runA, runB);
    if (order !== 0) return order;
    i = endA;
    j = endB;
  }
  return a.length - b.length;
}

/** End of the run of digits, or of anything else, that starts at `from`. */
function runEnd(text: string, from: number, ofDigits: boolean): number {
  let end = from;
  while (end < text.length && isDigit(text.charCodeAt(end)) === ofDigits) end++;
  return end;
}

/** Java's CASE_INSENSITIVE_ORDER: unit by unit, upper case then lower case. */
function compareIgnoringCase(a: string, b: string): number {
  const fold = (text: string): string =>
    Array.from(text, (char) => char.toUpperCase().toLowerCase()).join('');
  return compareText(fold(a), fold(b));
}

/** By value; with equal values fewer leading zeros first. */
function compareDigits(a: string, b: string): number {
  const x = a.replace(/^0+/, '');
  const y = b.replace(/^0+/, '');
  return x.length - y.length || compareText(x, y) || a.length - b.length;
}

/** Dotted versions: numeric parts by value, others by text, a qualifier before its release. */
function compareVersions(a: string, b: string): number {
  const x = a.toLowerCase().split(/[.-]/);
  const y = b.toLowerCase().split(/[.-]/);
  for (let i = 0; i < Math.max(x.length, y.length); i++) {
    const p = x[i] ?? '0';
    const q = y[i] ?? '0';
    const isNumberP = /^\d+$/.test(p);
    const isNumberQ = /^\d+$/.test(q);
    if (isNumberP !== isNumberQ) return isNumberP ? 1 : -1;
    const order = isNumberP ? compareDigits(p, q) : compareText(p, q);
    if (order !== 0) return order;
  }
  return 0;
}
