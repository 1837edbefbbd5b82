// What the coordinator knows: segments, publications, servers, what they serve, open orders. A live copy of etcd,
// decoded as it changes. Read by the planning steps; nothing is decided here.

import { CODECS } from '../../core/metadata/codecs.ts';
import { ASSIGNMENTS, DATA_SOURCES, parseKey, SERVERS } from '../../core/metadata/keys.ts';
import type { Change, MetadataStore, Mirror } from '../../core/metadata/port.ts';
import type {
  LoadOrder,
  Publication,
  SegmentRecord,
  ServedSegment,
  ServerAnnouncement,
} from '../../core/metadata/values.ts';

/** A decoded value with the revision for compares. */
export interface Stored<T> {
  readonly key: string;
  readonly modRevision: number;
  readonly value: T;
}

/** Everything, by key. */
export class Fleet {
  readonly publications: Map<string, Stored<Publication> & { readonly dataSource: string }> =
    new Map();
  readonly segments: Map<string, Stored<SegmentRecord> & { readonly dataSource: string }> =
    new Map();
  readonly servers: Map<string, ServerAnnouncement> = new Map();
  /** Server -> segment id -> what it serves. */
  readonly served: Map<string, Map<string, ServedSegment>> = new Map();
  /** Server -> segment id -> order. */
  readonly orders: Map<string, Map<string, Stored<LoadOrder>>> = new Map();
  readonly #mirrors: readonly Mirror[];

  constructor(store: MetadataStore, onChange: () => void) {
    const apply = (changes: readonly Change[]): void => {
      for (const change of changes) this.#apply(change);
      onChange();
    };
    this.#mirrors = [DATA_SOURCES, SERVERS, ASSIGNMENTS].map((prefix) =>
      store.mirror(prefix, apply),
    );
  }

  async ready(): Promise<void> {
    await Promise.all(this.#mirrors.map((m) => m.ready));
  }

  /** False while some watch is down: then nothing new is decided. */
  isConnected(): boolean {
    return this.#mirrors.every((m) => m.isConnected());
  }

  close(): void {
    for (const mirror of this.#mirrors) mirror.close();
  }

  #apply(change: Change): void {
    const entry = change.type === 'put' ? change.entry : change.previous;
    const key = parseKey(entry.key);
    const isPut = change.type === 'put';
    const at = { key: entry.key, modRevision: entry.modRevision };
    if (key.type === 'publication') {
      if (!isPut) this.publications.delete(entry.key);
      else
        this.publications.set(entry.key, {
          ...at,
          dataSource: key.dataSource,
          value: CODECS.publication.decode(entry.value, entry.key),
        });
    } else if (key.type === 'segment') {
      if (!isPut) this.segments.delete(key.segmentId);
      else
        this.segments.set(key.segmentId, {
          ...at,
          dataSource: key.dataSource,
          value: CODECS.segment.decode(entry.value, entry.key),
        });
    } else if (key.type === 'server') {
      if (!isPut) this.servers.delete(key.server);
      else this.servers.set(key.server, CODECS.server.decode(entry.value, entry.key));
    } else if (key.type === 'served') {
      const served = nested(this.served, key.server);
      if (!isPut) served.delete(key.segmentId);
      else served.set(key.segmentId, CODECS.served.decode(entry.value, entry.key));
    } else if (key.type === 'order') {
      const orders = nested(this.orders, key.server);
      if (!isPut) orders.delete(key.segmentId);
      else orders.set(key.segmentId, { ...at, value: CODECS.order.decode(entry.value, entry.key) });
    }
  }
}

function nested<T>(map: Map<string, Map<string, T>>, key: string): Map<string, T> {
  let inner = map.get(key);
  if (inner === undefined) {
    inner = new Map();
    map.set(key, inner);
  }
  return inner;
}
