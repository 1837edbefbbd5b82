// Quantiles sketches toss coins, so two of the same values differ within a bound. Takes Druid's value where ours is
// within it, so that all else can be compared exactly. Used by the golden tests on the set `sketches`.

import { QuantilesSketch } from '../../core/complex/quantiles-sketch.ts';

/** Twice the normalised rank error of k = 64 (0.027), and a little: both sides are estimates. */
const RANK_ERROR = 0.06;
/** The values are spread evenly from 0 to this. */
const SPREAD = 5000;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Our answer with Druid's quantiles where ours are close enough. */
export function closeQuantiles(ours: unknown, druids: unknown): unknown {
  if (Array.isArray(ours) && Array.isArray(druids))
    return ours.map((item, i) => closeQuantiles(item, druids[i]));
  if (!isObject(ours) || !isObject(druids)) return ours;
  return Object.fromEntries(
    Object.entries(ours).map(([key, value]) => {
      const theirs = druids[key];
      if (key === 'p50' || key === 'ps') return [key, close(value, theirs, RANK_ERROR * SPREAD)];
      if (key === 'rk') return [key, close(value, theirs, RANK_ERROR)];
      if (key === 'hi') return [key, close(value, theirs, RANK_ERROR * Number(druids['q']))];
      if (key === 'q' && typeof value === 'string') return [key, sameSketch(value, theirs)];
      return [key, closeQuantiles(value, theirs)];
    }),
  );
}

function close(ours: unknown, druids: unknown, tolerance: number): unknown {
  if (Array.isArray(ours) && Array.isArray(druids))
    return ours.map((item, i) => close(item, druids[i], tolerance));
  return Math.abs(numberOf(ours) - numberOf(druids)) <= tolerance ? druids : ours;
}

/** A number as the exact JSON reader keeps it. */
function numberOf(value: unknown): number {
  return Number(isObject(value) && 'text' in value ? value['text'] : value);
}

function sameSketch(ours: string, druids: unknown): unknown {
  if (typeof druids !== 'string') return ours;
  const [a, b] = [ours, druids].map((text) => QuantilesSketch.ofBytes(Buffer.from(text, 'base64')));
  const isSame =
    a !== undefined &&
    b !== undefined &&
    a.n === b.n &&
    a.k === b.k &&
    a.min === b.min &&
    a.max === b.max &&
    ours.length === druids.length;
  return isSame ? druids : ours;
}
