// Publications -> segment records, create-only, in batches; a record is never overwritten, so running it twice, or two
// coordinators at once, changes nothing. Source: protocol.md 7 "Hand-off".

import { CODECS } from '../../core/metadata/codecs.ts';
import { dataSourceKeys } from '../../core/metadata/keys.ts';
import type { MetadataStore } from '../../core/metadata/port.ts';
import type { Publication, SegmentRecord } from '../../core/metadata/values.ts';
import type { DeepStorage } from '../../core/deepstorage/port.ts';
import type { DataSegment } from '../../core/model/data-segment.ts';
import { Failure } from '../../core/runtime/failure.ts';

const BATCH = 100;
/** Longest manifest read, bytes: 1,000 chunks of a sequence with room to spare. */
const MANIFEST_BYTES_MAX = 16 * 1024 * 1024;

/** Segments of a publication, read from its manifest where it names one. */
export async function segmentsOf(
  publication: Publication,
  storage: DeepStorage,
  signal: AbortSignal,
): Promise<readonly DataSegment[]> {
  const { segments } = publication;
  if (!('path' in segments)) return segments;
  const bytes = await storage.getBytes(segments.path, MANIFEST_BYTES_MAX, signal);
  const list: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
  if (!Array.isArray(list))
    throw new Failure('corrupt', 'ManifestBroken', `${segments.path}: is not a list of segments`);
  // Written by upload.ts of the worker; its checksum was verified when it was stored.
  return list as DataSegment[];
}

/** Creates the records that are missing. */
export async function expandPublication(
  store: MetadataStore,
  dataSource: string,
  publication: Publication,
  segments: readonly DataSegment[],
  known: ReadonlySet<string>,
): Promise<number> {
  const keys = dataSourceKeys(dataSource);
  const missing = segments.filter((segment) => !known.has(segment.identifier));
  let created = 0;
  for (let i = 0; i < missing.length; i += BATCH) {
    const batch = missing.slice(i, i + BATCH);
    const record = (segment: DataSegment): SegmentRecord => ({
      segment,
      state: 'used',
      sequenceId: publication.sequenceId,
    });
    const result = await store.transact({
      compare: batch.map((s) => ({ key: keys.segment(s.identifier), modRevision: 0 })),
      writes: batch.map((s) => ({
        put: keys.segment(s.identifier),
        value: CODECS.segment.encode(record(s)),
      })),
    });
    if (result.committed) created += batch.length;
  }
  return created;
}
