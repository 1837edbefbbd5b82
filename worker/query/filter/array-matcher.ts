// Filters on whole lists: equal to one, or holding a value. Source: druid-query-api.md 7.1.

import { getterOf, type SourceSet } from '../engine/source.ts';
import type { ArrayFilter } from '../filter-model.ts';
import { compareValues, convert, type Value } from '../value.ts';
import { NO, UNKNOWN, YES } from './leaf.ts';
import { type Matcher, rowMatcher } from './matcher.ts';

/** Null is unknown. */
export function arrayMatcher(filter: ArrayFilter, sources: SourceSet): Matcher {
  const get = getterOf(sources.source(filter.column));
  const typed = (value: Value): Value => convert(value, filter.elementType);
  const wanted = filter.type === 'arrayEquals' ? filter.values.map(typed) : typed(filter.value);
  const passes = Array.isArray(wanted)
    ? (list: readonly Value[]) => compareValues(list, wanted) === 0
    : (list: readonly Value[]) => list.some((item) => compareValues(item, wanted) === 0);
  return rowMatcher(sources.cursor, (row) => {
    const value = get(row);
    if (value === null) return UNKNOWN;
    const list: readonly Value[] = Array.isArray(value) ? value : [value];
    return passes(list.map(typed)) ? YES : NO;
  });
}
