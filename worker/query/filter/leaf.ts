// Leaf filters as tests on one value: text, LONG or double. Three outcomes, because a comparison with null is
// unknown. Fed by compile.ts for whole columns. Source: druid-query-api.md 7.

import type { LeafFilter } from '../filter-model.ts';
import { compileExtraction } from '../text/extraction.ts';
import { javaRegex } from '../text/java-regex.ts';
import { textComparator } from '../text/order.ts';
import { likeTest, searchTest, type TextTest } from '../text/text-predicate.ts';
import {
  compareText,
  doubleOfText,
  exactLongOfText,
  longOfText,
  type OutputType,
} from '../value.ts';

/** Outcome of a test. */
export const NO = 0;
export const YES = 1;
export const UNKNOWN = 2;
/** One of NO, YES, UNKNOWN. */
export type Tri = 0 | 1 | 2;

/** A test of a nullable text. */
type TextTri = (text: string | null) => Tri;

const tri = (value: boolean): Tri => (value ? YES : NO);

/**
 * A leaf as a test on text, extraction function included.
 *
 * @throws Failure `input` QueryInvalid for bad patterns
 */
export function textTri(leaf: LeafFilter): TextTri {
  const plain = plainTri(leaf);
  if (leaf.extractionFn === null) return plain;
  const extract = compileExtraction(leaf.extractionFn);
  return (text) => plain(extract(text));
}

function plainTri(leaf: LeafFilter): TextTri {
  switch (leaf.type) {
    case 'selector': {
      const { value } = leaf;
      return value === null ? (text) => tri(text === null) : notNull((text) => text === value);
    }
    case 'equals':
      return equalsText(leaf);
    case 'null':
      return (text) => tri(text === null);
    case 'in': {
      const values = new Set(leaf.values);
      // No value at all is false even for null.
      if (values.size === 0) return () => NO;
      return values.has(null)
        ? (text) => tri(values.has(text))
        : notNull((text) => values.has(text));
    }
    case 'bound':
      return boundText(leaf);
    case 'range':
      return rangeText(leaf);
    case 'like':
      return notNull(likeTest(leaf.pattern, leaf.escape));
    case 'regex': {
      const regex = javaRegex(leaf.pattern);
      return notNull((text) => regex.test(text));
    }
    case 'search':
      return notNull(searchTest(leaf.query));
    case 'interval':
      return notNull((text) => {
        const long = longOfText(text);
        return (
          long !== null &&
          leaf.intervals.some((i) => Number(long) >= i.startMs && Number(long) < i.endMs)
        );
      });
  }
}

function notNull(test: TextTest): TextTri {
  return (text) => (text === null ? UNKNOWN : tri(test(text)));
}

function equalsText(leaf: LeafFilter & { type: 'equals' }): TextTri {
  if (leaf.matchValueType === 'STRING') return notNull((text) => text === leaf.value);
  const wanted = doubleOfText(leaf.value);
  return notNull(
    (text) => text === leaf.value || (wanted !== null && doubleOfText(text) === wanted),
  );
}

function boundText(leaf: LeafFilter & { type: 'bound' }): TextTri {
  const inside = within(leaf, textComparator(leaf.ordering));
  // Orders other than Druid's own compare null like a value, which is below all others.
  const ofNull = leaf.lower === null ? YES : leaf.ordering === 'lexicographic' ? UNKNOWN : NO;
  return (text) => (text === null ? ofNull : tri(inside(text)));
}

function rangeText(leaf: LeafFilter & { type: 'range' }): TextTri {
  if (leaf.matchValueType === 'STRING') return notNull(within(leaf, compareText));
  const test = numberRange(leaf);
  return (text) => {
    const double = text === null ? null : doubleOfText(text);
    return double === null ? UNKNOWN : tri(test(double));
  };
}

interface Bounds {
  readonly lower: string | null;
  readonly upper: string | null;
  readonly lowerStrict: boolean;
  readonly upperStrict: boolean;
}

function within(bounds: Bounds, compare: (a: string, b: string) => number): TextTest {
  const { lower, upper, lowerStrict, upperStrict } = bounds;
  return (text) => {
    if (lower !== null) {
      const order = compare(text, lower);
      if (lowerStrict ? order <= 0 : order < 0) return false;
    }
    if (upper === null) return true;
    const order = compare(text, upper);
    return upperStrict ? order < 0 : order <= 0;
  };
}

