// The filter that compares columns of a row with one another, as text. Source: druid-query-api.md 7.1.

import { dimensionGetter } from '../engine/dimension-getter.ts';
import type { SourceSet } from '../engine/source.ts';
import type { DimensionSpec } from '../filter-model.ts';
import { textOf, type Value } from '../value.ts';
import { NO, YES } from './leaf.ts';
import { type Matcher, rowMatcher } from './matcher.ts';

/** True when neighbours share a value; null equals null, lists match by any common value. */
export function columnComparison(
  dimensions: readonly DimensionSpec[],
  sources: SourceSet,
): Matcher {
  const getters = dimensions.map((dimension) => dimensionGetter(dimension, sources));
  return rowMatcher(sources.cursor, (row) => {
    const values = getters.map((get) => textsOf(get(row)));
    return values.every(
      (texts, i) => i === 0 || texts.some((text) => values[i - 1]?.includes(text)),
    )
      ? YES
      : NO;
  });
}

function textsOf(value: Value): (string | null)[] {
  return Array.isArray(value) ? value.map((item: Value) => textOf(item)) : [textOf(value)];
}
