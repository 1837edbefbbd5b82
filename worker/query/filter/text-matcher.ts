// String filters over dictionary columns: once an entry, then bitmaps where few entries match, ids where many do.
// Fed by compile.ts. Source: performance.md 6.

import { emptySlice } from '../../view/byte-slice.ts';
import type { Dictionary } from '../../view/view.ts';
import type { SourceSet } from '../engine/source.ts';
import type { StringSource } from '../engine/stored-source.ts';
import type { LeafFilter } from '../filter-model.ts';
import { type BytesTest, likeBytesTest } from '../text/like-bytes.ts';
import { likePrefix } from '../text/text-predicate.ts';
import { NO, type Tri, UNKNOWN, YES } from './leaf.ts';
import { constant, type Matcher, WORDS } from './matcher.ts';

/** With more matching entries than this, reading ids is cheaper than combining bitmaps. */
const BITMAPS_MAX = 1024;

/**
 * A test on text over a dictionary column. `leaf` narrows the entries to test when it is a plain comparison;
 * null tests them all.
 */
export function stringMatcher(
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
      // A loop is quicker than a view over so few.
      for (let w = first; w < last; w++) t[w - first] = yes[w]!;
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
      if (u === null) return matchYes(table, ids, count, t);
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
        u[base >> 5] = unknown;
      }
    },
  };
}

/** Most filters are not asked which rows are unknown. */
function matchYes(table: Uint8Array, ids: Int32Array, count: number, t: Int32Array): void {
  for (let base = 0; base < count; base += 32) {
    const end = Math.min(base + 32, count);
    let yes = 0;
    for (let row = base; row < end; row++) yes |= (table[ids[row]!]! & 1) << (row & 31);
    t[base >> 5] = yes;
  }
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
  const ofBytes =
    leaf?.type === 'like' && leaf.extractionFn === null
      ? likeBytesTest(leaf.pattern, leaf.escape)
      : null;
  if (ofBytes !== null) testBytes(dictionary, ofBytes, from, to, table);
  else for (let id = from; id < to; id++) if (id !== nullId) table[id] = test(dictionary.value(id));
  return table;
}

/** Marks the entries `from .. to-1` that pass; the null entry stays as it is. */
function testBytes(
  dictionary: Dictionary,
  test: BytesTest,
  from: number,
  to: number,
  table: Uint8Array,
): void {
  const out = emptySlice();
  for (let id = from; id < to; id++) {
    if (dictionary.readUtf8(id, out) && test(out.bytes, out.start, out.end)) table[id] = YES;
  }
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
