// The source port ("firehose"): record sets by explicit partition and offset. A source knows nothing of
// sequences, offsets committed or groups; it is told where to start and is pulled. Adapters: kafka/, file/.
//
// A record set travels as bytes from the socket (main thread) to the index thread, where `walk` of the same
// adapter turns it into value slices. No object per record anywhere.

/** How the bytes of a record set are laid out, and so which walker reads them. */
const RECORD_SET_FORMATS = ['kafka-v2', 'lines'] as const;
/** One of {@link RECORD_SET_FORMATS}. */
export type RecordSetFormat = (typeof RECORD_SET_FORMATS)[number];

/** Consecutive records of one partition. */
export interface RecordSet {
  readonly format: RecordSetFormat;
  readonly partition: number;
  /** Records with a smaller offset are to be skipped (Kafka batches may begin earlier). */
  readonly fromOffset: number;
  /** Offset to read from after this set: > every offset in it; gaps are normal. */
  readonly nextOffset: number;
  /**
   * Kafka: whole v2 record batches, still compressed, control batches included.
   * Lines: `\n`-separated text; offset of a record = fromOffset + its byte position.
   * Owned by the receiver (transferable); given back through `recycle`.
   */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Kafka: producer ids with aborted transactions that start at or below the offset; else empty. */
  readonly aborted: readonly { readonly producerId: bigint; readonly firstOffset: number }[];
  /** Kafka: leader epoch of the last batch, -1 if unknown. */
  readonly leaderEpoch: number;
  /** Records known to wait in the partition behind nextOffset when this was fetched (lag). */
  readonly lagRecords: number;
}

/** Value slices of one record set, columns over `count` records; arrays are reused by the next walk. */
export interface RecordSlices {
  /** The (decompressed) bytes that start and end index into. Slices of one walk share it. */
  bytes: Uint8Array;
  count: number;
  /** First byte of each value; -1 for a null value. */
  starts: Int32Array;
  /** One past the last byte. */
  ends: Int32Array;
  /** Offset of each record (exact below 2^53). */
  offsets: Float64Array;
  /** Record timestamp, epoch ms; NaN where the source has none (files). */
  timestampsMs: Float64Array;
}

/** Why a partition cannot be read on. Each becomes a condition; none is ever silent. */
export type SourceStop =
  | {
      readonly reason: 'OffsetOutOfRange';
      readonly partition: number;
      readonly offset: number;
      readonly earliest: number;
      readonly latest: number;
    }
  | {
      readonly reason:
        | 'TopicRecreated'
        | 'TopicMissing'
        | 'LogTruncated'
        | 'FileChanged'
        | 'PartitionEnded';
      readonly partition: number;
      readonly message: string;
    };

/** One step of reading. */
export type Fetched =
  | { readonly kind: 'records'; readonly set: RecordSet }
  /** The partition cannot continue; other partitions go on. */
  | { readonly kind: 'stopped'; readonly stop: SourceStop };

/** Identity of what is read: a re-created topic of the same name differs. */
export interface SourceIdentity {
  /** Kafka: `<cluster id>/<topic id>`; file: `file/<sha256 of the first bytes>` per partition joined. */
  readonly id: string;
  readonly partitions: readonly number[];
}

/** Start of a partition that has nothing committed. */
export type StartFrom =
  | { readonly from: 'Earliest' | 'Latest' }
  | { readonly from: 'Timestamp'; readonly timestampMs: number }
  | { readonly from: 'Offsets'; readonly offsets: ReadonlyMap<number, number> };

/** A stream that can be read by partition and offset. */
export interface Source {
  /** Identity and partitions now. @throws Failure config TopicMissing, transient SourceUnavailable */
  identity(signal: AbortSignal): Promise<SourceIdentity>;
  /** Resolves starts to offsets. Partitions named nowhere in `Offsets` start at earliest. */
  resolve(
    partitions: readonly number[],
    start: StartFrom,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<number, number>>;
  /** Begins to read `partition` at `offset`; replaces an earlier position. `leaderEpoch` -1 if unknown. */
  assign(partition: number, offset: number, leaderEpoch: number): void;
  /** Stops reading a partition; buffered sets of it are dropped. */
  unassign(partition: number): void;
  /**
   * The next record sets, in offset order within a partition. Waits until there is something or the signal
   * aborts (then resolves to []). Back-pressure: nothing is fetched beyond `bufferBytesMax` while nobody calls.
   */
  next(signal: AbortSignal): Promise<readonly Fetched[]>;
  /** Gives a buffer back to the pool. */
  recycle(bytes: Uint8Array<ArrayBuffer>): void;
  /** End offsets (high watermark / file length) now, for lag and progress. */
  endOffsets(
    partitions: readonly number[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<number, number>>;
  close(): Promise<void>;
}
