// What the main thread and the index thread of an ingest worker say to each other. Records, opens, freezes and seals
// are handled strictly in the order sent; queries and drops at once, between two record sets.

import type { ByPartition, Position } from '../../../core/metadata/values.ts';
import type { Interval } from '../../../core/model/interval.ts';
import type { CompiledSchema } from '../../../core/spec/compiled.ts';
import type { IndexData } from '../../index/index-data.ts';
import type { RecordSet } from '../../source/port.ts';
import type { ThreadQuery } from '../data-node/thread-query.ts';

/** A time chunk of the sequence; `segmentId` null = its rows are refused (noChunk). */
export interface ChunkTarget {
  readonly interval: Interval;
  readonly segmentId: string | null;
}

/** Begins a sequence; the one before must have been frozen. */
export interface OpenSequence {
  readonly type: 'open';
  readonly sequenceId: string;
  readonly schema: CompiledSchema;
  readonly chunks: readonly ChunkTarget[];
  /** Dimensions discovered before a restart. */
  readonly dimensions: readonly string[];
  readonly positions: ByPartition<Position>;
  /** Exclusive offsets that a closed sequence ends at. */
  readonly end: ByPartition<Position> | null;
  /** Kept samples of bad records. */
  readonly samplesMax: number;
}

/** Requests to the index thread. */
export type IndexRequest =
  | OpenSequence
  /** Answer: {@link RecordsDone}, once every record of the set is indexed or rejected. */
  | { readonly type: 'records'; readonly set: RecordSet }
  /** Adds a chunk that the thread asked for with a `needChunk` event. */
  | { readonly type: 'chunk'; readonly chunk: ChunkTarget }
  /** Turns what is in memory into frozen pieces. Answer: {@link Frozen}. */
  | { readonly type: 'freeze' }
  /** Forgets frozen pieces that are now served as hydrants. */
  | { readonly type: 'drop'; readonly pieces: readonly number[] }
  /** Answers a query over all pieces in memory but `except`. Answer: ThreadAnswer. */
  | { readonly type: 'query'; readonly query: ThreadQuery; readonly except: readonly number[] }
  /** The next part of an answer that was not complete. Answer: ThreadAnswer. */
  | { readonly type: 'next'; readonly session: number }
  /** Gives up an answer that was not complete. */
  | { readonly type: 'end'; readonly session: number }
  /** Forgets the sequence, what waits for it and every piece; waiting requests fail as `fenced` IndexReset. */
  | { readonly type: 'reset' }
  /** Answer: {@link BadRecordSample}[], newest last. */
  | { readonly type: 'samples' };

/** Records by what became of them. Keys: outcome, or `outcome/reason`. */
export type OutcomeCounts = Readonly<Record<string, number>>;

/** What became of a record set. */
export interface RecordsDone {
  readonly partition: number;
  readonly position: Position;
  /** The end of the sequence lies within the set: what follows belongs to the next. */
  readonly isEnd: boolean;
  readonly counts: OutcomeCounts;
  /** Rows and bytes now in memory, frozen pieces not included. */
  readonly rows: number;
  readonly bytes: number;
  /** The buffer, to be recycled. */
  readonly buffer: Uint8Array<ArrayBuffer>;
  /** Offsets passed over without a record (transactions, compaction). */
  readonly gapRecords: number;
}

/** A frozen piece: rows of one segment, immutable. */
export interface FrozenPiece {
  readonly piece: number;
  readonly segmentId: string;
  readonly data: IndexData;
}

/** The answer to freeze. */
export interface Frozen {
  readonly pieces: readonly FrozenPiece[];
  readonly positions: ByPartition<Position>;
  /** Dimension names so far (discovery). */
  readonly dimensions: readonly string[];
}

/** Events of the index thread. */
export type IndexEvent =
  /** Indexing waits until a `chunk` that contains the time arrives. */
  { readonly type: 'needChunk'; readonly sequenceId: string; readonly timeMs: number };

/** A bad record, kept for people. */
export interface BadRecordSample {
  readonly partition: number;
  readonly offset: number;
  readonly reason: string;
  /** The first bytes as text. */
  readonly text: string;
}
