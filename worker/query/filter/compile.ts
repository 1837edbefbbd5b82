// Filters compiled for one view: bits of a vector at a time, true and unknown apart. String filters run once a
// dictionary entry; where the column has bitmaps and few entries match, rows are never looked at.
// Fed by the query and source.ts; feeds selection.ts. Source: druid-query-api.md 7, performance.md 6.

import type { Dictionary } from '../../view/view.ts';
import { isTrue } from '../expression/compile.ts';
import { getterOf, type Source, type SourceSet, type StringSource } from '../engine/source.ts';
import type { Filter, LeafFilter } from '../model.ts';
import { textOf, type Value } from '../value.ts';
import { likePrefix } from '../text/text-predicate.ts';
import { allOf, anyOf, constant, type Matcher, not, rowMatcher, WORDS } from './matcher.ts';
import { NO, type NumberTest, numberTest, textTri, type Tri, UNKNOWN, YES } from './leaf.ts';
import { columnComparison } from './column-comparison.ts';

/** With more matching entries than this, reading ids is cheaper than combining bitmaps. */
const BITMAPS_MAX = 1024;

/**
 * Compiles a filter over the columns of one view.
 *
 * @throws Failure `input` QueryInvalid for filters the column's type cannot take
 */
export function compileFilter(filter: Filter, sources: SourceSet): Matcher {
  switch (filter.type) {
    case 'true':
      return constant(YES);
    case 'false':
      return constant(NO);
    case 'and':
      return allOf(filter.fields.map((field) => compileFilter(field, sources)));
    case 'or':
      return anyOf(filter.fields.map((field) => compileFilter(field, sources)));
    case 'not':
      return not(compileFilter(filter.field, sources));
    case 'expression': {
      const source = sources.expression(filter.expression);
      if (source.perText !== null) {
        const { map } = source.perText;
        return stringMatcher(source.perText.source, sources, (text) => triOf(map(text)), null);
      }
      return rowMatcher(sources.cursor, (row) => triOf(source.get(row)));
    }
    case 'columnComparison':
      return columnComparison(filter.dimensions, sources);
    default:
      return leafMatcher(filter, sources);
  }
}

function triOf(value: Value): Tri {
  return value === null ? UNKNOWN : isTrue(value) ? YES : NO;
}

function leafMatcher(leaf: LeafFilter, sources: SourceSet): Matcher {
  const source = sources.source(leaf.dimension);
  switch (source.kind) {
    case 'missing':
      return constant(textTri(leaf)(null));
    case 'string':
      return stringMatcher(source, sources, textTri(leaf), leaf);
    case 'numeric':
      return numericMatcher(source, sources, numberTest(leaf, source.type));
    case 'computed':
      return computedMatcher(source, sources, leaf);
    case 'complex': {
      const test = textTri(leaf);
      return rowMatcher(sources.cursor, (row) => test(source.bytes(row) === undefined ? null : ''));
    }
  }
}

function numericMatcher(
  source: Source & { kind: 'numeric' },
  sources: SourceSet,
  test: NumberTest,
): Matcher {
  if (test.on === 'text') {
    const get = getterOf(source);
    const known = new Map<Value, Tri>();
    return rowMatcher(sources.cursor, (row) => {
      const value = get(row);
      let result = known.get(value);
      if (result === undefined) {
        result = test.test(textOf(value));
        if (known.size < 65_536) known.set(value, result);
      }
      return result;
    });
  }
  if (test.on === 'long') {
    return rowMatcher(sources.cursor, (row) =>
      source.nulls()?.[row] === 1 ? test.ofNull : test.test(source.longs()[row]!) ? YES : NO,
    );
  }
  return {
    match(t, u) {
      const { count } = sources.cursor;
      const values = source.doubles();
      const nulls = source.nulls();
      for (let base = 0; base < count; base += 32) {
        const end = Math.min(base + 32, count);
        let yes = 0;
        let unknown = 0;
        for (let row = base; row < end; row++) {
          if (nulls !== null && nulls[row] === 1) {
            if (test.ofNull === YES) yes |= 1 << (row & 31);
            else if (test.ofNull === UNKNOWN) unknown |= 1 << (row & 31);
          } else if (test.test(values[row]!)) yes |= 1 << (row & 31);
        }
        t[base >> 5] = yes;
        if (u !== null) u[base >> 5] = unknown;
      }
    },
  };
}

