// A closed sequence's finished segments -> files in deep storage and the publication that names them.
// Fed by the ingest role with zipped segments; the result goes into the publish transaction.
// Invariant I7: paths are unique to the attempt; etcd decides which of them exist.

import { dataSegment, type DataSegment, type SegmentId } from '../../core/model/data-segment.ts';
import { formatInstant } from '../../core/model/interval.ts';
import type { DeepStorage } from '../../core/deepstorage/port.ts';
import type { Publication, SequenceState } from '../../core/metadata/values.ts';
import { Failure } from '../../core/runtime/failure.ts';

/** Publications longer than this name a manifest instead, bytes of JSON (protocol.md 2). */
const INLINE_BYTES_MAX = 262_144;

/** A finished segment on local disk. */
export interface BuiltFile {
  readonly id: SegmentId;
  readonly zipFile: string;
  readonly zipBytes: number;
  readonly sha256: string;
  /** Uncompressed bytes. */
  readonly sizeBytes: number;
  readonly rows: number;
  readonly dimensions: readonly string[];
  readonly metrics: readonly string[];
}

/** Where the files of one attempt to publish a sequence go: `<ds>/<sequence id>/<uuid>/`. */
export function attemptPath(dataSource: string, sequenceId: string, attempt: string): string {
  return `${dataSource}/${sequenceId}/${attempt}`;
}

/** Uploads one segment. @throws what the storage throws; `corrupt` when it stored other bytes */
export async function uploadSegment(
  storage: DeepStorage,
  folder: string,
  built: BuiltFile,
  signal: AbortSignal,
): Promise<DataSegment> {
  const { startMs } = built.id.interval;
  const path = `${folder}/${formatInstant(startMs)}_${built.id.partition}/index.zip`;
  const stored = await storage.putFile(path, built.zipFile, signal);
  if (stored.sha256 !== built.sha256 || stored.bytes !== built.zipBytes) {
    throw new Failure(
      'corrupt',
      'FileCorrupt',
      `${path}: stored ${stored.bytes} bytes ${stored.sha256}, built ${built.zipBytes} bytes ${built.sha256}`,
    );
  }
  return dataSegment(
    built.id,
    {
      loadSpec: storage.loadSpec(path),
      sizeBytes: built.sizeBytes,
      sha256: built.sha256,
      zipBytes: built.zipBytes,
      rows: built.rows,
    },
    { dimensions: built.dimensions, metrics: built.metrics },
  );
}

/** The publication of a closed sequence; many segments go into a manifest beside the files. */
export async function buildPublication(
  storage: DeepStorage,
  parts: {
    folder: string;
    ingestion: string;
    sequence: SequenceState;
    segments: readonly DataSegment[];
    publishedMs: number;
  },
  signal: AbortSignal,
): Promise<Publication> {
  const { sequence, segments } = parts;
  const text = JSON.stringify(segments);
  const isInline = Buffer.byteLength(text) <= INLINE_BYTES_MAX;
  const offsets = Object.fromEntries(
    Object.entries(sequence.end ?? {}).map(([p, end]) => [
      p,
      { start: sequence.start[p]?.offset ?? end.offset, end: end.offset },
    ]),
  );
  return {
    sequenceId: sequence.id,
    ingestion: parts.ingestion,
    segments: isInline
      ? segments
      : await storage.putBytes(`${parts.folder}/manifest.json`, Buffer.from(text), signal),
    offsets,
    publishedMs: parts.publishedMs,
  };
}
