// The life of one group in an ingest worker: restore what is unfinished, read, cut, hand closed sequences to the
// publisher, go on with the next. One loop, one decision at a time; everything slow runs beside it.
// Source: protocol.md 4-7 (one replica). Invariants I1, I3, I4.

import { Wake } from '../../../core/runtime/wake.ts';
import type { Position } from '../../../core/metadata/values.ts';
import { Failure, isFailure, messageOf } from '../../../core/runtime/failure.ts';
import { backoffMs, DEFAULT_RETRY } from '../../../core/runtime/retry.ts';
import { readCommit } from '../../publish/commit-file.ts';
import { type GroupSnapshot, ownedPartitions } from '../../publish/group-state.ts';
import { isEmptyRange, recutReason, UNPUBLISHED_MAX } from '../../publish/sequence-plan.ts';
import type { Fill } from './fill.ts';
import { fillSequence } from './fill.ts';
import type { GroupParts } from './group-parts.ts';
import { restoreSequences } from './restore.ts';
import { announceChunks, takeChunk } from './chunks.ts';
import { sequenceDir, type SequenceRun, sequenceRun } from './sequence-run.ts';
import { whileOwned } from './patience.ts';

const IDLE_MS = 200;
/** A session of this length did not fail at its beginning. */
const HEALTHY_MS = 30_000;

/** Runs one group. */
export class GroupRunner {
  readonly #parts: GroupParts;
  /** Unfinished sequences, oldest first; the last one is being filled. */
  #runs: SequenceRun[] = [];
  #schemaRevision = 0;
  #publishing: Promise<void> = Promise.resolve();
  #lost: Failure | undefined;
  readonly #wake: Wake = new Wake();

  constructor(parts: GroupParts) {
    this.#parts = parts;
  }

  /** Unfinished sequences, for status. */
  get runs(): readonly SequenceRun[] {
    return this.#runs;
  }

  /**
   * Runs until `drain` aborts and everything read is published, or until `stop` aborts: then what is unpublished stays
   * closed, with its hydrants, for the next start.
   */
  async run(drain: AbortSignal, stop: AbortSignal): Promise<void> {
    const { log, clock, status } = this.#parts;
    for (let failures = 0; !drain.aborted;) {
      const startedMs = clock.monotonicMs();
      try {
        await this.#session(drain, stop);
      } catch (error) {
        if (stop.aborted) break;
        if (!isFailure(error) || error.kind === 'bug') throw error;
        status.condition('Reading', false, error.code, error.message);
        log.error('the group starts over from what is committed and persisted', { error });
        await this.#forget();
        // A session that lived long was healthy: what ended it is news.
        failures = clock.monotonicMs() - startedMs > HEALTHY_MS ? 1 : failures + 1;
        await clock.sleep(backoffMs({ ...DEFAULT_RETRY, delayMaxMs: 10_000 }, failures), drain);
      }
    }
  }

