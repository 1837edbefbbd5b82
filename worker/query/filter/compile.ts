// Filters compiled for one view: bits of a vector at a time, true and unknown apart.
// Fed by the query and source.ts; feeds selection.ts. Source: druid-query-api.md 7, performance.md 6.

import { isTrue } from '../expression/compile.ts';
import { getterOf, type Source, type SourceSet } from '../engine/source.ts';
import type { Filter, LeafFilter } from '../filter-model.ts';
import { textOf, type Value } from '../value.ts';
import { allOf, anyOf, constant, type Matcher, not, rowMatcher } from './matcher.ts';
import { NO, type NumberTest, numberTest, textTri, type Tri, UNKNOWN, YES } from './leaf.ts';
import { stringMatcher } from './text-matcher.ts';
import { arrayMatcher } from './array-matcher.ts';
import { columnComparison } from './column-comparison.ts';

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
    case 'arrayEquals':
    case 'arrayContains':
      return arrayMatcher(filter, sources);
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
    // A list that is one value equals no scalar and is not null, whatever it holds.
    if (Array.isArray(value) && source.isArray && (leaf.type === 'equals' || leaf.type === 'null'))
      return NO;
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
