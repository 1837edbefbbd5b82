// Post-aggregators compiled over the columns of a finished table. Source: druid-query-api.md 11.

import { HyperUnique } from '../../../core/complex/hyper-unique.ts';
import { compileExpression } from '../expression/compile.ts';
import type { LookupTables } from '../expression/function.ts';
import { parseExpression } from '../expression/parser.ts';
import type { PostAggregator } from '../model.ts';
import { sketchPost } from './sketch-post.ts';
import { compareValues, convert, convertItems, doubleOf, longOf, type Value } from '../value.ts';

/** Columns a post-aggregator may read, by output name. Slot -1 is the empty group. */
export interface OutputColumns {
  /** Finalised value. */
  value(name: string, slot: number): Value;
  /** Unfinalised value. */
  raw(name: string, slot: number): Value;
  /** Entries of the lookups that expressions name. */
  readonly lookups: LookupTables;
  /** True when the aggregator of that name rounds its estimate. */
  isRounded(name: string): boolean;
}

/** A post-aggregator as a function of the group. */
export type PostFunction = (slot: number) => Value;

/** Compiles a post-aggregator. Its inputs were checked when the query was parsed. */
export function compilePost(post: PostAggregator, columns: OutputColumns): PostFunction {
  switch (post.type) {
    case 'fieldAccess':
      return (slot) => columns.raw(post.fieldName, slot);
    case 'finalizingFieldAccess':
      return (slot) => columns.value(post.fieldName, slot);
    case 'hyperUniqueCardinality':
      return (slot) =>
        cardinalityOf(columns.raw(post.fieldName, slot), columns.isRounded(post.fieldName));
    case 'thetaSketchEstimate':
    case 'thetaSketchSetOp':
    case 'HLLSketchEstimate':
    case 'HLLSketchEstimateWithBounds':
    case 'HLLSketchUnion':
    case 'quantiles':
      return sketchPost(
        post,
        post.fields.map((field) => compilePost(field, columns)),
      );
    case 'constant': {
      const value = post.isLong ? longOf(post.value) : Number(post.value);
      return () => value;
    }
    case 'arithmetic': {
      const fields = post.fields.map((field) => compilePost(field, columns));
      return (slot) => foldDoubles(post.fn, fields, slot);
    }
    case 'extreme': {
      const fields = post.fields.map((field) => compilePost(field, columns));
      const sign = post.operation === 'greatest' ? 1 : -1;
      return (slot) =>
        fields
          .map((field) => convert(field(slot), post.valueType))
          .reduce(
            (best, value) =>
              value !== null && (best === null || compareValues(value, best) * sign > 0)
                ? value
                : best,
            null,
          );
    }
    case 'expression': {
      const get = compileExpression(
        parseExpression(post.expression),
        (name) => (slot) => columns.value(name, slot),
        columns.lookups,
      );
      const { outputType } = post;
      return outputType === null ? get : (slot) => convertItems(get(slot), outputType);
    }
  }
}

function cardinalityOf(raw: Value, isRounded: boolean): Value {
  if (!(raw instanceof Uint8Array)) return doubleOf(raw) ?? 0;
  const sketch = new HyperUnique();
  sketch.foldBytes(raw);
  return isRounded ? BigInt(Math.round(sketch.estimate())) : sketch.estimate();
}

/** Left fold in doubles; any null gives null, `/` by zero gives 0. */
function foldDoubles(fn: string, fields: readonly PostFunction[], slot: number): Value {
  let result: number | null = null;
  for (const [i, field] of fields.entries()) {
    const value = doubleOf(field(slot));
    if (value === null) return null;
    result = i === 0 || result === null ? value : apply(fn, result, value);
  }
  return result;
}

function apply(fn: string, a: number, b: number): number {
  switch (fn) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return b === 0 ? 0 : a / b;
    case 'quotient':
      return a / b;
    default:
      return a ** b;
  }
}
