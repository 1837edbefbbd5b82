// Conditions of a resource: the types, and how a list of them changes. Meanings never change once released.
// Source: operator.md 2.2, B22.

/** Types, in the order they are written. */
const CONDITION_TYPES = [
  'Ready',
  'Progressing',
  'Degraded',
  'SpecValid',
  'AssignmentComplete',
  'SourceReachable',
  'Paused',
] as const;
/** One of {@link CONDITION_TYPES}. */
export type ConditionType = (typeof CONDITION_TYPES)[number];

/** What a condition says. */
export interface Verdict {
  readonly status: 'True' | 'False' | 'Unknown';
  /** One CamelCase word. */
  readonly reason: string;
  readonly message: string;
}

/** A condition as stored. */
export interface StatusCondition extends Verdict {
  readonly type: string;
  readonly observedGeneration: number;
  /** ISO instant. */
  readonly lastTransitionTime: string;
}

/** Every type with its verdict. */
export type Verdicts = Readonly<Record<ConditionType, Verdict>>;

/** All known types, with the time of the last change of `status` kept where it did not change. */
export function conditionsOf(
  verdicts: Verdicts,
  previous: readonly StatusCondition[],
  generation: number,
  nowMs: number,
): readonly StatusCondition[] {
  const now = new Date(nowMs).toISOString().replace(/\.\d+Z$/, 'Z');
  return CONDITION_TYPES.map((type) => {
    const old = previous.find((condition) => condition.type === type);
    const verdict = verdicts[type];
    return {
      type,
      ...verdict,
      observedGeneration: generation,
      lastTransitionTime: old?.status === verdict.status ? old.lastTransitionTime : now,
    };
  });
}