function numberRange(bounds: Bounds): (value: number) => boolean {
  // Text that is no number comes before all numbers, as in the numeric order of texts.
  const low =
    (bounds.lower === null ? null : doubleOfText(bounds.lower)) ?? Number.NEGATIVE_INFINITY;
  const high = bounds.upper === null ? Number.POSITIVE_INFINITY : doubleOfText(bounds.upper);
  if (high === null) return () => false;
  const { lowerStrict, upperStrict } = bounds;
  return (value) =>
    (lowerStrict ? value > low : value >= low) && (upperStrict ? value < high : value <= high);
}

/** A test on numbers: `double` when doubles decide exactly, `long` when 64 bits are needed, else on their text. */
export type NumberTest =
  | { readonly on: 'double'; readonly ofNull: Tri; test(value: number): boolean }
  | { readonly on: 'long'; readonly ofNull: Tri; test(value: bigint): boolean }
  | { readonly on: 'text'; test: TextTri };

const never = (ofNull: Tri): NumberTest => ({ on: 'double', ofNull, test: () => false });

/** A leaf as a test on a column of numbers. */
export function numberTest(leaf: LeafFilter, type: Exclude<OutputType, 'STRING'>): NumberTest {
  if (leaf.extractionFn !== null) return { on: 'text', test: textTri(leaf) };
  switch (leaf.type) {
    case 'selector':
      return leaf.value === null
        ? { on: 'double', ofNull: YES, test: () => false }
        : oneOf([leaf.value], type, UNKNOWN);
    case 'equals':
      return oneOf([leaf.value], type, UNKNOWN);
    case 'null':
      return { on: 'double', ofNull: YES, test: () => false };
    case 'in':
      return oneOf(
        leaf.values.filter((value) => value !== null),
        type,
        leaf.values.includes(null) ? YES : UNKNOWN,
      );
    case 'bound':
      return leaf.ordering === 'numeric'
        ? inRange(leaf, type, UNKNOWN)
        : { on: 'text', test: notNull(within(leaf, textComparator(leaf.ordering))) };
    case 'range':
      return inRange(leaf, type, UNKNOWN);
    case 'interval': {
      const { intervals } = leaf;
      return {
        on: 'double',
        ofNull: UNKNOWN,
        test: (value) => intervals.some((i) => value >= i.startMs && value < i.endMs),
      };
    }
    default:
      return { on: 'text', test: textTri(leaf) };
  }
}

function oneOf(
  texts: readonly string[],
  type: Exclude<OutputType, 'STRING'>,
  ofNull: Tri,
): NumberTest {
  if (type !== 'LONG') {
    const round = type === 'FLOAT' ? Math.fround : (x: number) => x;
    const wanted = texts
      .map(doubleOfText)
      .filter((x) => x !== null)
      .map(round);
    const [only] = wanted;
    if (only === undefined) return never(ofNull);
    if (wanted.length === 1)
      return { on: 'double', ofNull, test: (value) => Object.is(value, only) };
    return { on: 'double', ofNull, test: (value) => wanted.some((x) => Object.is(x, value)) };
  }
  const longs = texts.map(exactLongOfText).filter((x) => x !== null);
  if (longs.every((x) => Number.isSafeInteger(Number(x)))) {
    const wanted = new Set(longs.map(Number));
    const [only = Number.NaN] = wanted;
    return wanted.size <= 1
      ? { on: 'double', ofNull, test: (value) => value === only }
      : { on: 'double', ofNull, test: (value) => wanted.has(value) };
  }
  const wanted = new Set(longs);
  return { on: 'long', ofNull, test: (value) => wanted.has(value) };
}

function inRange(leaf: Bounds, type: Exclude<OutputType, 'STRING'>, ofNull: Tri): NumberTest {
  const exact = (text: string | null): boolean => {
    if (text === null) return true;
    const double = doubleOfText(text);
    return (
      double === null || Math.abs(double) < Number.MAX_SAFE_INTEGER || longOfText(text) === null
    );
  };
  if (type !== 'LONG' || (exact(leaf.lower) && exact(leaf.upper))) {
    return { on: 'double', ofNull, test: numberRange(leaf) };
  }
  const low =
    leaf.lower === null
      ? null
      : (longOfText(leaf.lower) ?? BigInt(Math.floor(doubleOfText(leaf.lower) ?? 0)));
  const high =
    leaf.upper === null
      ? null
      : (longOfText(leaf.upper) ?? BigInt(Math.ceil(doubleOfText(leaf.upper) ?? 0)));
  return {
    on: 'long',
    ofNull,
    test: (value) =>
      (low === null || (leaf.lowerStrict ? value > low : value >= low)) &&
      (high === null || (leaf.upperStrict ? value < high : value <= high)),
  };
}
