// What deleting a resource does to its state. Retain: nothing; a re-created resource of the same name and stream goes
// on where this one stopped (history 26). Purge: offsets and segments go, files included. Called once the workers have
// drained; safe to repeat after a crash at any point.

import { CODECS } from '../../core/metadata/codecs.ts';
import { dataSourceKeys, INGESTIONS, ingestionPrefix, parseKey } from '../../core/metadata/keys.ts';
import type { MetadataStore, Versioned } from '../../core/metadata/port.ts';
import type { Publication, SegmentRecord } from '../../core/metadata/values.ts';
import type { DeepStorage } from '../../core/deepstorage/port.ts';
import type { DataSegment } from '../../core/model/data-segment.ts';
import { Failure } from '../../core/runtime/failure.ts';
import { segmentsOf } from '../coordinator/expand.ts';

/** What a purge removed. */
export interface Purged {
  readonly segments: number;
  readonly keys: number;
}

/** Names of the states (`R`) that a named ingestion has. */
export async function statesOf(
  store: MetadataStore,
  namespace: string,
  name: string,
): Promise<readonly string[]> {
  const { entries } = await store.list(ingestionPrefix(namespace, name));
  const roots = new Set(entries.map((entry) => entry.key.split('/').slice(0, 4).join('/')));
  return [...roots];
}

/**
 * Removes everything of an ingestion: segments it published, their files, its offsets and sequences.
 *
 * @throws Failure `transient` WorkersAlive while a worker still holds an owner key
 */
export async function purgeIngestion(
  parts: { store: MetadataStore; storage: DeepStorage },
  ingestion: { readonly namespace: string; readonly name: string; readonly dataSource: string },
  signal: AbortSignal,
): Promise<Purged> {
  const { store } = parts;
  let segments = 0;
  let keys = 0;
  for (const root of await statesOf(store, ingestion.namespace, ingestion.name)) {
    const owners = await store.list(`${root}/owners/`);
    if (owners.entries.length > 0) {
      throw new Failure(
        'transient',
        'WorkersAlive',
        `${ingestion.namespace}/${ingestion.name}: a worker still runs; stop it (or wait until its lease ends) and purge again`,
      );
    }
    segments += await purgeSegments(parts, ingestion.dataSource, root, signal);
    keys += await deleteState(store, root);
  }
  await retireDataSource(store, ingestion.dataSource);
  return { segments, keys };
}

/** Publications of the state, newest state first made final (`killing`), then files, then keys (protocol.md 7 "Kill"). */
async function purgeSegments(
  parts: { store: MetadataStore; storage: DeepStorage },
  dataSource: string,
  root: string,
  signal: AbortSignal,
): Promise<number> {
  const { store, storage } = parts;
  const keys = dataSourceKeys(dataSource);
  let count = 0;
  for (const entry of (await store.list(keys.publications)).entries) {
    const publication = CODECS.publication.decode(entry.value, entry.key);
    if (publication.ingestion !== root) continue;
    const segments = await segmentsOf(publication, storage, signal);
    for (const segment of segments) await kill(parts, dataSource, segment, publication, signal);
    if ('path' in publication.segments) await storage.delete(publication.segments.path, signal);
    await store.transact({
      compare: [{ key: entry.key, modRevision: entry.modRevision }],
      writes: [{ delete: entry.key }],
    });
    count += segments.length;
  }
  return count;
}

/** used or unused -> killing (by compare, final) -> file -> key. */
async function kill(
  parts: { store: MetadataStore; storage: DeepStorage },
  dataSource: string,
  segment: DataSegment,
  publication: Publication,
  signal: AbortSignal,
): Promise<void> {
  const { store, storage } = parts;
  const key = dataSourceKeys(dataSource).segment(segment.identifier);
  for (;;) {
    const entry = await store.get(key);
    const record: SegmentRecord =
      entry === undefined
        ? { segment, state: 'used', sequenceId: publication.sequenceId }
        : CODECS.segment.decode(entry.value, key);
    const result = await store.transact({
      compare: [{ key, modRevision: entry?.modRevision ?? 0 }],
      writes: [{ put: key, value: CODECS.segment.encode({ ...record, state: 'killing' }) }],
    });
    if (!result.committed) continue;
    await storage.delete(storage.pathOf(segment.loadSpec), signal);
    const done = await store.transact({
      compare: [{ key, modRevision: result.revision }],
      writes: [{ delete: key }],
    });
    if (done.committed) return;
  }
}

/** Everything under `R`, and pending ids of its sequences. Owners are compared to be gone in the same step. */
async function deleteState(store: MetadataStore, root: string): Promise<number> {
  const { entries } = await store.list(`${root}/`);
  const result = await store.transact({
    compare: [{ emptyPrefix: `${root}/owners/` }],
    writes: [{ deletePrefix: `${root}/` }],
  });
  if (!result.committed)
    throw new Failure('transient', 'WorkersAlive', `${root}: a worker came back; purge again`);
  return entries.length;
}

/** Chunks and the allocation go with the last publication of the data source, unless another ingestion uses it. */
async function retireDataSource(store: MetadataStore, dataSource: string): Promise<void> {
  const keys = dataSourceKeys(dataSource);
  const [publications, pendings, ingestions] = await Promise.all([
    store.list(keys.publications),
    store.list(keys.pendings),
    store.list(INGESTIONS),
  ]);
  const alive = new Set(ingestions.entries.map((entry) => rootOf(entry)));
  for (const entry of pendings.entries) {
    const { ingestion } = CODECS.pending.decode(entry.value, entry.key);
    if (!alive.has(ingestion))
      await store.transact({
        compare: [{ key: entry.key, modRevision: entry.modRevision }],
        writes: [{ delete: entry.key }],
      });
  }
  if (
    publications.entries.length > 0 ||
    pendings.entries.some((e) => alive.has(CODECS.pending.decode(e.value, e.key).ingestion))
  )
    return;
  await store.transact({
    compare: [{ emptyPrefix: keys.publications }],
    writes: [{ deletePrefix: keys.chunks }],
  });
}

function rootOf(entry: Versioned): string {
  return parseKey(entry.key).type === 'unknown' ? '' : entry.key.split('/').slice(0, 4).join('/');
}
