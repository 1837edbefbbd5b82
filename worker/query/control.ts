// What limits a running query: cancellation, deadline, memory; and how often it gives way to other work.
// Fed by roles; checked by every loop over vectors. Source: druid-query-api.md 13.

import { Failure } from '../../core/runtime/failure.ts';

/** The caller's hold on a running query. */
export interface QueryControl {
  /** True once somebody cancelled it; may read a shared word. */
  isCancelled(): boolean;
  /** Milliseconds of any steady clock. */
  nowMs(): number;
  /** On that clock; Infinity = none. */
  readonly deadlineMs: number;
  /** Most groups a query may hold at once on this node. */
  readonly groupsMax: number;
  /** Most bytes of intermediate result, estimated. */
  readonly resultBytesMax: number;
}

/** A control without cancel or deadline, with the default limits. */
export const UNLIMITED: QueryControl = {
  isCancelled: () => false,
  nowMs: () => 0,
  deadlineMs: Number.POSITIVE_INFINITY,
  groupsMax: 2_000_000,
  resultBytesMax: 512 * 1024 * 1024,
};

/** A query gives way after this long, so that ingestion on the same thread is not starved. */
const SLICE_MS = 5;
/** Without a clock that moves, a query gives way after this many vectors. */
const SLICE_VECTORS = 16;

/** Counts work and says when to yield. One per running query. */
export class Pacer {
  readonly control: QueryControl;
  private sliceStartMs: number;
  private vectors = 0;

  constructor(control: QueryControl) {
    this.control = control;
    this.sliceStartMs = control.nowMs();
  }

  /**
   * Call once a vector; true = yield now.
   *
   * @throws Failure `transient` QueryCancelled or QueryTimeout
   */
  step(): boolean {
    const { control } = this;
    if (control.isCancelled())
      throw new Failure('transient', 'QueryCancelled', 'Task was cancelled.');
    const now = control.nowMs();
    if (now > control.deadlineMs) {
      throw new Failure(
        'transient',
        'QueryTimeout',
        'the query ran out of time; narrow its intervals or raise context.timeout',
      );
    }
    if (now - this.sliceStartMs < SLICE_MS && ++this.vectors < SLICE_VECTORS) return false;
    this.sliceStartMs = now;
    this.vectors = 0;
    return true;
  }

  /** @throws Failure `input` ResourceLimitExceeded */
  checkGroups(groups: number, bytes: number): void {
    if (groups > this.control.groupsMax) {
      throw limitExceeded(
        `more than ${this.control.groupsMax} groups; group by fewer dimensions or filter more`,
      );
    }
    this.checkBytes(bytes);
  }

  /** @throws Failure `input` ResourceLimitExceeded */
  checkBytes(bytes: number): void {
    if (bytes > this.control.resultBytesMax) {
      throw limitExceeded(
        `more than ${this.control.resultBytesMax} bytes of intermediate result; ask for less`,
      );
    }
  }
}

/** A 400 of the limit kind. */
export function limitExceeded(what: string): Failure {
  return new Failure('input', 'ResourceLimitExceeded', `Resource limit exceeded: ${what}`);
}
