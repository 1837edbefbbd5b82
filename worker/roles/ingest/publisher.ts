// Closed sequences -> merged, zipped, uploaded, published; strictly in order, beside the reading of the next one.
// Fed by the group runner with sequences whose rows are all read; tells the hand-off what was published.
// Source: protocol.md 6. Invariants I1 (offsets and segments in one transaction), I4, I7.

import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DataSegment } from '../../../core/model/data-segment.ts';
import { parseInterval } from '../../../core/model/interval.ts';
import type { DeepStorage } from '../../../core/deepstorage/port.ts';
import { ingestionRoot, type IngestionRef } from '../../../core/metadata/keys.ts';
import type { Publication } from '../../../core/metadata/values.ts';
import type { Clock } from '../../../core/runtime/clock.ts';
import { Failure, isFailure } from '../../../core/runtime/failure.ts';
import type { Logger } from '../../../core/runtime/log.ts';
import { DEFAULT_RETRY, retry } from '../../../core/runtime/retry.ts';
import type { Hydrant } from '../../publish/commit-file.ts';
import type { PublishOutcome, SequenceProtocol } from '../../publish/sequence-protocol.ts';
import {
  attemptPath,
  buildPublication,
  type BuiltFile,
  uploadSegment,
} from '../../publish/upload.ts';
import type { Thread } from '../threads/thread.ts';
import type { BuildRequest, BuiltZip } from './build-messages.ts';
import type { IngestMetrics } from './ingest-metrics.ts';
import type { SequenceRun } from './sequence-run.ts';

/** Outages are waited out, not counted: the sequence stays closed and its files stay named by nobody. */
const PATIENT = { ...DEFAULT_RETRY, attempts: 1_000_000, delayMaxMs: 5000 };
const WAIT_MS = 200;

/** What publishing needs. */
export interface PublisherParts {
  readonly ref: IngestionRef;
  readonly dataSource: string;
  readonly protocol: SequenceProtocol;
  readonly storage: DeepStorage;
  readonly build: Thread<BuildRequest, never>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: IngestMetrics;
}

/** Publisher of one group. */
export class Publisher {
  readonly #parts: PublisherParts;

  constructor(parts: PublisherParts) {
    this.#parts = parts;
  }

