// What a server serves, announced in etcd under its one lease. Kept as a wish list, so that everything can be said
// again after the lease was lost. Used by the ingest and historical roles. Source: protocol.md 7. Invariant I2.

import { CODECS } from '../../core/metadata/codecs.ts';
import { servedKey, serverKey } from '../../core/metadata/keys.ts';
import type { Compare, Lease, MetadataStore, Write } from '../../core/metadata/port.ts';
import type { ServedSegment, ServerAnnouncement } from '../../core/metadata/values.ts';
import type { Clock } from '../../core/runtime/clock.ts';
import { Failure } from '../../core/runtime/failure.ts';
import { retry } from '../../core/runtime/retry.ts';

/** Keys announced in one transaction; etcd takes 128 operations. */
const BATCH = 100;

/** Announcements of one server. */
export class Announcer {
  readonly #store: MetadataStore;
  readonly #clock: Clock;
  readonly #server: ServerAnnouncement;
  readonly #lease: () => Lease;
  readonly #compare: () => readonly Compare[];
  readonly #served: Map<string, ServedSegment> = new Map();
  #lastRemoval = 0;

  /** `lease` and `compare` are asked at each write and throw `fenced` when ownership is lost. */
  constructor(parts: {
    store: MetadataStore;
    clock: Clock;
    server: ServerAnnouncement;
    lease: () => Lease;
    compare: () => readonly Compare[];
  }) {
    this.#store = parts.store;
    this.#clock = parts.clock;
    this.#server = parts.server;
    this.#lease = parts.lease;
    this.#compare = parts.compare;
  }

  /** Revision of the last un-announcement: a broker that has not caught up with it must plan again (I2). */
  get lastRemovalRevision(): number {
    return this.#lastRemoval;
  }

  /** Ids announced now. */
  served(): ReadonlyMap<string, ServedSegment> {
    return this.#served;
  }

  /** Announces the server and everything on the wish list: at start and after a lost lease. */
  async announceAll(): Promise<void> {
    await this.#write([
      {
        put: serverKey(this.#server.id),
        value: CODECS.server.encode(this.#server),
        lease: this.#lease(),
      },
    ]);
    const all = [...this.#served.values()];
    for (let i = 0; i < all.length; i += BATCH) await this.#put(all.slice(i, i + BATCH));
  }

  /** Announces segments; resolves when every reader can see them. */
  async announce(segments: readonly ServedSegment[]): Promise<void> {
    for (const segment of segments) this.#served.set(segment.id, segment);
    for (let i = 0; i < segments.length; i += BATCH) await this.#put(segments.slice(i, i + BATCH));
  }

  /** Takes announcements back. Those of a batch that could not be written stay announced: call it again. */
  async remove(ids: readonly string[]): Promise<void> {
    const known = ids.flatMap((id) => this.#served.get(id) ?? []);
    this.forget(ids);
    for (let i = 0; i < known.length; i += BATCH) {
      const writes = known
        .slice(i, i + BATCH)
        .map(({ id }): Write => ({ delete: servedKey(this.#server.id, id) }));
      try {
        this.#lastRemoval = Math.max(this.#lastRemoval, await this.#write(writes));
      } catch (error) {
        for (const segment of known.slice(i)) this.#served.set(segment.id, segment);
        throw error;
      }
    }
  }

  /** Drops ids from the wish list without a write: the lease that carried them is gone. */
  forget(ids: readonly string[]): void {
    for (const id of ids) this.#served.delete(id);
  }

  async #put(segments: readonly ServedSegment[]): Promise<void> {
    const lease = this.#lease();
    await this.#write(
      segments.map((s): Write => ({
        put: servedKey(this.#server.id, s.id),
        value: CODECS.served.encode(s),
        lease,
      })),
    );
  }

  /** Puts and deletes of own keys are idempotent, so an unknown outcome is simply tried again. */
  async #write(writes: readonly Write[]): Promise<number> {
    const result = await retry(() => this.#store.transact({ compare: this.#compare(), writes }), {
      clock: this.#clock,
    });
    if (!result.committed)
      throw new Failure(
        'fenced',
        'LeaseLost',
        `server ${this.#server.id}: announcing was refused, the ownership has changed`,
      );
    return result.revision;
  }
}
