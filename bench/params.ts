// What every benchmark can be told on the command line.

/** Sizes of a run. */
export interface BenchParams {
  readonly seed: number;
  readonly rows: number;
  readonly rounds: number;
}
