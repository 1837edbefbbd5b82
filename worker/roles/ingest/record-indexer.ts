// Record slices -> rows of the open sequence: parse, judge lateness, find the chunk, add. Runs on the index thread;
// knows nothing of threads or messages. Resumable in the middle of a record set, because a row in a new chunk has to
// wait for its segment id. Invariants: I3 (accepting depends on record and partition only), I6 (nothing vanishes).

import type { CompiledSchema } from '../../../core/spec/compiled.ts';
import type { Position } from '../../../core/metadata/values.ts';
import { Failure } from '../../../core/runtime/failure.ts';
import type { IndexData } from '../../index/index-data.ts';
import { IncrementalIndex } from '../../index/incremental-index.ts';
import { judgeLateness, TOO_EARLY, TOO_LATE } from '../../parse/lateness.ts';
import { PARSE_REASONS, RowParser } from '../../parse/row-parser.ts';
import type { RecordSlices } from '../../source/port.ts';
import type { BadRecordSample, ChunkTarget, FrozenPiece, OpenSequence } from './index-messages.ts';

const SAMPLE_BYTES = 1024;

interface Sink {
  readonly target: ChunkTarget;
  piece: number;
  index: IncrementalIndex | undefined;
}

/** A piece of memory that queries may read. */
export interface MemoryPiece extends FrozenPiece {
  readonly data: IndexData;
  readonly schema: CompiledSchema;
}

/** Indexer of one sequence at a time. */
export class RecordIndexer {
  readonly samples: BadRecordSample[] = [];
  #sequence: OpenSequence | undefined;
  #parser: RowParser | undefined;
  #sinks: Sink[] = [];
  #current: Sink | undefined;
  readonly #positions: Map<number, Position> = new Map();
  readonly #frozen: Map<number, MemoryPiece> = new Map();
  #nextPiece = 1;
  #counts: Record<string, number> = {};

  /** Begins a sequence. What is in memory must have been frozen before. */
  open(sequence: OpenSequence): void {
    this.#sequence = sequence;
    this.#parser = new RowParser(sequence.schema, sequence.dimensions);
    this.#sinks = [];
    this.#current = undefined;
    this.#positions.clear();
    for (const [partition, position] of Object.entries(sequence.positions))
      this.#positions.set(Number(partition), position);
    for (const chunk of sequence.chunks) this.addChunk(chunk);
  }

  addChunk(target: ChunkTarget): void {
    this.#sinks.push({ target, piece: 0, index: undefined });
  }

  position(partition: number): Position | undefined {
    return this.#positions.get(partition);
  }

  /** Exclusive end of a partition in a closed sequence, else Infinity. */
  endOffset(partition: number): number {
    return this.#sequence?.end?.[String(partition)]?.offset ?? Infinity;
  }

