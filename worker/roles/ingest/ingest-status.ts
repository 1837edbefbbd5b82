// What an ingest worker says of itself: conditions, positions, lag. Fed by the runner; served at
// /sluice/v1/ingest/status, read by the operator and the progress view. Reasons are the codes of failures.

/** One condition. `isTrue` = all is well. */
export interface WorkerCondition {
  readonly type: 'Reading' | 'Publishing' | 'Handoff';
  readonly isTrue: boolean;
  readonly reason: string;
  readonly message: string;
}

/** Conditions and lag of one worker. */
export class IngestStatus {
  readonly #conditions: Map<WorkerCondition['type'], WorkerCondition> = new Map();
  readonly #lag: Map<number, number> = new Map();

  /** Sets a condition. */
  condition(type: WorkerCondition['type'], isTrue: boolean, reason: string, message: string): void {
    this.#conditions.set(type, { type, isTrue, reason, message });
  }

  lag(partition: number, records: number): void {
    this.#lag.set(partition, records);
  }

  conditions(): readonly WorkerCondition[] {
    return [...this.#conditions.values()];
  }

  /** Records behind the end, summed over partitions. */
  lagRecords(): number {
    return [...this.#lag.values()].reduce((sum, lag) => sum + lag, 0);
  }
}
