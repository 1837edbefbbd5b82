// Where each assigned partition stands, shared by the loop that places partitions at their leaders and the
// loops that read from brokers.

import type { Clock } from '../../../core/runtime/clock.ts';
import type { SourceStop } from '../port.ts';
import { type FetchedQueue, orAbort } from '../fetched-queue.ts';

/** One assigned partition. A new assignment makes a new object, so that late answers find theirs replaced. */
export interface PartitionState {
  readonly partition: number;
  /** Next offset to read. */
  offset: number;
  /** Leader epoch of the last batch before the offset, -1 if unknown. */
  epoch: number;
  phase: 'placing' | 'reading' | 'stopped';
  /** `host:port` of the leader while reading. */
  leader: string;
  leaderEpoch: number;
  /** The log is to be compared with what was read: at the start and whenever the leader has changed. */
  needsCheck: boolean;
  /** Pause after an error, on the monotonic clock. */
  notBeforeMs: number;
  /** Since when the cluster does not know the topic or partition; undefined while it does. */
  missingSinceMs: number | undefined;
}

/** The assigned partitions and a bell that rings when something about them changes. */
export interface Assignments {
  readonly states: ReadonlyMap<number, PartitionState>;
  assign(partition: number, offset: number, epoch: number): void;
  unassign(partition: number): void;
  /** True while the object is the current one of its partition. */
  isCurrent(state: PartitionState): boolean;
  /** Sends a partition back to be placed, after a pause. */
  replace(state: PartitionState, pauseMs: number): void;
  /** Ends a partition: its reason comes out of `next`. */
  stop(state: PartitionState, stop: SourceStop): void;
  ring(): void;
  /** Resolves at the next ring, after `ms`, or on abort. */
  changed(ms: number, signal: AbortSignal): Promise<void>;
}

/** Starts with no partition. */
export function createAssignments(queue: FetchedQueue, clock: Clock): Assignments {
  const states = new Map<number, PartitionState>();
  let bell = Promise.withResolvers<void>();
  const ring = (): void => {
    bell.resolve();
    bell = Promise.withResolvers<void>();
  };
  const isCurrent = (state: PartitionState): boolean => states.get(state.partition) === state;
  return {
    states,
    ring,
    isCurrent,
    assign(partition, offset, epoch) {
      states.set(partition, {
        partition,
        offset,
        epoch,
        phase: 'placing',
        leader: '',
        leaderEpoch: -1,
        needsCheck: epoch >= 0,
        notBeforeMs: 0,
        missingSinceMs: undefined,
      });
      ring();
    },
    unassign(partition) {
      states.delete(partition);
      ring();
    },
    replace(state, pauseMs) {
      if (!isCurrent(state) || state.phase === 'stopped') return;
      state.phase = 'placing';
      state.needsCheck = state.epoch >= 0;
      state.notBeforeMs = clock.monotonicMs() + pauseMs;
      ring();
    },
    stop(state, stop) {
      if (!isCurrent(state) || state.phase === 'stopped') return;
      state.phase = 'stopped';
      queue.push({ kind: 'stopped', stop });
      ring();
    },
    async changed(ms, signal) {
      const waited = new AbortController();
      const timer = clock.sleep(ms, AbortSignal.any([signal, waited.signal]));
      await orAbort(Promise.race([bell.promise, timer]), signal);
      waited.abort();
    },
  };
}