function computedMatcher(
  source: Source & { kind: 'computed' },
  sources: SourceSet,
  leaf: LeafFilter,
): Matcher {
  const ofText = textTri(leaf);
  const ofValue = (value: Value): Tri => {
    if (Array.isArray(value))
      return listTri(
        value.map((item: Value) => ofText(textOf(item))),
        ofText(null),
      );
    if (typeof value === 'bigint') return numberTri(numberTest(leaf, 'LONG'), value);
    if (typeof value === 'number') return numberTri(numberTest(leaf, 'DOUBLE'), value);
    return ofText(textOf(value));
  };
  if (source.perText !== null) {
    const { map } = source.perText;
    return stringMatcher(source.perText.source, sources, (text) => ofValue(map(text)), null);
  }
  const known = new Map<Value, Tri>();
  return rowMatcher(sources.cursor, (row) => {
    const value = source.get(row);
    if (Array.isArray(value)) return ofValue(value);
    let result = known.get(value);
    if (result === undefined) {
      result = ofValue(value);
      if (known.size < 65_536) known.set(value, result);
    }
    return result;
  });
}

function numberTri(test: NumberTest, value: bigint | number): Tri {
  if (test.on === 'text') return test.test(textOf(value));
  const passes =
    test.on === 'long' ? typeof value === 'bigint' && test.test(value) : test.test(Number(value));
  return passes ? YES : NO;
}

function listTri(items: readonly Tri[], ofEmpty: Tri): Tri {
  if (items.length === 0) return ofEmpty;
  return items.includes(YES) ? YES : items.includes(UNKNOWN) ? UNKNOWN : NO;
}

/** `leaf` narrows the entries to test when it is a plain comparison; null tests them all. */
function stringMatcher(
  source: StringSource,
  sources: SourceSet,
  test: (text: string | null) => Tri,
  leaf: LeafFilter | null,
): Matcher {
  const { column } = source;
  const table = entryTable(column.dictionary, test, leaf);
  const ids: number[] = [];
  const unknownIds: number[] = [];
  for (let id = 0; id < table.length; id++) {
    if (table[id] === YES) ids.push(id);
    else if (table[id] === UNKNOWN) unknownIds.push(id);
  }
  if (ids.length === 0 && unknownIds.length === 0 && !column.multi) return constant(NO);
  // An empty list is null without an entry of its own, so its rows are only found by reading lists.
  const ofEmpty = test(null);
  const isPlain = !column.multi || ofEmpty === NO || column.dictionary.idOf(null) >= 0;
  if (column.hasBitmaps && isPlain && ids.length + unknownIds.length <= BITMAPS_MAX) {
    return bitmapMatcher(source, sources, ids, unknownIds);
  }
  return column.multi
    ? listMatcher(source, sources, table, ofEmpty)
    : idMatcher(source, sources, table);
}

function bitmapMatcher(
  source: StringSource,
  sources: SourceSet,
  ids: readonly number[],
  unknownIds: readonly number[],
): Matcher {
  const words = (sources.view.rows + 31) >> 5;
  const build = (entries: readonly number[]): Int32Array => {
    const bits = new Int32Array(words);
    for (const id of entries) source.column.orBitmap(id, bits);
    return bits;
  };
  const yes = build(ids);
  let unknown: Int32Array | undefined;
  return {
    match(t, u) {
      const first = sources.cursor.from >> 5;
      const last = first + ((sources.cursor.count + 31) >> 5);
      t.set(yes.subarray(first, last));
      if (u === null) return;
      unknown ??= unknownIds.length === 0 ? undefined : build(unknownIds);
      if (unknown === undefined) u.fill(0, 0, last - first);
      // A list with a matching value passes, whatever else it holds.
      else for (let w = first; w < last; w++) u[w - first] = unknown[w]! & ~yes[w]!;
    },
  };
}

