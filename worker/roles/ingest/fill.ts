// Fills one sequence: pulls record sets from the source, feeds the index thread, persists when memory is full, and
// says why it ended. Back-pressure is not pulling. Fed by the group runner with the sequence; it decides what is next.
// Invariant I1: positions move only by what the index thread has acknowledged.

import { Failure, isFailure } from '../../../core/runtime/failure.ts';
import type { Allocation } from '../../publish/allocator.ts';
import { hasReached } from '../../publish/sequence-plan.ts';
import type { Fetched, RecordSet, SourceStop } from '../../source/port.ts';
import type { OffsetReset } from '../../publish/offset-reset.ts';
import type { GroupParts } from './group-parts.ts';
import type { IndexEvent, RecordsDone } from './index-messages.ts';
import { chunkTarget, type SequenceRun } from './sequence-run.ts';

/** Record sets on their way through the index thread; enough to hide the hand-over, few enough to cut soon. */
const IN_FLIGHT_MAX = 4;
const TICK_MS = 100;

/** Why filling ended. `halted`: reading must not go on; `reset` is the jump that would allow it. */
export type Fill =
  | {
      readonly reason:
        | 'end'
        | 'period'
        | 'rows'
        | 'bytes'
        | 'chunks'
        | 'partitions'
        | 'schema'
        | 'drain';
    }
  | {
      readonly reason: 'halted';
      readonly code: string;
      readonly message: string;
      readonly reset?: OffsetReset;
    };

/** What the runner lends to a fill. */
export interface FillControl {
  readonly drain: AbortSignal;
  /** The failure that ended the session, if any. */
  readonly lost: () => Failure | undefined;
  readonly needChunk: (timeMs: number) => Promise<Allocation>;
}

/** Fills `run` until it ends; everything it read is then frozen and being persisted. */
export async function fillSequence(
  parts: GroupParts,
  run: SequenceRun,
  control: FillControl,
): Promise<Fill> {
  const filling = new Filling(parts, run, control);
  try {
    return await filling.work();
  } finally {
    filling.close();
  }
}

class Filling {
  readonly #parts: GroupParts;
  readonly #run: SequenceRun;
  readonly #control: FillControl;
  readonly #flight: Set<Promise<void>> = new Set();
  #rows = 0;
  #bytes = 0;
  #persistedAtMs: number;
  #halt: (Fill & { reason: 'halted' }) | undefined;
  #failure: Failure | undefined;
  #partitionsCheckedMs = 0;
  #badRecords: number;
  readonly #unsubscribe: () => void;

  constructor(parts: GroupParts, run: SequenceRun, control: FillControl) {
    this.#parts = parts;
    this.#run = run;
    this.#control = control;
    this.#persistedAtMs = parts.clock.monotonicMs();
    this.#badRecords = run.badRecords;
    this.#unsubscribe = parts.index.onEvent((event) => void this.#onEvent(event));
  }

