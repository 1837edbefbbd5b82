// What is really published: the segments that publications in etcd name, read from MinIO file by file. Not through any
// query path. Used by the checks of the end-to-end tests.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CODECS } from '../../core/metadata/codecs.ts';
import { dataSourceKeys, INGESTIONS, parseKey } from '../../core/metadata/keys.ts';
import type { DataSegment } from '../../core/model/data-segment.ts';
import { BlockCache } from '../../worker/segment/block-cache.ts';
import { openSegment } from '../../worker/segment/reader.ts';
import { unzipSegment } from '../../worker/segment/zip.ts';
import type { View } from '../../worker/view/view.ts';
import type { Deployment } from './deployment.ts';

/** Where to look: the stores, and the data source, which is the name. */
type Stored = Pick<Deployment, 'store' | 'storage' | 'name'>;

/** Published segments, in order of id. */
export async function publishedSegments(deployment: Stored): Promise<readonly DataSegment[]> {
  const { entries } = await deployment.store.list(dataSourceKeys(deployment.name).publications);
  const segments: DataSegment[] = [];
  for (const entry of entries) {
    const publication = CODECS.publication.decode(entry.value, entry.key);
    if ('path' in publication.segments) {
      const bytes = await deployment.storage.getBytes(
        publication.segments.path,
        1e8,
        AbortSignal.timeout(30_000),
      );
      segments.push(...(JSON.parse(Buffer.from(bytes).toString('utf8')) as DataSegment[]));
    } else {
      segments.push(...publication.segments);
    }
  }
  return segments.toSorted((a, b) => (a.identifier < b.identifier ? -1 : 1));
}

/** Committed offset by partition. */
export async function committedOffsets(deployment: Stored): Promise<ReadonlyMap<number, number>> {
  const { entries } = await deployment.store.list(INGESTIONS);
  const offsets = new Map<number, number>();
  for (const entry of entries) {
    const key = parseKey(entry.key);
    if (key.type === 'partition')
      offsets.set(key.partition, CODECS.partition.decode(entry.value, entry.key).offset);
  }
  return offsets;
}

/** Ids in the published segments: how often each was counted. */
export interface StoredIds {
  /** Id number -> sum of the ingested counts. */
  readonly counts: ReadonlyMap<number, number>;
  readonly rows: number;
  readonly segments: number;
}

type Visit = (dir: string, segment: DataSegment) => Promise<void>;

/** Reads every published segment; `visit` may look at each unpacked folder (Druid's own reader does). */
export function readStoredIds(deployment: Stored, visit?: Visit): Promise<StoredIds> {
  return new StoredIdReader(deployment, visit).read();
}

/** Reads a deployment's segments again and again, each once: what a hash names does not change. */
export class StoredIdReader {
  readonly #deployment: Stored;
  readonly #visit: Visit | undefined;
  #counts: Map<number, number> = new Map();
  #rows = 0;
  /** Segments that are counted, by id and hash. */
  #counted: Set<string> = new Set();

  constructor(deployment: Stored, visit?: Visit) {
    this.#deployment = deployment;
    this.#visit = visit;
  }

  /** Ids in all segments that are published now. */
  async read(): Promise<StoredIds> {
    const nameOf = ({ identifier, sluice }: DataSegment): string =>
      `${identifier} ${sluice.sha256}`;
    const segments = await publishedSegments(this.#deployment);
    const published = new Set(segments.map(nameOf));
    if (![...this.#counted].every((name) => published.has(name))) {
      this.#counts = new Map();
      this.#rows = 0;
      this.#counted = new Set();
    }
    const fresh = segments.filter((segment) => !this.#counted.has(nameOf(segment)));
    const root = await mkdtemp(join(tmpdir(), 'sluice-stored-'));
    try {
      for (const segment of fresh) {
        await this.#count(segment, join(root, 'segment'));
        this.#counted.add(nameOf(segment));
      }
    } finally {
      await rm(root, { recursive: true, force: true });
    }
    return { counts: this.#counts, rows: this.#rows, segments: segments.length };
  }

  async #count(segment: DataSegment, dir: string): Promise<void> {
    const { storage } = this.#deployment;
    const zip = `${dir}.zip`;
    const { zipBytes: bytes, sha256 } = segment.sluice;
    await storage.getFile(
      { path: storage.pathOf(segment.loadSpec), bytes, sha256 },
      zip,
      AbortSignal.timeout(60_000),
    );
    await unzipSegment(zip, dir, { bytesMax: segment.size });
    const view = await openSegment(dir, segment.identifier, {
      cache: new BlockCache(16 * 1024 * 1024),
    });
    addIds(view, this.#counts);
    this.#rows += view.rows;
    view.close();
    await this.#visit?.(dir, segment);
    await rm(dir, { recursive: true });
    await rm(zip);
  }
}

function addIds(view: View, counts: Map<number, number>): void {
  const column = view.column('id');
  const count = view.column('count');
  if (column?.kind !== 'string' || count?.kind !== 'numeric')
    throw new Error(`${view.segmentId}: has no id and count`);
  const ids = new Int32Array(view.rows);
  const stored = new BigInt64Array(view.rows);
  column.readIds(0, view.rows, ids);
  count.readLongs(0, view.rows, stored);
  for (let row = 0; row < view.rows; row++) {
    const text = column.dictionary.value(ids[row] ?? 0) ?? '';
    const id = Number(text.slice('row-'.length));
    counts.set(id, (counts.get(id) ?? 0) + Number(stored[row]));
  }
}

/** The difference between what was sent and accepted and what is stored; empty when invariant I1 holds. */
export function differences(
  accepted: ReadonlySet<number>,
  stored: ReadonlyMap<number, number>,
): string[] {
  const missing = [...accepted].filter((id) => !stored.has(id));
  const doubled = [...stored].filter(([, count]) => count !== 1);
  const foreign = [...stored.keys()].filter((id) => !accepted.has(id));
  const show = (what: string, ids: readonly unknown[]): string[] =>
    ids.length === 0 ? [] : [`${ids.length} ${what}, e.g. ${ids.slice(0, 5).join(' ')}`];
  return [
    ...show('missing', missing),
    ...show('counted more than once', doubled),
    ...show('that should not have been accepted', foreign),
  ];
}