function idMatcher(source: StringSource, sources: SourceSet, table: Uint8Array): Matcher {
  return {
    match(t, u) {
      const { count } = sources.cursor;
      const ids = source.ids();
      for (let base = 0; base < count; base += 32) {
        const end = Math.min(base + 32, count);
        let yes = 0;
        let unknown = 0;
        for (let row = base; row < end; row++) {
          const result = table[ids[row]!]!;
          yes |= (result & 1) << (row & 31);
          unknown |= (result >> 1) << (row & 31);
        }
        t[base >> 5] = yes;
        if (u !== null) u[base >> 5] = unknown;
      }
    },
  };
}

function listMatcher(
  source: StringSource,
  sources: SourceSet,
  table: Uint8Array,
  ofEmpty: Tri,
): Matcher {
  return {
    match(t, u) {
      const { count } = sources.cursor;
      const { offsets, ids } = source.lists();
      t.fill(0, 0, WORDS);
      u?.fill(0, 0, WORDS);
      for (let row = 0; row < count; row++) {
        const start = offsets[row]!;
        const end = offsets[row + 1]!;
        let result = start === end ? ofEmpty : NO;
        for (let i = start; i < end; i++) result |= table[ids[i]!]!;
        if ((result & YES) !== 0) t[row >> 5] = t[row >> 5]! | (1 << (row & 31));
        else if (u !== null && result === UNKNOWN) u[row >> 5] = u[row >> 5]! | (1 << (row & 31));
      }
    },
  };
}

/** Outcome per dictionary entry, testing only the entries that can match where the dictionary order tells. */
function entryTable(
  dictionary: Dictionary,
  test: (text: string | null) => Tri,
  leaf: LeafFilter | null,
): Uint8Array {
  const table = new Uint8Array(dictionary.size);
  const nullId = dictionary.idOf(null);
  if (nullId >= 0) table[nullId] = test(null);
  if (leaf !== null && leaf.extractionFn === null) {
    const wanted =
      leaf.type === 'selector'
        ? [leaf.value]
        : leaf.type === 'in'
          ? leaf.values
          : leaf.type === 'null'
            ? []
            : undefined;
    if (wanted !== undefined) {
      for (const value of wanted) {
        const id = value === null ? -1 : dictionary.idOf(value);
        if (id >= 0) table[id] = YES;
      }
      return table;
    }
  }
  const [from, to] =
    dictionary.sorted && leaf !== null ? entryRange(dictionary, leaf) : [0, dictionary.size];
  for (let id = from; id < to; id++) if (id !== nullId) table[id] = test(dictionary.value(id));
  return table;
}

/** Entries outside `[from, to)` cannot match, by the order of a sorted dictionary. */
function entryRange(dictionary: Dictionary, leaf: LeafFilter): readonly [number, number] {
  if (leaf.extractionFn === null) {
    const isTextRange =
      (leaf.type === 'bound' && leaf.ordering === 'lexicographic') ||
      (leaf.type === 'range' && leaf.matchValueType === 'STRING');
    if (isTextRange) {
      const from =
        leaf.lower === null ? 0 : firstEntry(dictionary, (text) => text >= (leaf.lower ?? ''));
      const to =
        leaf.upper === null
          ? dictionary.size
          : firstEntry(dictionary, (text) => text > (leaf.upper ?? ''));
      return [from, to];
    }
    if (leaf.type === 'like') {
      const prefix = likePrefix(leaf.pattern, leaf.escape);
      return [
        firstEntry(dictionary, (text) => text >= prefix),
        firstEntry(dictionary, (text) => text > prefix && !text.startsWith(prefix)),
      ];
    }
  }
  return [0, dictionary.size];
}

/** The first entry from which on `holds`, by bisection; null entries never hold. */
function firstEntry(dictionary: Dictionary, holds: (text: string) => boolean): number {
  let low = 0;
  let high = dictionary.size;
  while (low < high) {
    const middle = (low + high) >> 1;
    const text = dictionary.value(middle);
    if (text !== null && holds(text)) high = middle;
    else low = middle + 1;
  }
  return low;
}
