// The registered lookups as this server knows them: a live copy of their keys. Fed by a mirror; read by the query
// endpoint, which puts entries into queries.

import { CODECS } from '../../../core/metadata/codecs.ts';
import { LOOKUP_TIER, lookupKey, parseKey } from '../../../core/metadata/keys.ts';
import type { Change, MetadataStore, Mirror } from '../../../core/metadata/port.ts';
import { isFailure } from '../../../core/runtime/failure.ts';
import type { Logger } from '../../../core/runtime/log.ts';

/** The live copy. */
export class LookupRegistry {
  readonly #maps: Map<string, Readonly<Record<string, string>>> = new Map();
  readonly #mirror: Mirror;
  readonly #log: Logger;

  constructor(store: MetadataStore, log: Logger) {
    this.#log = log;
    this.#mirror = store.mirror(lookupKey(LOOKUP_TIER), (changes) =>
      changes.forEach((change) => this.#apply(change)),
    );
  }

  /** Resolves when all lookups have been read once. */
  get ready(): Promise<void> {
    return this.#mirror.ready;
  }

  /** Entries by key; undefined when there is no such lookup. */
  entries(name: string): Readonly<Record<string, string>> | undefined {
    return this.#maps.get(name);
  }

  close(): void {
    this.#mirror.close();
  }

  #apply(change: Change): void {
    const entry = change.type === 'put' ? change.entry : change.previous;
    const key = parseKey(entry.key);
    if (key.type !== 'lookup') return;
    this.#maps.delete(key.name);
    if (change.type === 'delete') return;
    try {
      this.#maps.set(key.name, CODECS.lookup.decode(entry.value, entry.key).map);
    } catch (error) {
      // Written by a later release: queries that name it are refused, all others go on.
      if (!isFailure(error, 'corrupt')) throw error;
      this.#log.warn('a lookup cannot be read', { lookup: key.name, error });
    }
  }
}
