// Who serves what, as announced in etcd: a live copy, grouped the way a broker plans. Fed by a mirror of the servers
// prefix; read by the query plan. Nothing is decided here.

import { CODECS } from '../../core/metadata/codecs.ts';
import { parseKey, SERVERS } from '../../core/metadata/keys.ts';
import type { Change, MetadataStore, Mirror } from '../../core/metadata/port.ts';
import type { ServedSegment, ServerAnnouncement } from '../../core/metadata/values.ts';
import { parseSegmentId, type SegmentId } from '../../core/model/data-segment.ts';

/** A segment that some historicals serve. */
export interface PublishedSegment {
  readonly segmentId: SegmentId;
  readonly id: string;
  /** Address and unique path by server id. */
  readonly copies: ReadonlyMap<string, { readonly address: string; readonly path: string }>;
}

/** A group of workers with unpublished (or not yet handed-off) segments of a data source. */
export interface FreshGroup {
  readonly group: string;
  /** Replicas that can be asked, by server id. */
  readonly replicas: ReadonlyMap<string, string>;
  /** Ids they announce. */
  readonly ids: ReadonlySet<string>;
}

/** The live copy. */
export class Inventory {
  readonly #servers: Map<string, ServerAnnouncement> = new Map();
  readonly #served: Map<string, Map<string, ServedSegment>> = new Map();
  readonly #mirror: Mirror;

  constructor(store: MetadataStore) {
    this.#mirror = store.mirror(SERVERS, (changes) =>
      changes.forEach((change) => this.#apply(change)),
    );
  }

  get ready(): Promise<void> {
    return this.#mirror.ready;
  }

  /** The revision a plan made now is about. */
  revision(): number {
    return this.#mirror.revision();
  }

  /** False while the watch is down: what is known may be old. */
  isConnected(): boolean {
    return this.#mirror.isConnected();
  }

  /** @throws Failure `transient` WatchBehind */
  caughtUp(revision: number, timeoutMs: number): Promise<void> {
    return this.#mirror.caughtUp(revision, timeoutMs);
  }

  close(): void {
    this.#mirror.close();
  }

  /** Names of data sources that are served, sorted. */
  dataSources(): readonly string[] {
    const names = new Set(
      [...this.#served.values()].flatMap((served) => [...served.values()].map((s) => s.dataSource)),
    );
    return [...names].toSorted((a, b) => (a < b ? -1 : 1));
  }

  /** Segments of a data source on historicals. */
  published(dataSource: string): readonly PublishedSegment[] {
    const found = new Map<string, Map<string, { address: string; path: string }>>();
    for (const [server, segment] of this.#segments(dataSource)) {
      if (server.role !== 'historical' || segment.path === null) continue;
      const copies = found.get(segment.id) ?? new Map<string, { address: string; path: string }>();
      copies.set(server.id, { address: server.address, path: segment.path });
      found.set(segment.id, copies);
    }
    return [...found].map(([id, copies]) => ({
      id,
      segmentId: parseSegmentId(id, dataSource),
      copies,
    }));
  }

  /** Groups with fresh rows of a data source. */
  fresh(dataSource: string): readonly FreshGroup[] {
    const groups = new Map<string, { replicas: Map<string, string>; ids: Set<string> }>();
    for (const [server, segment] of this.#segments(dataSource)) {
      if (server.role !== 'ingest' || segment.group === undefined) continue;
      const group = groups.get(segment.group) ?? {
        replicas: new Map<string, string>(),
        ids: new Set<string>(),
      };
      group.replicas.set(server.id, server.address);
      group.ids.add(segment.id);
      groups.set(segment.group, group);
    }
    return [...groups].map(([group, { replicas, ids }]) => ({ group, replicas, ids }));
  }

  *#segments(dataSource: string): Generator<readonly [ServerAnnouncement, ServedSegment]> {
    for (const [id, served] of this.#served) {
      const server = this.#servers.get(id);
      if (server === undefined) continue;
      for (const segment of served.values())
        if (segment.dataSource === dataSource) yield [server, segment];
    }
  }

  #apply(change: Change): void {
    const entry = change.type === 'put' ? change.entry : change.previous;
    const key = parseKey(entry.key);
    if (key.type === 'server') {
      if (change.type === 'put')
        this.#servers.set(key.server, CODECS.server.decode(entry.value, entry.key));
      else this.#servers.delete(key.server);
    } else if (key.type === 'served') {
      const served = this.#served.get(key.server) ?? new Map<string, ServedSegment>();
      if (change.type === 'put')
        served.set(key.segmentId, CODECS.served.decode(entry.value, entry.key));
      else served.delete(key.segmentId);
      this.#served.set(key.server, served);
    }
  }
}
