// Published segments until a historical serves them: the worker's copy stays announced until another server announces
// the same id and path, or the coordinator writes that no tier wants it; then it is un-announced, kept for a while for
// queries in flight, and forgotten. Source: protocol.md 7 "Hand-off". Invariant I2.

import { Wake } from '../../../core/runtime/wake.ts';
import { rm } from 'node:fs/promises';
import { CODECS } from '../../../core/metadata/codecs.ts';
import { type DataSourceKeys, parseKey, SERVERS } from '../../../core/metadata/keys.ts';
import type { Change, MetadataStore, Mirror } from '../../../core/metadata/port.ts';
import type { ServedSegment } from '../../../core/metadata/values.ts';
import { type DataSegment, uniquePathOf } from '../../../core/model/data-segment.ts';
import type { Clock } from '../../../core/runtime/clock.ts';
import { messageOf } from '../../../core/runtime/failure.ts';
import type { Logger } from '../../../core/runtime/log.ts';
import type { Announcer } from '../announcer.ts';
import type { IngestMetrics } from './ingest-metrics.ts';
import type { IngestStatus } from './ingest-status.ts';
import type { PieceRegistry } from './piece-registry.ts';
import type { SequenceRun } from './sequence-run.ts';

/** A segment that waits longer for a historical makes a condition: workers fill up meanwhile, ms. */
const PATIENCE_MS = 60_000;
/** How long a copy is kept after another server took over, ms (protocol.md 7). */
const KEEP_MS = 600_000;

interface Tracked {
  readonly run: SequenceRun;
  readonly publishedAtMs: number;
  /** Id -> path of segments still announced by us. */
  readonly waiting: Map<string, string>;
  /** What was announced of segments that others serve now, by id: said again if nobody does any more. */
  readonly released: Map<string, { readonly served: ServedSegment; readonly path: string }>;
  /** Monotonic ms at which the last one was let go; the copy goes KEEP_MS later. */
  releasedAtMs: number | undefined;
}

/** What hand-off works with. */
export interface HandOffParts {
  readonly announcer: Announcer;
  readonly pieces: PieceRegistry;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: IngestMetrics;
  readonly status: IngestStatus;
  /** Id of this server. */
  readonly server: string;
}

/** Hand-off of one worker. */
export class HandOff {
  readonly #parts: HandOffParts;
  readonly #tracked: Tracked[] = [];
  readonly #mirrors: readonly Mirror[];
  /** Paths of segments served by others: `id\npath`. */
  readonly #served: Map<string, string> = new Map();
  readonly #unwanted: Set<string> = new Set();
  readonly #wake: Wake = new Wake();