  /**
   * Publishes one sequence. All its rows must be in its hydrants.
   *
   * @returns the published segments
   * @throws Failure `fenced` SequenceLost when the group's state says it can never be published: start over
   */
  async publish(run: SequenceRun, signal: AbortSignal): Promise<readonly DataSegment[]> {
    const { clock } = this.#parts;
    const folder = attemptPath(this.#parts.dataSource, run.state.id, randomUUID());
    const files = await this.#build(run);
    this.#parts.log.info('upload begun', { sequence: run.state.id, segments: files.length });
    const options = { clock, signal, policy: PATIENT, onRetry: this.#retrying(run, 'upload') };
    const segments: DataSegment[] = [];
    for (const file of files) {
      segments.push(
        await retry(() => uploadSegment(this.#parts.storage, folder, file, signal), options),
      );
      this.#parts.log.debug('uploaded one', {
        sequence: run.state.id,
        segment: segments.at(-1)?.identifier,
      });
    }
    const parts = {
      folder,
      ingestion: ingestionRoot(this.#parts.ref),
      sequence: run.state,
      segments,
      publishedMs: clock.nowMs(),
    };
    const publication = await retry(
      () => buildPublication(this.#parts.storage, parts, signal),
      options,
    );
    this.#parts.log.info('uploaded', { sequence: run.state.id, segments: segments.length });
    await this.#commit(run, publication, signal);
    this.#report(run, files, segments);
    await this.#clean(run, files);
    return segments;
  }

  async #build(run: SequenceRun): Promise<readonly BuiltFile[]> {
    const bySegment = Map.groupBy(run.hydrants, (h) => h.segmentId);
    const files: BuiltFile[] = [];
    for (const [segmentId, hydrants] of bySegment)
      files.push(await this.#merge(run, segmentId, hydrants));
    return files;
  }

  async #merge(
    run: SequenceRun,
    segmentId: string,
    hydrants: readonly Hydrant[],
  ): Promise<BuiltFile> {
    const { build, clock, metrics, log } = this.#parts;
    const [first] = hydrants;
    if (first === undefined)
      throw new Failure('bug', 'AssertionFailed', `${segmentId}: no hydrant to merge`);
    const startedMs = clock.monotonicMs();
    log.info('merge begun', {
      sequence: run.state.id,
      segment: segmentId,
      hydrants: hydrants.length,
    });
    const interval = parseInterval(first.interval);
    const name = `merged-${interval.startMs}-${first.partition}`;
    const zipFile = join(run.dir, `${name}.zip`);
    const built = await build.call<BuiltZip>({
      type: 'merge',
      hydrants: hydrants.map((h) => join(run.dir, h.dir)),
      segmentId,
      interval,
      schema: run.schema,
      dimensions: run.dimensions,
      dir: join(run.dir, name),
      zipFile,
    });
    metrics.merged((clock.monotonicMs() - startedMs) / 1000);
    const id = {
      dataSource: this.#parts.dataSource,
      interval,
      version: first.version,
      partition: first.partition,
    };
    return { id, zipFile, ...built };
  }

  /** Repeats until the store says clearly what became of it. The paths stay the same throughout (protocol.md 6). */
  async #commit(run: SequenceRun, publication: Publication, signal: AbortSignal): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      if (signal.aborted)
        throw new Failure(
          'transient',
          'Stopping',
          `${run.state.id}: stopped before it was published; it will be at the next start`,
        );
      const outcome = await this.#tryCommit(run, publication, attempt > 0);
      if (outcome?.kind === 'published') return;
      if (outcome?.then === 'recut' || outcome?.then === 'gone') {
        this.#parts.metrics.published(outcome.then === 'gone' ? 'lost' : 'fenced', 0, 0, 0);
        throw new Failure(
          'fenced',
          'SequenceLost',
          `${run.state.id}: cannot be published any more (${outcome.then}); its rows are read again from the committed offsets`,
        );
      }
      if (outcome !== undefined) this.#parts.metrics.published('waiting', 0, 0, 0);
      await this.#parts.clock.sleep(WAIT_MS, signal);
    }
  }

  /** Undefined: no answer, or not the owner at the moment; ask again. */
  async #tryCommit(
    run: SequenceRun,
    publication: Publication,
    isRepeat: boolean,
  ): Promise<PublishOutcome | undefined> {
    const { protocol, metrics, log } = this.#parts;
    try {
      if (isRepeat) {
        // The earlier try may have succeeded without an answer.
        const outcome = await protocol.inspect(run.state);
        if (outcome.kind === 'published' || outcome.then === 'gone' || outcome.then === 'recut')
          return outcome;
      }
      const snapshot = await protocol.read();
      const closed = snapshot.unfinished.find((s) => s.value.n === run.state.n);
      if (closed === undefined) return await protocol.inspect(run.state);
      return await protocol.publish(snapshot, closed, publication);
    } catch (error) {
      if (!isFailure(error, 'transient') && !isFailure(error, 'fenced')) throw error;
      metrics.published('unknown', 0, 0, 0);
      log.warn('publication had no answer; reading back', { sequence: run.state.id, error });
      return undefined;
    }
  }

  #report(run: SequenceRun, files: readonly BuiltFile[], segments: readonly DataSegment[]): void {
    const bytes = files.reduce((sum, f) => sum + f.sizeBytes, 0);
    const rows = files.reduce((sum, f) => sum + f.rows, 0);
    this.#parts.metrics.published('published', segments.length, bytes, rows);
    this.#parts.log.info('published', {
      sequence: run.state.id,
      segments: segments.map((s) => s.identifier),
      rows,
      bytes,
    });
  }

  async #clean(run: SequenceRun, files: readonly BuiltFile[]): Promise<void> {
    for (const { zipFile } of files) {
      await rm(zipFile, { force: true });
      await rm(zipFile.slice(0, -'.zip'.length), { recursive: true, force: true });
    }
    this.#parts.log.debug('cleaned', { sequence: run.state.id });
  }

  #retrying(
    run: SequenceRun,
    what: string,
  ): (error: unknown, attempt: number, delayMs: number) => void {
    return (error, attempt, delayMs) =>
      this.#parts.log.warn(`${what} failed; trying again`, {
        sequence: run.state.id,
        attempt,
        delayMs,
        error,
      });
  }
}
