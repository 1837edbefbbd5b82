// What validation reports. Made by validate.ts and rules.ts, printed by the command line, shown in conditions.

/** One thing wrong with a resource. */
export interface SpecProblem {
  /** Dotted path such as `spec.schema.metrics[0].fieldName`. */
  readonly field: string;
  /** What is wrong and what to write instead. */
  readonly message: string;
}
