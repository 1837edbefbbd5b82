// Post-aggregators over sketches: estimates, set operations, quantiles. Their inputs are the bytes of sketches, or
// null for none. Called by post-aggregate.ts. Source: druid-query-api.md 11.

import { hllType } from '../../../core/complex/complex-kind.ts';
import { HllSketch } from '../../../core/complex/hll-sketch.ts';
import {
  quantileOf,
  QuantilesSketch,
  rankOf,
  type SortedView,
} from '../../../core/complex/quantiles-sketch.ts';
import {
  thetaOfBytes,
  thetaSetOperation,
  type ThetaSketch,
} from '../../../core/complex/theta-sketch.ts';
import { invalid } from '../parse/fields.ts';
import type { SketchPost } from '../sketch-model.ts';
import type { Value } from '../value.ts';
import { valueJson } from './json.ts';

type Input = (slot: number) => Value;

/** Values of a group by slot. `inputs` are the fields of the post-aggregator, compiled. */
export function sketchPost(post: SketchPost, inputs: readonly Input[]): Input {
  const first = inputs[0] ?? (() => null);
  switch (post.type) {
    case 'thetaSketchEstimate':
      return (slot) => thetaOf(post.name, first(slot)).estimate();
    case 'thetaSketchSetOp':
      return (slot) => {
        const sketches = inputs.map((input) => thetaOf(post.name, input(slot)));
        return thetaSetOperation(post.func, post.size, sketches).toBytes();
      };
    case 'HLLSketchEstimate':
      return (slot) => {
        const estimate = hllOf(post.name, first(slot)).estimate();
        return post.round ? BigInt(Math.round(estimate)) : estimate;
      };
    case 'HLLSketchEstimateWithBounds':
      return (slot) => hllOf(post.name, first(slot)).bounds(post.numStdDev);
    case 'HLLSketchUnion':
      return (slot) => {
        const union = new HllSketch(post.lgK, hllType(post.tgtHllType));
        for (const input of inputs) union.fold(hllOf(post.name, input(slot)));
        return union.toBytes();
      };
    case 'quantiles':
      return (slot) => quantilesValue(post, first(slot));
  }
}

/** JSON of the estimate of a theta sketch between its bounds. `value` is its bytes or null, as of `name`. */
export function thetaBoundsJson(name: string, value: Value, deviations: number): string {
  const sketch = thetaOf(name, value);
  const [low, high] = sketch.bounds(deviations);
  const [estimate, lowBound, highBound] = [sketch.estimate(), low, high].map((n) => valueJson(n));
  return `{"estimate":${estimate},"highBound":${highBound},"lowBound":${lowBound},"numStdDev":${deviations}}`;
}

function bytesOf(name: string, value: Value): Uint8Array {
  if (value === null) return new Uint8Array(0);
  if (value instanceof Uint8Array) return value;
  throw invalid(`postAggregator [${name}]: its field is no sketch; use fieldAccess of a sketch`);
}

function thetaOf(name: string, value: Value): ThetaSketch {
  return thetaOfBytes(bytesOf(name, value));
}

function hllOf(name: string, value: Value): HllSketch {
  return HllSketch.ofBytes(bytesOf(name, value));
}

function quantilesValue(post: SketchPost & { type: 'quantiles' }, value: Value): Value {
  const bytes = bytesOf(post.name, value);
  const sketch = bytes.length === 0 ? new QuantilesSketch(2) : QuantilesSketch.ofBytes(bytes);
  const view = sketch.sorted();
  const { fn, numbers } = post;
  const [number = 0] = numbers;
  switch (fn) {
    case 'quantile':
      return quantileOf(view, number);
    case 'quantiles':
      return numbers.map((fraction) => quantileOf(view, fraction));
    case 'rank':
      return rankOf(view, number);
    case 'cdf':
      return cumulative(view, numbers);
    case 'histogram': {
      const splits = numbers.length > 0 ? numbers : equalSplits(sketch, post.bins);
      const ranks = cumulative(view, splits);
      return ranks.map((rank, i) => (i === 0 ? rank : rank - (ranks[i - 1] ?? 0)) * sketch.n);
    }
  }
}

/** Rank of each split point, then 1; all NaN of nothing. */
function cumulative(view: SortedView, splits: readonly number[]): number[] {
  const end = view.values.length === 0 ? Number.NaN : 1;
  return [...splits.map((split) => rankOf(view, split)), end];
}

function equalSplits({ min, max }: QuantilesSketch, bins: number): number[] {
  const width = (max - min) / bins;
  return Array.from({ length: bins - 1 }, (_, i) => min + width * (i + 1));
}