  /** Positions and names as a freeze reports them. */
  state(): { positions: Record<string, Position>; dimensions: readonly string[] } {
    return {
      positions: Object.fromEntries(
        [...this.#positions].map(([p, position]) => [String(p), position]),
      ),
      dimensions: [...(this.#parser?.dimensionNames ?? [])],
    };
  }

  /** Counts since the last call. */
  takeCounts(): Record<string, number> {
    const counts = this.#counts;
    this.#counts = {};
    return counts;
  }

  /**
   * Indexes records `from ..` of the slices. Returns the number of the first record not done: the count, or a record
   * whose chunk is missing (`waitingForMs` is then its time).
   */
  add(partition: number, slices: RecordSlices, from: number): number {
    const parser = this.#parser;
    const sequence = this.#sequence;
    if (parser === undefined || sequence === undefined)
      throw new Failure('bug', 'AssertionFailed', 'records before a sequence was opened');
    parser.setBytes(slices.bytes);
    const { lateness } = sequence.schema;
    const end = this.endOffset(partition);
    let watermarkMs = this.#positions.get(partition)?.watermarkMs ?? -Infinity;
    let processed = 0;
    let i = from;
    for (; i < slices.count && (slices.offsets[i] as number) < end; i++) {
      const start = slices.starts[i] as number;
      if (start < 0) {
        this.#reject('thrownAway/null', 1);
        continue;
      }
      const reason = parser.readTime(start, slices.ends[i] as number);
      if (reason !== 0) {
        this.#bad(partition, slices, i, `unparseable/${PARSE_REASONS[reason] ?? 'unknown'}`);
        continue;
      }
      const eventMs = parser.eventMs;
      const verdict = judgeLateness(
        lateness,
        eventMs,
        slices.timestampsMs[i] as number,
        watermarkMs,
      );
      if (verdict === TOO_EARLY) {
        this.#reject('thrownAway/afterMaximumMessageTime', 1);
        continue;
      }
      if (eventMs > watermarkMs) watermarkMs = eventMs;
      if (verdict === TOO_LATE) {
        this.#reject('thrownAway/beforeMinimumMessageTime', 1);
        continue;
      }
      const sink = this.#sinkOf(eventMs);
      if (sink === undefined) {
        this.#waitingForMs = eventMs;
        break;
      }
      if (sink.target.segmentId === null) {
        this.#reject('thrownAway/noChunk', 1);
        continue;
      }
      parser.readFields();
      if (parser.fieldErrors > 0) this.#bad(partition, slices, i, 'processedWithError/field');
      else processed++;
      this.#indexOf(sink).add(parser.fields, parser.dimensionNames);
    }
    if (processed > 0) this.#reject('processed', processed);
    const old = this.#positions.get(partition);
    if (old !== undefined) {
      this.#positions.set(partition, {
        ...old,
        watermarkMs: watermarkMs === -Infinity ? null : watermarkMs,
      });
    }
    return i;
  }

  /** Time of the record that stopped {@link add}. */
  get waitingForMs(): number {
    return this.#waitingForMs;
  }
  #waitingForMs = 0;

  /** Moves a partition on once its record set is done. */
  advance(partition: number, offset: number, leaderEpoch: number): Position {
    const old = this.#positions.get(partition);
    const position: Position = {
      offset: Math.min(offset, this.endOffset(partition)),
      watermarkMs: old?.watermarkMs ?? null,
      leaderEpoch,
    };
    this.#positions.set(partition, position);
    return position;
  }

  /** Rows and bytes in memory, frozen pieces not included. */
  size(): { rows: number; bytes: number } {
    let rows = 0;
    let bytes = 0;
    for (const { index } of this.#sinks) {
      rows += index?.rows ?? 0;
      bytes += index?.bytes ?? 0;
    }
    return { rows, bytes };
  }

  /** Makes every piece in memory immutable; they stay readable until dropped. */
  freeze(): readonly FrozenPiece[] {
    const pieces = this.#live();
    for (const piece of pieces) this.#frozen.set(piece.piece, piece);
    for (const sink of this.#sinks) sink.index = undefined;
    return pieces.map(({ piece, segmentId, data }) => ({ piece, segmentId, data }));
  }

  /** Forgets the sequence and every piece. */
  reset(): void {
    this.#sequence = undefined;
    this.#parser = undefined;
    this.#sinks = [];
    this.#current = undefined;
    this.#positions.clear();
    this.#frozen.clear();
  }

  drop(pieces: readonly number[]): void {
    for (const piece of pieces) this.#frozen.delete(piece);
  }

  /** Every piece that can be read now, growing ones as of now. */
  pieces(): readonly MemoryPiece[] {
    return [...this.#frozen.values(), ...this.#live()];
  }

  #live(): readonly MemoryPiece[] {
    const schema = this.#sequence?.schema;
    return this.#sinks.flatMap(({ index, target: { segmentId }, piece }): MemoryPiece[] =>
      index === undefined || segmentId === null || schema === undefined
        ? []
        : [{ piece, segmentId, data: index.data(segmentId), schema }],
    );
  }

  #sinkOf(eventMs: number): Sink | undefined {
    const current = this.#current;
    if (
      current !== undefined &&
      eventMs >= current.target.interval.startMs &&
      eventMs < current.target.interval.endMs
    )
      return current;
    // The first chunk listed that contains the time wins (protocol.md 5).
    this.#current = this.#sinks.find(
      ({ target }) => eventMs >= target.interval.startMs && eventMs < target.interval.endMs,
    );
    return this.#current;
  }

  #indexOf(sink: Sink): IncrementalIndex {
    if (sink.index === undefined && this.#sequence !== undefined) {
      sink.index = new IncrementalIndex(this.#sequence.schema, sink.target.interval);
      sink.piece = this.#nextPiece++;
    }
    if (sink.index === undefined)
      throw new Failure('bug', 'AssertionFailed', 'a sink without a sequence');
    return sink.index;
  }

  #reject(outcome: string, count: number): void {
    this.#counts[outcome] = (this.#counts[outcome] ?? 0) + count;
  }

  #bad(partition: number, slices: RecordSlices, i: number, outcome: string): void {
    this.#reject(outcome, 1);
    const max = this.#sequence?.samplesMax ?? 0;
    if (max === 0) return;
    const start = slices.starts[i] as number;
    const end = Math.min(slices.ends[i] as number, start + SAMPLE_BYTES);
    if (this.samples.length >= max) this.samples.shift();
    this.samples.push({
      partition,
      offset: slices.offsets[i] as number,
      reason: outcome,
      text: Buffer.from(slices.bytes.subarray(start, end)).toString('utf8'),
    });
  }
}
