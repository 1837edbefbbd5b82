// What a data node must tell about the segments it serves, so that the shared query code can ask the right threads.
// Implemented by the ingest and historical roles.

import type { Interval } from '../../../core/model/interval.ts';
import type { ThreadAnswer, ThreadQuery } from './thread-query.ts';

/** A thread that holds rows, as a query sees it. */
export interface QueryTarget {
  /** First part of the answer. */
  start(query: ThreadQuery): Promise<ThreadAnswer>;
  next(session: number): Promise<ThreadAnswer>;
  /** Gives up an unfinished answer. */
  end(session: number): void;
}

/** Which segments a question is about. */
export type Wanted =
  /** Everything served, as a client of this node asks. */
  | { readonly type: 'all' }
  /** Published segments by id and unique path, as a broker asks a historical. */
  | {
      readonly type: 'listed';
      readonly segments: readonly {
        readonly id: string;
        readonly path: string;
        readonly intervals: readonly Interval[];
      }[];
    }
  /** Every unpublished segment of the node but these ids, as a broker asks a worker (protocol.md 7). */
  | {
      readonly type: 'except';
      readonly ids: readonly string[];
      readonly intervals: readonly Interval[];
    };

/** What the node holds at one instant. */
export interface Selection {
  readonly segments: ThreadQuery['segments'];
  /** Listed ids that are not served here (any more). */
  readonly missing: readonly string[];
  readonly targets: readonly QueryTarget[];
}

/** The port. */
export interface SegmentHolder {
  /** Picks segments and threads in one step, without awaiting: the instant the answer is about. */
  select(dataSource: string, wanted: Wanted): Selection;
  /** Names of data sources with segments here. */
  dataSources(): readonly string[];
  /** Revision of the last un-announcement; a broker behind it plans again. */
  lastRemovalRevision(): number;
  /** False while the node's lease counts as lost: brokers then use its answers only if they see nothing newer. */
  isLeased(): boolean;
}
