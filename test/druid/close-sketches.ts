// Quantiles sketches toss coins, and HLL estimates depend on the order of values: two sketches of the same values
// differ within a bound. Takes Druid's value where ours is within it, so that all else can be compared exactly.
// Used by the golden tests on the set `sketches`.

import { HllSketch } from '../../core/complex/hll-sketch.ts';
import { QuantilesSketch } from '../../core/complex/quantiles-sketch.ts';

/** Twice the normalised rank error of k = 64 (0.027), and a little: both sides are estimates. */
const RANK_ERROR = 0.06;
/** The values are spread evenly from 0 to this. */
const SPREAD = 5000;
/** Three deviations of an HLL estimate of 2^11 registers (0.023 each). */
const HLL_ERROR = 0.07;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Our answer with Druid's values where ours are close enough.
 *
 * @param isOrdered  values came in Druid's order, so that HLL estimates must be the same
 */
export function closeSketches(ours: unknown, druids: unknown, isOrdered: boolean): unknown {
  if (Array.isArray(ours) && Array.isArray(druids))
    return ours.map((item, i) => closeSketches(item, druids[i], isOrdered));
  if (!isObject(ours) || !isObject(druids)) return ours;
  return Object.fromEntries(
    Object.entries(ours).map(([key, value]) => {
      const theirs = druids[key];
      switch (key) {
        case 'p50':
        case 'ps':
          return [key, close(value, theirs, RANK_ERROR * SPREAD)];
        case 'rk':
          return [key, close(value, theirs, RANK_ERROR)];
        case 'hi':
          return [key, close(value, theirs, RANK_ERROR * Number(druids['q']))];
        case 'q':
          return [key, typeof value === 'string' ? sameQuantiles(value, theirs) : value];
        case 'h':
        case 'he':
        case 'hr':
          return [key, isOrdered ? value : closeEstimate(value, theirs)];
        default:
          return [key, closeSketches(value, theirs, isOrdered)];
      }
    }),
  );
}

function close(ours: unknown, druids: unknown, tolerance: number): unknown {
  if (Array.isArray(ours) && Array.isArray(druids))
    return ours.map((item, i) => close(item, druids[i], tolerance));
  return Math.abs(Number(ours) - Number(druids)) <= tolerance ? druids : ours;
}

function closeEstimate(ours: unknown, druids: unknown): unknown {
  const [a, b] = [ours, druids].map((value) =>
    typeof value === 'string'
      ? HllSketch.ofBytes(Buffer.from(value, 'base64')).estimate()
      : Number(value),
  );
  return Math.abs((a ?? 0) - (b ?? 0)) <= HLL_ERROR * (b ?? 0) ? druids : ours;
}

function sameQuantiles(ours: string, druids: unknown): unknown {
  if (typeof druids !== 'string') return ours;
  const [a, b] = [ours, druids].map((text) => QuantilesSketch.ofBytes(Buffer.from(text, 'base64')));
  const isSame =
    a !== undefined &&
    b !== undefined &&
    a.n === b.n &&
    a.k === b.k &&
    a.min === b.min &&
    a.max === b.max;
  return isSame ? druids : ours;
}
