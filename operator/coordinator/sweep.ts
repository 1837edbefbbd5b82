// Removes what nothing names any more: files of killed segments, finished sequence keys after their grace, files of
// attempts that were not published. A file is swept only when its sequence is published and does not name it, or
// abandoned, or gone; never while it is open, closing or closed (history 15). Source: protocol.md 7 "Sweep", "Kill".

import { CODECS } from '../../core/metadata/codecs.ts';
import { INGESTIONS, parseKey } from '../../core/metadata/keys.ts';
import type { MetadataStore, Versioned } from '../../core/metadata/port.ts';
import type { SequenceStatus } from '../../core/metadata/values.ts';
import type { DeepStorage } from '../../core/deepstorage/port.ts';
import type { Clock } from '../../core/runtime/clock.ts';
import type { Logger } from '../../core/runtime/log.ts';
import type { Metrics } from '../../core/runtime/metrics.ts';
import { segmentsOf } from './expand.ts';
import type { Fleet } from './fleet.ts';

/** How often deep storage is listed. */
const SWEEP_MS = 3_600_000;
/** Files and finished sequences younger than this are left alone: longer than any upload between two looks. */
const GRACE_MS = 3_600_000;

/** The sweeper of a coordinator. */
export class Sweeper {
  readonly #parts: {
    store: MetadataStore;
    storage: DeepStorage;
    clock: Clock;
    log: Logger;
    metrics: Metrics;
  };
  #lastMs = 0;

  constructor(parts: {
    store: MetadataStore;
    storage: DeepStorage;
    clock: Clock;
    log: Logger;
    metrics: Metrics;
  }) {
    this.#parts = parts;
    this.#lastMs = parts.clock.monotonicMs();
  }

  /** Sweeps when it is time. */
  async turn(fleet: Fleet, signal: AbortSignal): Promise<void> {
    if (this.#parts.clock.monotonicMs() - this.#lastMs < SWEEP_MS) return;
    this.#lastMs = this.#parts.clock.monotonicMs();
    await this.sweep(fleet, signal);
  }

  /** One sweep over every data source; returns the paths removed. */
  async sweep(fleet: Fleet, signal: AbortSignal): Promise<readonly string[]> {
    const { storage, clock, log } = this.#parts;
    const states = await this.#retireSequences();
    const named = await this.#namedPaths(fleet, signal);
    const removed: string[] = [];
    const sources = new Set(
      [...fleet.publications.values(), ...fleet.segments.values()].map((p) => p.dataSource),
    );
    for (const dataSource of sources) {
      for await (const file of storage.list(`${dataSource}/`, signal)) {
        const [, sequenceId = ''] = file.path.split('/');
        const state = states.get(sequenceId);
        const isFinished = state === undefined || state === 'published' || state === 'abandoned';
        if (!isFinished || named.has(file.path) || clock.nowMs() - file.modifiedMs < GRACE_MS)
          continue;
        await storage.delete(file.path, signal);
        removed.push(file.path);
      }
    }
    if (removed.length > 0)
      log.info('swept files that no publication names', { files: removed.length });
    return removed;
  }

  /** States by sequence id; finished ones older than the grace are deleted after this look. */
  async #retireSequences(): Promise<ReadonlyMap<string, SequenceStatus>> {
    const { store, clock } = this.#parts;
    const { entries } = await store.list(INGESTIONS);
    const states = new Map<string, SequenceStatus>();
    const old: Versioned[] = [];
    for (const entry of entries) {
      if (parseKey(entry.key).type !== 'sequence') continue;
      const sequence = CODECS.sequence.decode(entry.value, entry.key);
      states.set(sequence.id, sequence.state);
      const isFinished = sequence.state === 'published' || sequence.state === 'abandoned';
      if (isFinished && clock.nowMs() - sequence.openedMs > 24 * GRACE_MS) old.push(entry);
    }
    for (const { key, modRevision } of old) {
      await store.transact({ compare: [{ key, modRevision }], writes: [{ delete: key }] });
    }
    return states;
  }

  /** Every path that a publication or a segment record names, manifests included. */
  async #namedPaths(fleet: Fleet, signal: AbortSignal): Promise<ReadonlySet<string>> {
    const { storage } = this.#parts;
    const named = new Set<string>();
    for (const { value } of fleet.publications.values()) {
      if ('path' in value.segments) named.add(value.segments.path);
      for (const segment of await segmentsOf(value, storage, signal))
        named.add(storage.pathOf(segment.loadSpec));
    }
    for (const { value } of fleet.segments.values())
      named.add(storage.pathOf(value.segment.loadSpec));
    return named;
  }
}