  close(): void {
    this.#unsubscribe();
    for (const partition of Object.keys(this.#run.positions))
      this.#parts.source.unassign(Number(partition));
  }

  async work(): Promise<Fill> {
    const { source } = this.#parts;
    const run = this.#run;
    await this.#openIndex();
    for (const [partition, position] of Object.entries(run.positions)) {
      const end = run.state.end?.[partition];
      if (end === undefined || position.offset < end.offset)
        source.assign(Number(partition), position.offset, position.leaderEpoch);
    }
    for (;;) {
      const ended = this.#ended();
      if (ended !== undefined) {
        await Promise.all(this.#flight);
        this.#check();
        await this.#parts.persister.persist(run);
        return ended;
      }
      await this.#makeRoom();
      // One after the other: what was fetched at once may be several times what memory is meant to hold.
      for (const item of await this.#pull()) {
        await this.#makeRoom();
        this.#take(item);
        while (this.#flight.size >= IN_FLIGHT_MAX) await Promise.race(this.#flight);
      }
    }
  }

  #openIndex(): Promise<void> {
    const { dataSource, ingestion } = this.#parts;
    const run = this.#run;
    return this.#parts.index.call({
      type: 'open',
      sequenceId: run.state.id,
      schema: run.schema,
      chunks: run.chunks.map((chunk) => chunkTarget(dataSource, chunk)),
      dimensions: run.dimensions,
      positions: run.positions,
      end: run.state.end ?? null,
      samplesMax: ingestion.badRecords.samples,
    });
  }

  #ended(): Fill | undefined {
    this.#check();
    const { ingestion, clock } = this.#parts;
    const { segments } = ingestion;
    const run = this.#run;
    if (run.state.end !== undefined) {
      if (hasReached(run.positions, run.state.end)) return { reason: 'end' };
      return this.#control.drain.aborted ? { reason: 'drain' } : this.#halt;
    }
    if (this.#halt !== undefined) return this.#halt;
    if (this.#control.drain.aborted) return { reason: 'drain' };
    if (
      run.schema !== this.#parts.schema &&
      JSON.stringify(run.schema) !== JSON.stringify(this.#parts.schema)
    )
      return { reason: 'schema' };
    if (run.rows + this.#rows >= segments.maxRows) return { reason: 'rows' };
    if (run.bytes + this.#bytes >= segments.maxBytes) return { reason: 'bytes' };
    if (run.chunks.length >= segments.maxOpenChunks) return { reason: 'chunks' };
    if (clock.nowMs() - run.state.openedMs >= segments.periodMs && this.#hasRead())
      return { reason: 'period' };
    return this.#partitionsChanged() ? { reason: 'partitions' } : undefined;
  }

  #hasRead(): boolean {
    return Object.entries(this.#run.positions).some(
      ([p, { offset }]) => offset > (this.#run.state.start[p]?.offset ?? offset),
    );
  }

  /** Partitions that join or leave the group end the sequence (protocol.md 4.2); looked at once a second. */
  #partitionsChanged(): boolean {
    const { clock } = this.#parts;
    if (clock.monotonicMs() - this.#partitionsCheckedMs < 1000) return false;
    this.#partitionsCheckedMs = clock.monotonicMs();
    return this.#parts.partitionsChanged(this.#run.state);
  }

  /** Persists when memory is full or old; waits when a persist is still running. */
  async #makeRoom(): Promise<void> {
    const { ingestion, persister, clock, metrics } = this.#parts;
    const { maxRowsInMemory, maxBytesInMemory, persistPeriodMs } = ingestion.segments;
    const isFull = this.#rows >= maxRowsInMemory || this.#bytes >= maxBytesInMemory;
    const isOld = this.#rows > 0 && clock.monotonicMs() - this.#persistedAtMs >= persistPeriodMs;
    if (!isFull && !isOld) return;
    if (persister.isBusy) {
      if (!isFull) return;
      const startedMs = clock.monotonicMs();
      await persister.idle;
      metrics.backPressure((clock.monotonicMs() - startedMs) / 1000);
    }
    await Promise.all(this.#flight);
    this.#check();
    await persister.persist(this.#run);
    this.#rows = 0;
    this.#bytes = 0;
    this.#persistedAtMs = clock.monotonicMs();
  }

  async #pull(): Promise<readonly Fetched[]> {
    const tick = new AbortController();
    const stopTick = new AbortController();
    void this.#parts.clock.sleep(TICK_MS, stopTick.signal).then(() => tick.abort());
    try {
      return await this.#parts.source.next(AbortSignal.any([tick.signal, this.#control.drain]));
    } finally {
      stopTick.abort();
    }
  }

  #take(item: Fetched): void {
    if (item.kind === 'stopped') {
      this.#stopped(item.stop);
      return;
    }
    const work = this.#feed(item.set).catch((error: unknown) => {
      if (isFailure(error, 'corrupt')) {
        // Publish what was read; the bytes behind it need a person.
        this.#halt ??= { reason: 'halted', code: error.code, message: error.message };
        return;
      }
      this.#failure ??=
        error instanceof Failure
          ? error
          : new Failure('bug', 'AssertionFailed', String(error), error);
    });
    const tracked: Promise<void> = work.finally(() => this.#flight.delete(tracked));
    this.#flight.add(tracked);
  }

  async #feed(set: RecordSet): Promise<void> {
    const { index, source, metrics, status, ingestion } = this.#parts;
    const bytes = set.bytes.length;
    const done = await index.call<RecordsDone>({ type: 'records', set }, [set.bytes.buffer]);
    source.recycle(done.buffer);
    this.#run.positions[String(done.partition)] = done.position;
    this.#rows = done.rows;
    this.#bytes = done.bytes;
    if (done.isEnd) source.unassign(done.partition);
    metrics.records(done, bytes, this.#parts.clock.nowMs());
    metrics.lag(done.partition, set.lagRecords);
    status.lag(done.partition, set.lagRecords);
    for (const [outcome, count] of Object.entries(done.counts)) {
      if (outcome.startsWith('unparseable') || outcome.startsWith('processedWithError'))
        this.#badRecords += count;
    }
    this.#run.badRecords = this.#badRecords;
    if (this.#badRecords > ingestion.badRecords.max) {
      this.#halt ??= {
        reason: 'halted',
        code: 'BadRecordsExceeded',
        message: `spec.badRecords.max: value ${ingestion.badRecords.max} is exceeded (${this.#badRecords} bad records); what was read is published. Raise the limit, or mend the producer`,
      };
    }
  }

  /** A partition that cannot be read on. With `offsetOutOfRange: Stop` everything read is published and reading waits. */
  #stopped(stop: SourceStop): void {
    const { ingestion } = this.#parts;
    if (stop.reason !== 'OffsetOutOfRange') {
      this.#halt ??= { reason: 'halted', code: stop.reason, message: stop.message };
      return;
    }
    const policy = ingestion.source.type === 'kafka' ? ingestion.source.offsetOutOfRange : 'Stop';
    const message = `partition ${stop.partition}: offset ${stop.offset} is gone, the topic holds ${stop.earliest} to ${stop.latest}; spec.source.kafka.offsetOutOfRange is ${policy}`;
    const to = policy === 'ResetToLatest' ? stop.latest : stop.earliest;
    this.#halt ??=
      policy === 'Stop'
        ? {
            reason: 'halted',
            code: stop.reason,
            message: `${message}. Set ResetToEarliest or ResetToLatest to go on without the lost records`,
          }
        : {
            reason: 'halted',
            code: stop.reason,
            message,
            reset: { partition: stop.partition, to, reason: `OffsetOutOfRange: ${policy}` },
          };
  }

  async #onEvent(event: IndexEvent): Promise<void> {
    if (event.sequenceId !== this.#run.state.id) return;
    try {
      const allocation = await this.#control.needChunk(event.timeMs);
      this.#parts.index.post({
        type: 'chunk',
        chunk: chunkTarget(this.#parts.dataSource, allocation),
      });
    } catch (error) {
      this.#failure ??=
        error instanceof Failure
          ? error
          : new Failure('bug', 'AssertionFailed', String(error), error);
      // The thread still waits for its chunk; the session ends and resets it.
      this.#parts.resetIndex();
    }
  }

  #check(): void {
    const failure = this.#failure ?? this.#parts.persister.failure ?? this.#control.lost();
    if (failure !== undefined) throw failure;
  }
}
