// A query as it crosses from the main thread to a thread that holds rows, and the answer's way back. Answers come in
// parts that are pulled, so that a scan of any size needs bounded memory on every side.

import type { Interval } from '../../../core/model/interval.ts';

/** The question. */
export interface ThreadQuery {
  /** The native query as JSON text. */
  readonly text: string;
  /** Segments to read and the intervals each answers for; others are left out. */
  readonly segments: readonly { readonly id: string; readonly intervals: readonly Interval[] }[];
  /** Int32[0], shared: CANCEL_* below. */
  readonly cancel: Int32Array;
}

/** Values of the cancel word. */
export const CANCEL_NONE = 0;
/** Somebody asked for it: the query ends as `Query cancelled`. */
export const CANCEL_ASKED = 1;
/** Its time is over: the query ends as `Query timeout`. */
export const CANCEL_TIMEOUT = 2;

/** One part of the answer. */
export interface ThreadAnswer {
  /** To be asked for the next part; meaningless when done. */
  readonly session: number;
  readonly isDone: boolean;
  /** An encoded partial result. */
  readonly partial: Uint8Array;
}
