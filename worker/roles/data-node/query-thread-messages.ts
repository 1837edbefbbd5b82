// What the main thread asks of a query thread.

import type { ThreadQuery } from './thread-query.ts';

/** Requests. */
export type QueryThreadRequest =
  /** Answer: {@link Opened}. */
  | {
      readonly type: 'open';
      readonly segmentId: string;
      readonly dir: string;
      /** Hashes to compare with whatever is read. */
      readonly hashFile?: string;
    }
  /** Closes when running queries have let go. */
  | { readonly type: 'close'; readonly handle: number }
  /** Answer: ThreadAnswer. */
  | { readonly type: 'query'; readonly query: ThreadQuery; readonly handles: readonly number[] }
  /** The next part. Answer: ThreadAnswer. */
  | { readonly type: 'next'; readonly session: number }
  | { readonly type: 'end'; readonly session: number };

/** What a query thread says unasked: a query found that bytes of a segment are broken. */
export interface SegmentBroken {
  readonly handle: number;
  readonly code: string;
  /** Names folder, file and offset. */
  readonly message: string;
}

/** An opened segment. */
export interface Opened {
  readonly handle: number;
  readonly rows: number;
}
