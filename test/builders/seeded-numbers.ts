// Numbers from a seed, so that a failure found by chance can be repeated. Used by the tests that damage segments.

/** Whole numbers from 0 to one below what is asked for. */
export function seededNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
