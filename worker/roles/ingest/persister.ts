// Memory -> hydrants -> commit file, in that order (ingestion.md 4). One persist runs at a time, over all open chunks
// of the sequence. When it is done the hydrants take the place of the frozen pieces for queries, in one step.
// Invariant I1: the commit file names exactly the hydrants that are durable, and the offsets they cover.

import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { formatInterval } from '../../../core/model/interval.ts';
import type { Clock } from '../../../core/runtime/clock.ts';
import { Failure, isFailure } from '../../../core/runtime/failure.ts';
import type { Logger } from '../../../core/runtime/log.ts';
import { type Hydrant, writeCommit } from '../../publish/commit-file.ts';
import { freeSharedMemory } from '../threads/collect.ts';
import type { Thread } from '../threads/thread.ts';
import type { BuildRequest, BuiltDir } from './build-messages.ts';
import type { Frozen, FrozenPiece, IndexEvent, IndexRequest } from './index-messages.ts';
import type { IngestMetrics } from './ingest-metrics.ts';
import type { PieceRegistry } from './piece-registry.ts';
import { segmentIdOfChunk, type SequenceRun } from './sequence-run.ts';
import { formatSegmentId } from '../../../core/model/data-segment.ts';

/** What a persist needs. */
export interface PersistParts {
  readonly dataSource: string;
  readonly index: Thread<IndexRequest, IndexEvent>;
  readonly build: Thread<BuildRequest, never>;
  readonly pieces: PieceRegistry;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: IngestMetrics;
}

/** Persists of one worker. */
export class Persister {
  readonly #parts: PersistParts;
  #running: Promise<void> = Promise.resolve();
  #pending = 0;
  /** Part of every hydrant's name: no two processes give the same. */
  readonly #process: string = randomUUID();
  #failure: Failure | undefined;

  constructor(parts: PersistParts) {
    this.#parts = parts;
  }

  /** True while a persist runs: the next one has to wait, and so does reading when memory is full. */
  get isBusy(): boolean {
    return this.#pending > 0;
  }

  /** Set once a persist failed: the rows it held are only in memory, so nothing later may be committed (I1). */
  get failure(): Failure | undefined {
    return this.#failure;
  }

  /** Starts over, after the session has dropped what was in memory. */
  reset(): void {
    this.#running = Promise.resolve();
    this.#failure = undefined;
  }

  /** Resolves when every persist begun so far is durable. @throws what the last one threw */
  get idle(): Promise<void> {
    return this.#running;
  }

  /**
   * Freezes what the index thread holds of `run` and persists it in the background. Resolves once frozen: indexing
   * may go on at once. `idle` tells when it is durable.
   */
  async persist(run: SequenceRun): Promise<Frozen> {
    const frozen = await this.#parts.index.call<Frozen>({ type: 'freeze' });
    this.#pending++;
    const before = this.#running;
    this.#running = before
      .then(() => this.#write(run, frozen))
      .finally(() => {
        this.#pending--;
        // The pieces passed through this thread; it must let go of them, too.
        setImmediate(freeSharedMemory);
      });
    // Whoever needs the outcome awaits `idle`; a failure must not be reported as unhandled before that.
    this.#running.catch((error: unknown) => {
      this.#failure ??= isFailure(error)
        ? error
        : new Failure('bug', 'AssertionFailed', String(error), error);
    });
    return frozen;
  }

  async #write(run: SequenceRun, frozen: Frozen): Promise<void> {
    const { clock, log, metrics } = this.#parts;
    const startedMs = clock.monotonicMs();
    const rows = frozen.pieces.reduce((sum, p) => sum + p.data.rows, 0);
    log.info('persist begun', { sequence: run.state.id, pieces: frozen.pieces.length, rows });
    try {
      const hydrants: Hydrant[] = [];
      for (const piece of frozen.pieces)
        hydrants.push(await this.#writePiece(run, piece, frozen.dimensions));
      await writeCommit(run.dir, {
        v: 1,
        sequenceId: run.state.id,
        start: run.state.start,
        positions: frozen.positions,
        hydrants: [...run.hydrants, ...hydrants],
        dimensions: frozen.dimensions,
        badRecords: run.badRecords,
      });
      await this.#serve(run, frozen.pieces, hydrants);
      run.hydrants.push(...hydrants);
      run.dimensions = frozen.dimensions;
      run.rows += hydrants.reduce((sum, h) => sum + h.rows, 0);
      run.bytes += hydrants.reduce((sum, h) => sum + h.bytes, 0);
      metrics.persisted('ok', (clock.monotonicMs() - startedMs) / 1000, rows);
      log.info('persisted', {
        sequence: run.state.id,
        rows,
        hydrants: run.hydrants.length,
        ms: Math.round(clock.monotonicMs() - startedMs),
      });
    } catch (error) {
      metrics.persisted('failed', (clock.monotonicMs() - startedMs) / 1000, 0);
      throw error;
    }
  }

  async #writePiece(
    run: SequenceRun,
    piece: FrozenPiece,
    dimensions: readonly string[],
  ): Promise<Hydrant> {
    // Pieces are numbered anew in each process: without the process in its name a hydrant would replace one that the
    // commit file of an earlier process names, and its rows would be lost (I1).
    const dir = `hydrant-${this.#process}-${String(piece.piece).padStart(6, '0')}`;
    const built = await this.#parts.build.call<BuiltDir>({
      type: 'persist',
      data: piece.data,
      schema: run.schema,
      dimensions,
      dir: join(run.dir, dir),
    });
    const chunk = run.chunks.find(
      (c) =>
        c.kind === 'segment' &&
        formatSegmentId(segmentIdOfChunk(this.#parts.dataSource, c)) === piece.segmentId,
    );
    return {
      dir,
      segmentId: piece.segmentId,
      interval: formatInterval(piece.data.interval),
      version: chunk?.kind === 'segment' ? chunk.version : '',
      partition: chunk?.kind === 'segment' ? chunk.partition : 0,
      rows: built.rows,
      bytes: built.sizeBytes,
    };
  }

  /** Hydrants first become readable; then, within one turn of the loop, they replace the pieces in every later query. */
  async #serve(
    run: SequenceRun,
    pieces: readonly FrozenPiece[],
    hydrants: readonly Hydrant[],
  ): Promise<void> {
    const opened = await Promise.all(
      hydrants.map((h) =>
        this.#parts.pieces.open({
          segmentId: h.segmentId,
          sequenceId: run.state.id,
          dir: join(run.dir, h.dir),
        }),
      ),
    );
    const numbers = pieces.map((p) => p.piece);
    this.#parts.pieces.replace(numbers, opened);
    await this.#parts.index.call({ type: 'drop', pieces: numbers });
    this.#parts.pieces.forgetReplaced(numbers);
  }
}
