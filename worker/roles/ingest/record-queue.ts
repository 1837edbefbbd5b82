// The strict order on the index thread: opens, record sets and freezes one after the other, a record set perhaps
// waiting in its middle for a chunk. Queries do not come through here. Fed by the thread's messages.

import { Failure } from '../../../core/runtime/failure.ts';
import type { RecordSet, RecordSlices } from '../../source/port.ts';
import type { ChunkTarget, Frozen, OpenSequence, RecordsDone } from './index-messages.ts';
import { createRecordSlices } from '../../source/walker.ts';
import type { RecordIndexer } from './record-indexer.ts';

/** Turns a record set into slices; one a format. @throws Failure `corrupt` for bytes that fail verification */
export type Walk = (set: RecordSet, out: RecordSlices) => void;

type Job =
  | { readonly type: 'open'; readonly sequence: OpenSequence; readonly done: () => void }
  | {
      readonly type: 'records';
      readonly set: RecordSet;
      readonly done: (result: RecordsDone) => void;
      readonly fail: (error: unknown) => void;
    }
  | { readonly type: 'freeze'; readonly done: (frozen: Frozen) => void };

/** The queue of one index thread. */
export class RecordQueue {
  readonly #indexer: RecordIndexer;
  readonly #walk: Walk;
  readonly #needChunk: (sequenceId: string, timeMs: number) => void;
  readonly #slices: RecordSlices = createRecordSlices();
  readonly #jobs: Job[] = [];
  /** Next record of the job at the head; -1 = not walked yet. */
  #next = -1;
  #isWaiting = false;
  #sequenceId = '';
  /** Partitions with a set that could not be read: what follows it must not be indexed, or the set would be a gap (I1). */
  readonly #poisoned: Map<number, unknown> = new Map();

  constructor(
    indexer: RecordIndexer,
    walk: Walk,
    needChunk: (sequenceId: string, timeMs: number) => void,
  ) {
    this.#indexer = indexer;
    this.#walk = walk;
    this.#needChunk = needChunk;
  }

  open(sequence: OpenSequence): Promise<void> {
    return new Promise((done) => this.#push({ type: 'open', sequence, done }));
  }

  records(set: RecordSet): Promise<RecordsDone> {
    return new Promise((done, fail) => this.#push({ type: 'records', set, done, fail }));
  }

  freeze(): Promise<Frozen> {
    return new Promise((done) => this.#push({ type: 'freeze', done }));
  }

  chunk(target: ChunkTarget): void {
    this.#indexer.addChunk(target);
    this.#isWaiting = false;
    this.#pump();
  }

  /** Fails what waits and forgets everything. */
  reset(): void {
    const jobs = this.#jobs.splice(0);
    this.#next = -1;
    this.#isWaiting = false;
    this.#indexer.reset();
    this.#poisoned.clear();
    for (const job of jobs) {
      if (job.type === 'records')
        job.fail(new Failure('fenced', 'IndexReset', 'the group starts over'));
      else if (job.type === 'freeze') job.done({ pieces: [], positions: {}, dimensions: [] });
      else job.done();
    }
  }

  #push(job: Job): void {
    this.#jobs.push(job);
    this.#pump();
  }

  #pump(): void {
    while (!this.#isWaiting) {
      const [job] = this.#jobs;
      if (job === undefined) return;
      if (job.type === 'records') {
        if (!this.#records(job)) return;
      } else {
        this.#jobs.shift();
        if (job.type === 'open') {
          this.#sequenceId = job.sequence.sequenceId;
          this.#poisoned.clear();
          this.#indexer.open(job.sequence);
          job.done();
        } else {
          const pieces = this.#indexer.freeze();
          job.done({ pieces, ...this.#indexer.state() });
        }
      }
    }
  }

  /** False when the job waits for a chunk. */
  #records(job: Job & { type: 'records' }): boolean {
    const { set } = job;
    const slices = this.#slices;
    try {
      if (this.#poisoned.has(set.partition)) throw this.#poisoned.get(set.partition);
      if (this.#next < 0) {
        this.#walk(set, slices);
        this.#next = 0;
      }
      this.#next = this.#indexer.add(set.partition, slices, this.#next);
    } catch (error) {
      this.#jobs.shift();
      this.#next = -1;
      this.#poisoned.set(set.partition, error);
      job.fail(error);
      return true;
    }
    const end = this.#indexer.endOffset(set.partition);
    const isAtEnd = this.#next < slices.count && (slices.offsets[this.#next] as number) >= end;
    if (this.#next < slices.count && !isAtEnd) {
      this.#isWaiting = true;
      this.#needChunk(this.#sequenceId, this.#indexer.waitingForMs);
      return false;
    }
    this.#jobs.shift();
    const count = this.#next;
    this.#next = -1;
    const position = this.#indexer.advance(set.partition, set.nextOffset, set.leaderEpoch);
    job.done({
      partition: set.partition,
      position,
      isEnd: position.offset >= end,
      counts: this.#indexer.takeCounts(),
      ...this.#indexer.size(),
      buffer: set.bytes,
      gapRecords:
        set.format === 'kafka-v2' ? Math.max(0, position.offset - set.fromOffset - count) : 0,
    });
    return true;
  }
}
