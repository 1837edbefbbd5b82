// A query thread as the main thread sees it: opens segment folders, is asked queries over chosen ones. Used by the
// ingest role for hydrants and by the historical for published segments.

import { Failure } from '../../../core/runtime/failure.ts';
import { startThread, type Thread } from '../threads/thread.ts';
import type { Opened, QueryThreadRequest, SegmentBroken } from './query-thread-messages.ts';
import type { QueryTarget } from './segment-holder.ts';
import type { ThreadAnswer, ThreadQuery } from './thread-query.ts';

/** The host of one query thread. */
export class SegmentHost {
  readonly #thread: Thread<QueryThreadRequest, SegmentBroken>;

  /** `cacheBytes` bounds decoded blocks. */
  constructor(name: string, cacheBytes: number) {
    this.#thread = startThread(new URL('./query-thread.ts', import.meta.url), {
      name,
      data: cacheBytes,
    });
  }

  /** Resolves with the reason when the thread ends by itself. */
  get died(): Thread<QueryThreadRequest, SegmentBroken>['died'] {
    return this.#thread.died;
  }

  /**
   * Opens a folder; the handle names it from now on. With a hash file whatever is read is compared with it.
   *
   * @throws Failure `corrupt` SegmentCorrupt, SegmentChanged
   */
  async open(segmentId: string, dir: string, hashFile?: string): Promise<number> {
    const hashes = hashFile === undefined ? {} : { hashFile };
    const { handle } = await this.#thread.call<Opened>({ type: 'open', segmentId, dir, ...hashes });
    return handle;
  }

  /** Called when a query met broken bytes, before the query fails. It may be called again for the same handle. */
  onBroken(listener: (handle: number, failure: Failure) => void): void {
    this.#thread.onEvent(({ handle, code, message }) =>
      listener(handle, new Failure('corrupt', code, message)),
    );
  }

  /** Closes once running queries have let go. */
  close(handle: number): void {
    this.#thread.post({ type: 'close', handle });
  }

  /** The thread as a target for these segments. */
  target(handles: readonly number[]): QueryTarget {
    return {
      start: (query: ThreadQuery) =>
        this.#thread.call<ThreadAnswer>({ type: 'query', query, handles }),
      next: (session) => this.#thread.call<ThreadAnswer>({ type: 'next', session }),
      end: (session) => this.#thread.post({ type: 'end', session }),
    };
  }

  stop(): Promise<void> {
    return this.#thread.close();
  }
}
