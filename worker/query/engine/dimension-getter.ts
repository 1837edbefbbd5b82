// Dimension specs as plain functions of a row and as functions of a value. Fed by the query; feeds grouping,
// cardinality, search and column comparison. Source: druid-query-api.md 8.

import type { Getter } from '../expression/function.ts';
import type { DimensionSpec } from '../filter-model.ts';
import { compileExtraction, compileKeep } from '../text/extraction.ts';
import { convert, floatText, textOf, type Value } from '../value.ts';
import { getterOf, type Source, type SourceSet } from './source.ts';

/** What a transform gives for a value that the dimension leaves out. */
export const DROPPED: unique symbol = Symbol('dropped');

/** Stored value to dimension value: extraction, then value filters, then output type. */
export type Transform = (value: Value) => Value | typeof DROPPED;

/** True when ids of a string column can be used as they are. */
export function isPlain(spec: DimensionSpec): boolean {
  return spec.extractionFn === null && spec.keep.length === 0 && spec.outputType === 'STRING';
}

/** Compiles the transform of a dimension over a source. */
export function dimensionTransform(spec: DimensionSpec, source: Source): Transform {
  const extract = spec.extractionFn === null ? null : compileExtraction(spec.extractionFn);
  const keep = spec.keep.length === 0 ? null : compileKeep(spec.keep);
  const isFloat = source.kind === 'numeric' && source.type === 'FLOAT';
  const text = (value: Value): string | null =>
    isFloat && typeof value === 'number' ? floatText(value) : textOf(value);
  return (value) => {
    let result: Value = extract === null ? value : extract(text(value));
    if (keep !== null) {
      const kept = text(result);
      if (!keep(kept)) return DROPPED;
      result = kept;
    }
    return spec.outputType === 'STRING' ? text(result) : convert(result, spec.outputType);
  };
}

/** The dimension's value at a row: null when nothing is left, a list when several are. */
export function dimensionGetter(spec: DimensionSpec, sources: SourceSet): Getter {
  const source = sources.source(spec.dimension);
  const get = getterOf(source);
  const transform = dimensionTransform(spec, source);
  return (row) => {
    const value = get(row);
    if (!Array.isArray(value)) {
      const result = transform(value);
      return result === DROPPED ? null : result;
    }
    const kept = value.map((item: Value) => transform(item)).filter((item) => item !== DROPPED);
    return kept.length === 0 ? null : kept.length === 1 ? (kept[0] ?? null) : kept;
  };
}
