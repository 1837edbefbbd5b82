// The types of every value in the metadata store (protocol.md 2). Their JSON form and its version are in
// codecs.ts, their keys in keys.ts.

import type { DataSegment } from '../model/data-segment.ts';

/** A place in a partition and what is known of the stream up to it. */
export interface Position {
  /** First offset NOT covered. Exact below 2^53; codecs refuse more. */
  readonly offset: number;
  /** Greatest event time up to the offset, epoch ms; null when none was seen. */
  readonly watermarkMs: number | null;
  /** Kafka's leader epoch of the last record before the offset; -1 if unknown. */
  readonly leaderEpoch: number;
}

/** Where a sequence starts in a partition: the position and the epoch under which it was taken. */
export interface StartPosition extends Position {
  readonly epoch: number;
}

/** By partition number, in decimal. */
export type ByPartition<T> = Readonly<Record<string, T>>;

/** `R/assignment`: which group reads which partitions. Written by the operator only. */
export interface Assignment {
  readonly groups: Readonly<Record<string, readonly number[]>>;
  /** Counts the plans; grows with each change. */
  readonly planRevision: number;
}

/** A range that was jumped over on purpose (protocol.md 3 "Reset"). */
export interface SkippedRange {
  readonly from: number;
  readonly to: number;
  readonly reason: string;
  readonly atMs: number;
}

/** A move that is under way; `from` and `by` (number of the cutting sequence) are set by the cut. */
export interface NextOwner {
  readonly group: string;
  readonly epoch: number;
  readonly from?: Position;
  readonly by?: number;
}

/** `R/partitions/<topic>/<p>`: the committed position and the owner of a partition. */
export interface PartitionState extends Position {
  readonly topicId: string;
  readonly group: string;
  readonly epoch: number;
  readonly next?: NextOwner;
  readonly skipped: readonly SkippedRange[];
}

/** `R/groups/<g>`: sequence numbers of a group; never reused. */
export interface GroupState {
  /** Greatest number given so far; 0 before the first. */
  readonly lastN: number;
  /** Number of the open or closing sequence, null when there is none. */
  readonly open: number | null;
}

/** `R/owners/<g>/<r>`: the live worker of a replica. Leased. */
export interface OwnerState {
  /** Random identity of the process. */
  readonly worker: string;
  /** `host:port` of its HTTP server. */
  readonly address: string;
}

/** The life of a sequence (protocol.md 4). */
const SEQUENCE_STATES = ['open', 'closing', 'closed', 'published', 'abandoned'] as const;
/** One of {@link SEQUENCE_STATES}. */
export type SequenceStatus = (typeof SEQUENCE_STATES)[number];

/** `R/sequences/<g>/<n>`: a half-open range of offsets per partition that becomes segments together. */
export interface SequenceState {
  /** `<uid>-<group>-<n>`. */
  readonly id: string;
  readonly group: string;
  readonly n: number;
  readonly schemaRevision: number;
  /** Version of the rules that turn bytes into rows; a worker that lacks it leaves the sequence alone. */
  readonly rowFormat: number;
  readonly openedMs: number;
  readonly start: ByPartition<StartPosition>;
  /** Set once, when closed. Same partitions as start. */
  readonly end?: ByPartition<Position>;
  readonly state: SequenceStatus;
}

/** `R/sequences/<g>/<n>/reports/<r>`: how far a replica has indexed when the cut began. */
export interface SequenceReport {
  readonly positions: ByPartition<Position>;
}

/** `datasources/<ds>/allocation`. */
export interface AllocationState {
  /** Greatest version given so far, ISO instant; '' before the first. */
  readonly lastVersion: string;
  /** Namespace that owns the data source. */
  readonly owner: string;
}

/** `datasources/<ds>/chunks/<start>_<end>`. */
export interface ChunkState {
  readonly version: string;
  /** Never falls. */
  readonly nextPartition: number;
}

/** One decision of the allocator for a sequence: an id, or the refusal of a bucket. */
export type PendingEntry =
  /** `interval` is `start/end`. */
  | { readonly interval: string; readonly version: string; readonly partition: number }
  | { readonly interval: string; readonly refused: string };

/** `datasources/<ds>/pending/<sequence id>`: in order of allocation; the first that contains a time wins. */
export interface PendingIds {
  /** `R` of the ingestion, so that a sweep finds the sequence. */
  readonly ingestion: string;
  readonly entries: readonly PendingEntry[];
}

/** `datasources/<ds>/publications/<sequence id>`: the truth about which segments exist. */
export interface Publication {
  readonly sequenceId: string;
  /** `R` of the ingestion. */
  readonly ingestion: string;
  /** Inline up to 256 KiB of JSON, else a manifest: a JSON array of DataSegment in deep storage. */
  readonly segments:
    | readonly DataSegment[]
    | { readonly path: string; readonly sha256: string; readonly bytes: number };
  /** Half-open ranges covered, by partition. */
  readonly offsets: ByPartition<{ readonly start: number; readonly end: number }>;
  readonly publishedMs: number;
}

/** States of a segment record; `killing` is final. */
const SEGMENT_STATES = ['used', 'unused', 'killing'] as const;
/** One of {@link SEGMENT_STATES}. */
export type SegmentStatus = (typeof SEGMENT_STATES)[number];

/** `datasources/<ds>/segments/<id>`: written by the coordinator only. */
export interface SegmentRecord {
  readonly segment: DataSegment;
  readonly state: SegmentStatus;
  /** Sequence that published it. */
  readonly sequenceId: string;
  /** Set when workers may let go: a historical serves it, or no tier wants it. */
  readonly handedOff?: 'Loaded' | 'NoTierWants';
}

/** What a server is. */
const SERVER_ROLES = ['ingest', 'historical', 'broker', 'operator'] as const;
/** One of {@link SERVER_ROLES}. */
export type ServerRole = (typeof SERVER_ROLES)[number];

/** `servers/<id>`: leased. */
export interface ServerAnnouncement {
  readonly id: string;
  /** `host:port`. */
  readonly address: string;
  readonly role: ServerRole;
  /** Tier of a historical, else ''. */
  readonly tier: string;
  /** Room for segments, bytes; 0 when it takes none. */
  readonly bytesMax: number;
  readonly startedMs: number;
}

/** `servers/<id>/segments/<id>`: leased. */
export interface ServedSegment {
  readonly id: string;
  readonly dataSource: string;
  /** Unique path of the file served; null while the segment is realtime. */
  readonly path: string | null;
  /** Realtime only: `<R>/<group>`, the unit a broker asks in one request. */
  readonly group?: string;
  /** Realtime only: number of the sequence. */
  readonly sequence?: number;
}

/** `assignments/<server>/<id>`: what a historical has to do. */
export interface LoadOrder {
  readonly action: 'load' | 'drop';
  readonly segment: DataSegment;
  readonly orderedMs: number;
  /** Set by the historical when it could not: code and message of the last failure. */
  readonly failed?: { readonly code: string; readonly message: string; readonly attempts: number };
}

/** `lookups/<tier>/<name>`: a table of texts that queries name. Written by the coordinator only. */
export interface LookupRecord {
  /** As the user gave it; a later one is greater as text. Null = none was given. */
  readonly version: string | null;
  readonly map: Readonly<Record<string, string>>;
  /** `lookupExtractorFactory` without its map, to be shown as it was sent. */
  readonly rest: Readonly<Record<string, unknown>>;
}