  constructor(store: MetadataStore, dataSource: DataSourceKeys, parts: HandOffParts) {
    this.#parts = parts;
    this.#mirrors = [
      store.mirror(SERVERS, (changes) => this.#onServers(changes)),
      store.mirror(dataSource.segments, (changes) => this.#onSegments(changes)),
    ];
  }

  /** Number of published segments that nobody else serves yet. */
  get waiting(): number {
    return this.#tracked.reduce((sum, t) => sum + t.waiting.size, 0);
  }

  /** Ids of published sequences whose local copies are still kept. */
  sequences(): readonly string[] {
    return this.#tracked.map((t) => t.run.state.id);
  }

  /** Starts to wait for the segments of a published sequence. */
  track(run: SequenceRun, segments: readonly DataSegment[]): void {
    const waiting = new Map(segments.map((s) => [s.identifier, uniquePathOf(s)]));
    // Segments that were announced but got no row end with the sequence.
    this.#tracked.push({
      run,
      publishedAtMs: this.#parts.clock.monotonicMs(),
      waiting,
      released: new Map(),
      releasedAtMs: undefined,
    });
    this.#wake.wake();
  }

  /** Works until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        for (const tracked of this.#tracked.slice()) await this.#advance(tracked);
        this.#judge();
      } catch (error) {
        this.#parts.log.warn('hand-off step failed; trying again', { error: messageOf(error) });
      }
      await this.#wake.wait(this.#parts.clock, 1000, signal);
    }
  }

  close(): void {
    for (const mirror of this.#mirrors) mirror.close();
  }

  async #advance(tracked: Tracked): Promise<void> {
    const { announcer, clock } = this.#parts;
    await this.#takeBack(tracked);
    const done = [...tracked.waiting].filter(
      ([id, path]) => this.#unwanted.has(id) || this.#isServed(id, path),
    );
    if (done.length > 0) {
      for (const [id, path] of done) {
        const served = announcer.served().get(id);
        if (served !== undefined) tracked.released.set(id, { served, path });
      }
      await announcer.remove(done.map(([id]) => id));
      for (const [id] of done) this.#report(tracked, id);
    }
    if (tracked.waiting.size > 0) return;
    tracked.releasedAtMs ??= clock.monotonicMs();
    if (clock.monotonicMs() - tracked.releasedAtMs < KEEP_MS) return;
    this.#parts.pieces.closeSequence(tracked.run.state.id);
    await rm(tracked.run.dir, { recursive: true, force: true });
    this.#tracked.splice(this.#tracked.indexOf(tracked), 1);
  }

  /** Announces again what nobody serves any more while our copy is still there. */
  async #takeBack(tracked: Tracked): Promise<void> {
    for (const [id, { served, path }] of tracked.released) {
      if (this.#unwanted.has(id) || this.#isServed(id, path)) continue;
      await this.#parts.announcer.announce([served]);
      tracked.released.delete(id);
      tracked.waiting.set(id, path);
      tracked.releasedAtMs = undefined;
      this.#parts.log.warn('nobody serves a segment any more; announced again', { segment: id });
    }
  }

  #report(tracked: Tracked, id: string): void {
    const { clock, log, metrics } = this.#parts;
    tracked.waiting.delete(id);
    const seconds = (clock.monotonicMs() - tracked.publishedAtMs) / 1000;
    metrics.handedOff(this.#unwanted.has(id) ? 'unwanted' : 'loaded', seconds);
    log.info('handed off', { segment: id });
  }

  /** A condition when segments wait long: historicals are missing or full, and this worker fills up. */
  #judge(): void {
    const { clock, status } = this.#parts;
    const late = this.#tracked.filter(
      (t) => t.waiting.size > 0 && clock.monotonicMs() - t.publishedAtMs > PATIENCE_MS,
    );
    const waiting = late.reduce((sum, t) => sum + t.waiting.size, 0);
    if (waiting === 0)
      status.condition(
        'Handoff',
        true,
        'HandedOff',
        'published segments are served by historicals',
      );
    else
      status.condition(
        'Handoff',
        false,
        'NobodyLoads',
        `${waiting} published segments wait longer than ${PATIENCE_MS / 1000} s for a historical; look whether historicals run and have room`,
      );
  }

  #isServed(id: string, path: string): boolean {
    const wanted = `${id}\n${path}`;
    for (const served of this.#served.values()) if (served === wanted) return true;
    return false;
  }

  #onServers(changes: readonly Change[]): void {
    for (const change of changes) {
      const entry = change.type === 'put' ? change.entry : change.previous;
      const key = parseKey(entry.key);
      if (key.type !== 'served' || key.server === this.#parts.server) continue;
      const served = CODECS.served.decode(entry.value, entry.key);
      if (change.type === 'delete') this.#served.delete(entry.key);
      else if (served.path !== null) this.#served.set(entry.key, `${served.id}\n${served.path}`);
    }
    this.#wake.wake();
  }

  #onSegments(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.type === 'delete') continue;
      const record = CODECS.segment.decode(change.entry.value, change.entry.key);
      if (record.handedOff === 'NoTierWants') this.#unwanted.add(record.segment.identifier);
    }
    this.#wake.wake();
  }
}
