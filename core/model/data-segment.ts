// What a published segment is: its id and the DataSegment JSON that Druid's own coordinator reads.
// Source: druid-segment-format.md 5.3, 5.4.

import { Failure } from '../runtime/failure.ts';
import { formatInstant, formatInterval, type Interval, parseInterval } from './interval.ts';

/** The identity of a segment. Equal ids hold equal rows (invariant I3). */
export interface SegmentId {
  readonly dataSource: string;
  readonly interval: Interval;
  /** Fixed-width ISO instant; compared as a plain string, greater wins over the same interval. */
  readonly version: string;
  readonly partition: number;
}

/** Where the file is. `local` is a folder deep storage, `s3_zip` a bucket. Key names are Druid's. */
export type LoadSpec =
  | {
      readonly type: 's3_zip';
      readonly bucket: string;
      readonly key: string;
      readonly S3Schema: 's3n' | 's3a';
    }
  | { readonly type: 'local'; readonly path: string };

/** Sluice writes `numbered` with `partitions: 0` (no core set: each partition is visible by itself). */
export interface ShardSpec {
  readonly type: 'numbered';
  readonly partitionNum: number;
  readonly partitions: number;
}

/** The JSON Druid keeps in `druid_segments.payload`, with the checksum Sluice adds (Druid ignores it). */
export interface DataSegment {
  readonly dataSource: string;
  readonly interval: string;
  readonly version: string;
  readonly loadSpec: LoadSpec;
  /** Comma-joined names. */
  readonly dimensions: string;
  /** Comma-joined names. */
  readonly metrics: string;
  readonly shardSpec: ShardSpec;
  readonly binaryVersion: 9;
  /** Sum of uncompressed file sizes, bytes. */
  readonly size: number;
  readonly identifier: string;
  /** Sluice's own: SHA-256 (hex) of the zip, its length in bytes, and the stored rows. */
  readonly sluice: { readonly sha256: string; readonly zipBytes: number; readonly rows: number };
}

/** `<dataSource>_<start>_<end>_<version>[_<partition>]`, partition 0 omitted. */
export function formatSegmentId(id: SegmentId): string {
  const { startMs, endMs } = id.interval;
  const base = `${id.dataSource}_${formatInstant(startMs)}_${formatInstant(endMs)}_${id.version}`;
  return id.partition === 0 ? base : `${base}_${id.partition}`;
}

/**
 * Inverse of {@link formatSegmentId}. The data source may contain `_`, so it must be known.
 *
 * @throws Failure `input` SegmentIdInvalid
 */
export function parseSegmentId(text: string, dataSource: string): SegmentId {
  const rest = text.startsWith(`${dataSource}_`)
    ? text.slice(dataSource.length + 1).split('_')
    : [];
  const [start, end, version, partition] = rest;
  if (start === undefined || end === undefined || version === undefined || rest.length > 4) {
    throw new Failure(
      'input',
      'SegmentIdInvalid',
      `'${text}' is not a segment id of data source '${dataSource}'`,
    );
  }
  return {
    dataSource,
    interval: parseInterval(`${start}/${end}`),
    version,
    partition: Number(partition ?? 0),
  };
}

/** The id of a published segment. */
export function segmentIdOf(segment: DataSegment): SegmentId {
  return {
    dataSource: segment.dataSource,
    interval: parseInterval(segment.interval),
    version: segment.version,
    partition: segment.shardSpec.partitionNum,
  };
}

/** Builds the DataSegment JSON of `id`. `partitions` is 0: streaming appends have no core set. */
export function dataSegment(
  id: SegmentId,
  file: { loadSpec: LoadSpec; sizeBytes: number; sha256: string; zipBytes: number; rows: number },
  columns: { dimensions: readonly string[]; metrics: readonly string[] },
): DataSegment {
  return {
    dataSource: id.dataSource,
    interval: formatInterval(id.interval),
    version: id.version,
    loadSpec: file.loadSpec,
    dimensions: columns.dimensions.join(','),
    metrics: columns.metrics.join(','),
    shardSpec: { type: 'numbered', partitionNum: id.partition, partitions: 0 },
    binaryVersion: 9,
    size: file.sizeBytes,
    identifier: formatSegmentId(id),
    sluice: { sha256: file.sha256, zipBytes: file.zipBytes, rows: file.rows },
  };
}

/** The unique path of a published file: what servers announce beside the id (protocol.md 7 "Identity of copies"). */
export function uniquePathOf(segment: DataSegment): string {
  return segment.loadSpec.type === 'local' ? segment.loadSpec.path : segment.loadSpec.key;
}
