// The cluster port: how the operator gets workers, whatever runs them. Adapters: local/ (in this process) and,
// on Kubernetes, pods. And the port to the stream, which the composition root fills with a source.

import type { CompiledIngestion } from '../../core/spec/compiled.ts';
import type { IngestionRef } from '../../core/metadata/keys.ts';

/** What a group of workers runs. */
export interface WorkerPlan {
  readonly ref: IngestionRef;
  readonly group: string;
  readonly ingestion: CompiledIngestion;
}

/** A condition as a worker or a step reports it. `isTrue` = all is well. */
export interface Condition {
  readonly type: string;
  readonly isTrue: boolean;
  readonly reason: string;
  readonly message: string;
}

/** The port. */
export interface Cluster {
  /** Starts the group's worker unless it runs. Idempotent. */
  ensureWorker(plan: WorkerPlan): Promise<void>;
  /** Drains and ends a group's worker: what it read is published if the deadline allows. */
  stopWorker(plan: WorkerPlan, deadline: AbortSignal): Promise<void>;
  /** Conditions of a group's worker. */
  conditions(plan: WorkerPlan): readonly Condition[];
}

/** What the operator asks a stream. Same shapes as the worker's source port. */
export interface StreamInspector {
  /** @throws Failure `config` TopicMissing, `transient` SourceUnavailable */
  identity(
    signal: AbortSignal,
  ): Promise<{ readonly id: string; readonly partitions: readonly number[] }>;
  resolve(
    partitions: readonly number[],
    start:
      | { readonly from: 'Earliest' | 'Latest' }
      | { readonly from: 'Timestamp'; readonly timestampMs: number }
      | { readonly from: 'Offsets'; readonly offsets: ReadonlyMap<number, number> },
    signal: AbortSignal,
  ): Promise<ReadonlyMap<number, number>>;
  close(): Promise<void>;
}
