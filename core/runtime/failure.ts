// The one error type that crosses module edges. Six kinds decide what a caller does; the code says which
// of the documented failures it is. Foreign errors become a Failure in the adapter's `classify.ts`.

/** What the caller must do; see docs/errors.md. */
const FAILURE_KINDS = ['transient', 'fenced', 'input', 'config', 'corrupt', 'bug'] as const;
/** One of the six kinds. */
export type FailureKind = (typeof FAILURE_KINDS)[number];

/**
 * Everything thrown across a module edge.
 *
 * `code` is a short stable PascalCase word, the same in logs, conditions, events and HTTP bodies
 * (`TopicMissing`, `BucketMissing`, `SegmentCorrupt`). The message names the field, the value and the fix.
 */
export class Failure extends Error {
  readonly kind: FailureKind;
  readonly code: string;

  constructor(kind: FailureKind, code: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'Failure';
    this.kind = kind;
    this.code = code;
  }
}

/** True when `error` is a Failure, and of `kind` if one is given. */
export function isFailure(error: unknown, kind?: FailureKind): error is Failure {
  return error instanceof Failure && (kind === undefined || error.kind === kind);
}

/** Throws a `bug` Failure when `condition` is false. For programmer errors only, never for input. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Failure('bug', 'AssertionFailed', message);
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