  /** One life between two losses. Ends by itself only when draining. */
  async #session(drain: AbortSignal, stop: AbortSignal): Promise<void> {
    const { owner, announcer, protocol, schema, status } = this.#parts;
    this.#lost = undefined;
    await owner.acquire(drain);
    await announcer.announceAll();
    this.#schemaRevision = await protocol.schemaRevision(schema);
    this.#runs = await restoreSequences(
      this.#parts,
      await this.#assigned(drain),
      this.#schemaRevision,
    );
    for (const restored of this.#runs) await announceChunks(this.#parts, restored, restored.chunks);
    status.condition('Reading', true, 'Reading', 'rows are read as they arrive');
    for (let i = 0; i < this.#runs.length && !drain.aborted; i++) {
      const run = this.#runs[i];
      if (run === undefined || run.state.state !== 'closed') continue;
      // Closed before a restart: read what its hydrants lack, up to its end.
      const fill = await this.#fill(run, drain);
      if (fill.reason === 'end') this.#publishLater(run, stop);
      else await this.#afterCut(fill, drain);
    }
    while (!drain.aborted) {
      const run =
        this.#runs.find((r) => r.state.state === 'open') ??
        (await this.#owned(() => this.#open(drain)));
      if (run === undefined) continue;
      const fill = await this.#fill(run, drain);
      await this.#owned(() => this.#cut(run, fill));
      if (run.state.state === 'closed') this.#publishLater(run, stop);
      await this.#afterCut(fill, drain);
    }
    await this.#drained(stop);
  }

  /** Waits for the partitions of the group. */
  async #assigned(drain: AbortSignal): Promise<GroupSnapshot> {
    for (;;) {
      const snapshot = await this.#parts.protocol.read();
      if (ownedPartitions(snapshot, this.#parts.group).length > 0 || snapshot.unfinished.length > 0)
        return snapshot;
      if (drain.aborted) return snapshot;
      await this.#parts.clock.sleep(IDLE_MS, drain);
    }
  }

  async #open(drain: AbortSignal): Promise<SequenceRun | undefined> {
    const { protocol, clock, root, schema, status } = this.#parts;
    if (this.#runs.length >= UNPUBLISHED_MAX) {
      status.condition(
        'Reading',
        false,
        'PublishingBehind',
        `${this.#runs.length} sequences wait to be published; reading goes on when one is`,
      );
      await this.#change(drain);
      return undefined;
    }
    const snapshot = await protocol.read();
    if (
      ownedPartitions(snapshot, this.#parts.group).length === 0 ||
      recutReason(snapshot, this.#parts.group) !== undefined
    ) {
      if (recutReason(snapshot, this.#parts.group) !== undefined)
        throw this.#lostFailure('the partitions changed hands');
      await clock.sleep(IDLE_MS, drain);
      return undefined;
    }
    // An open sequence we do not know is our own, opened by a transaction whose answer was lost.
    const unknown = snapshot.unfinished.find((s) => s.value.state === 'open')?.value;
    const state = unknown ?? (await protocol.open(snapshot, this.#schemaRevision));
    if (state === undefined) return undefined;
    status.condition('Reading', true, 'Reading', 'rows are read as they arrive');
    const commit = await readCommit(sequenceDir(root, state.id), state);
    const run = sequenceRun({
      state,
      schema,
      root,
      chunks: [],
      commit,
      nowMs: clock.monotonicMs(),
    });
    this.#runs.push(run);
    return run;
  }

  #fill(run: SequenceRun, drain: AbortSignal): Promise<Fill> {
    return fillSequence(this.#parts, run, {
      drain,
      lost: () => this.#lost,
      needChunk: (timeMs) => this.#owned(() => takeChunk(this.#parts, run, timeMs)),
    });
  }

  #owned<T>(work: () => Promise<T>): Promise<T> {
    return whileOwned(this.#parts, () => this.#lost, work);
  }

  /** Ends the open sequence at what is read; a lone replica needs nobody's consent. */
  async #cut(run: SequenceRun, fill: Fill): Promise<void> {
    const { protocol, clock, metrics, log } = this.#parts;
    const startedMs = clock.monotonicMs();
    const end: Record<string, Position> = {};
    for (const [partition, position] of Object.entries(run.positions)) end[partition] = position;
    const snapshot = await protocol.read();
    const open = snapshot.unfinished.find((s) => s.value.n === run.state.n);
    if (open === undefined)
      throw this.#lostFailure(`${run.state.id} was finished by somebody else`);
    const isLeaving = Object.keys(run.state.start).some(
      (p) => snapshot.partitions.get(Number(p))?.value.next !== undefined,
    );
    const isJoining = ownedPartitions(snapshot, this.#parts.group).some(
      (p) => run.state.start[String(p)] === undefined,
    );
    // No cut when nothing was read, unless partitions join or leave (protocol.md 4.1).
    if (isEmptyRange(run.state.start, end) && !isLeaving && !isJoining && fill.reason !== 'schema')
      return;
    if (!(await protocol.close(snapshot, open, end)))
      throw this.#lostFailure(`${run.state.id} changed while it was cut`);
    run.state = { ...run.state, end, state: 'closed' };
    run.closedAtMs = clock.monotonicMs();
    metrics.cut((clock.monotonicMs() - startedMs) / 1000);
    log.info('sequence cut', {
      sequence: run.state.id,
      reason: fill.reason,
      end: Object.fromEntries(Object.entries(end).map(([p, e]) => [p, e.offset])),
    });
  }

  /** Stops that outlive a sequence: wait for the operator or the user, without reading. */
  async #afterCut(fill: Fill, drain: AbortSignal): Promise<void> {
    if (fill.reason !== 'halted') return;
    this.#parts.status.condition('Reading', false, fill.code, fill.message);
    this.#parts.log.error('reading has stopped', { code: fill.code, message: fill.message });
    if (fill.reset !== undefined) {
      await this.#allPublished(drain);
      await this.#parts.reset(fill.reset);
      throw this.#lostFailure(`partition ${fill.reset.partition} continues at ${fill.reset.to}`);
    }
    await new Promise<void>((resolve) => {
      if (drain.aborted) resolve();
      else drain.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  /** Publications run one after the other, beside the reading. */
  #publishLater(run: SequenceRun, stop: AbortSignal): void {
    const { publisher, handOff, status, persister, mirrorOffsets } = this.#parts;
    this.#publishing = this.#publishing.then(async () => {
      if (this.#lost !== undefined || stop.aborted) return;
      try {
        await persister.idle;
        const segments = await publisher.publish(run, stop);
        handOff.track(run, segments);
        this.#runs = this.#runs.filter((r) => r !== run);
        status.condition('Publishing', true, 'Published', `${run.state.id} is published`);
        await mirrorOffsets(run.state.end ?? {});
      } catch (error) {
        if (stop.aborted) return;
        this.#lost = isFailure(error)
          ? error
          : new Failure('bug', 'AssertionFailed', messageOf(error), error);
        status.condition('Publishing', false, this.#lost.code, this.#lost.message);
      } finally {
        this.#wake.wake();
      }
    });
  }

  async #allPublished(signal: AbortSignal): Promise<void> {
    while (
      this.#runs.some((r) => r.state.state === 'closed') &&
      !signal.aborted &&
      this.#lost === undefined
    )
      await this.#change(signal);
    if (this.#lost !== undefined) throw this.#lost;
  }

  async #drained(stop: AbortSignal): Promise<void> {
    await Promise.race([
      this.#publishing,
      new Promise<void>((resolve) =>
        stop.addEventListener('abort', () => resolve(), { once: true }),
      ),
    ]);
    if (this.#lost !== undefined && !stop.aborted) throw this.#lost;
  }

  /** Resolves when a publication ends, or after a while. */
  async #change(signal: AbortSignal): Promise<void> {
    await this.#wake.wait(this.#parts.clock, IDLE_MS, signal);
    if (this.#lost !== undefined) throw this.#lost;
  }

  /**
   * Called when the owner key was acquired anew: somebody else may have owned it in between. What no longer hangs
   * together ends the session.
   */
  async verify(): Promise<void> {
    const snapshot = await this.#parts.protocol.read();
    const known = new Set(snapshot.unfinished.map((s) => s.value.id));
    const isWhole =
      this.#runs.every((r) => known.has(r.state.id)) &&
      recutReason(snapshot, this.#parts.group) === undefined;
    if (!isWhole)
      this.#lost ??= this.#lostFailure('another owner changed the group while the lease was lost');
  }

  /** Drops what is in memory; hydrants on disk stay and are judged again by the next session. */
  async #forget(): Promise<void> {
    const { announcer, pieces, persister, owner, log } = this.#parts;
    await persister.idle.catch((error: unknown) => log.warn('a persist failed', { error }));
    persister.reset();
    const ids = [...announcer.served().values()]
      .filter((s) => this.#runs.some((r) => r.state.n === s.sequence))
      .map((s) => s.id);
    for (const run of this.#runs) pieces.closeSequence(run.state.id);
    this.#runs = [];
    this.#parts.resetIndex();
    if (owner.isAlive())
      await announcer
        .remove(ids)
        .catch((error: unknown) => log.warn('un-announcing failed', { error }));
    else announcer.forget(ids);
  }

  #lostFailure(why: string): Failure {
    return new Failure('fenced', 'SequenceLost', `${why}; the group starts over`);
  }
}
