// Confidence bounds of the number of values behind the hashes of a theta sketch. Each value's hash falls below theta
// with probability theta, so the number of values until the n-th hash is negative binomial. Fed by theta-sketch.ts.
// Source: Apache DataSketches, "Theta Sketch Confidence Intervals" (binomial proportions).

import { LOWER_DEVIATIONS, UPPER_DEVIATIONS } from './theta-deviations.ts';

/** Probability of a value beyond 1, 2 or 3 deviations, on one side, with DataSketches' error function. */
const TAILS: readonly number[] = [0.15865531915860265, 0.022750261890413515, 0.0013498126861731796];
/** Up to this many hashes the normal approximation needs help. */
const FEW = 120;
/** Up to this expected number of values the bounds of few hashes are exact. */
const EXACT_VALUES = 360;
/** Above this theta hardly a value can be missing. */
const ALMOST_ALL = 1 - 1e-5;

/**
 * Least number of values at `deviations` standard deviations (1, 2 or 3).
 *
 * @param hashes number of hashes below theta
 * @param theta above 0, at most 1
 */
export function thetaLowerBound(hashes: number, theta: number, deviations: number): number {
  const bound = lowerBound(hashes, theta, deviations);
  return Math.min(hashes / theta, Math.max(hashes, bound));
}

/** Greatest number of values; parameters as for {@link thetaLowerBound}. */
export function thetaUpperBound(hashes: number, theta: number, deviations: number): number {
  return Math.max(hashes / theta, upperBound(hashes, theta, deviations));
}

function lowerBound(hashes: number, theta: number, deviations: number): number {
  if (theta === 1 || hashes === 0) return hashes;
  const tail = TAILS[deviations - 1] ?? 0;
  if (hashes === 1) return Math.floor(Math.log(1 - tail) / Math.log(1 - theta));
  if (hashes > FEW) return normalBound(hashes, theta, deviations, -1);
  if (theta > ALMOST_ALL) return hashes;
  if (theta < hashes / EXACT_VALUES)
    return normalBound(hashes, theta, LOWER_DEVIATIONS[3 * (hashes - 1) + deviations - 1] ?? 0, -1);
  return valuesAbove(hashes, theta, tail) - 1;
}

function upperBound(hashes: number, theta: number, deviations: number): number {
  if (theta === 1) return hashes;
  const tail = TAILS[deviations - 1] ?? 0;
  if (hashes === 0) return Math.ceil(Math.log(tail) / Math.log(1 - theta));
  if (hashes > FEW) return normalBound(hashes, theta, deviations, 1);
  if (theta > ALMOST_ALL) return hashes + 1;
  if (theta < hashes / EXACT_VALUES)
    return normalBound(hashes, theta, UPPER_DEVIATIONS[3 * (hashes - 1) + deviations - 1] ?? 0, 1);
  return valuesAbove(hashes + 1, theta, 1 - tail);
}

/**
 * The number of values x so far from its expectation: |(hashes +- 1/2) / theta - x| = deviations * sqrt(x (1 - theta) /
 * theta), with the correction of continuity.
 */
function normalBound(hashes: number, theta: number, deviations: number, side: -1 | 1): number {
  const expected = (hashes + side * 0.5) / theta;
  const spread = deviations * Math.sqrt((1 - theta) / theta);
  const middle = expected + 0.5 * spread * spread;
  const distance = 0.5 * spread * Math.sqrt(spread * spread + 4 * expected);
  return middle + side * (distance + 0.5);
}

/** The least number of values among which `hashes` fall below theta with more than this probability. */
function valuesAbove(hashes: number, theta: number, probability: number): number {
  let values = hashes;
  let term = theta ** hashes;
  let sum = term;
  while (sum <= probability) {
    term *= ((1 - theta) * values) / (values + 1 - hashes);
    values++;
    sum += term;
  }
  return values;
}
