// Aggregators and post-aggregators over the DataSketches types. Part of model.ts; plain data like it.
// Source: druid-query-api.md 10, 11.

import type { ThetaOperation } from '../../core/complex/theta-sketch.ts';

/** thetaSketch, HLLSketchBuild, HLLSketchMerge, quantilesDoublesSketch and its Merge. */
export interface SketchAggregator {
  readonly type: 'sketch';
  readonly name: string;
  readonly fieldName: string;
  /** The type as the query wrote it, and its parameters with defaults. */
  readonly sketch: {
    readonly type: string;
    readonly size: number;
    readonly lgK: number;
    readonly tgtHllType: string;
    readonly k: number;
  };
  /** False: the answer shows the sketch. */
  readonly shouldFinalize: boolean;
  /** thetaSketch: standard deviations of the bounds that a finalised value shows; null = it shows none. */
  readonly errorBoundsStdDev: number | null;
  /** HLL: the estimate is a LONG. */
  readonly round: boolean;
  /** HLL: text is hashed as UTF-8. */
  readonly isUtf8: boolean;
}

/** Post-aggregators over sketches; their inputs are other post-aggregators. */
export type SketchPost =
  | {
      readonly type: 'thetaSketchEstimate';
      readonly name: string;
      /** As of {@link SketchAggregator}. */
      readonly errorBoundsStdDev: number | null;
    }
  | {
      readonly type: 'thetaSketchSetOp';
      readonly name: string;
      readonly func: ThetaOperation;
      readonly size: number;
    }
  | {
      readonly type: 'HLLSketchEstimate';
      readonly name: string;
      readonly round: boolean;
    }
  | {
      readonly type: 'HLLSketchEstimateWithBounds';
      readonly name: string;
      readonly numStdDev: number;
    }
  | {
      readonly type: 'HLLSketchUnion';
      readonly name: string;
      readonly lgK: number;
      readonly tgtHllType: string;
    }
  | {
      readonly type: 'quantiles';
      readonly name: string;
      readonly fn: 'quantile' | 'quantiles' | 'histogram' | 'rank' | 'cdf';
      /** Fractions, split points or the value, by `fn`. */
      readonly numbers: readonly number[];
      /** Histograms without split points: number of equal bins. */
      readonly bins: number;
    };
