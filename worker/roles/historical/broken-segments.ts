// Segments that were found broken while they were read: taken out of what is served at once, un-announced and put
// aside by the historical's own loop, so that the coordinator has them loaded anew, here or elsewhere. A copy that is
// broken though its bytes are those that were published is not loaded here again. Fed by the query thread.

import { type DataSegment, uniquePathOf } from '../../../core/model/data-segment.ts';
import { Failure } from '../../../core/runtime/failure.ts';
import type { HistoricalOptions } from './historical-options.ts';
import type { SegmentStore } from './segment-store.ts';

/** A copy on this disk, found broken. */
interface Broken {
  readonly segment: DataSegment;
  readonly failure: Failure;
  /** Takes the announcement back and lets go of the files. Called until it succeeds. */
  readonly release: () => Promise<void>;
}

/** The broken segments of one historical. */
export class BrokenSegments {
  readonly #options: Pick<HistoricalOptions, 'log' | 'metrics'>;
  readonly #segments: SegmentStore;
  readonly #waiting: Broken[] = [];
  readonly #refused: Map<string, Failure> = new Map();

  constructor(options: Pick<HistoricalOptions, 'log' | 'metrics'>, segments: SegmentStore) {
    this.#options = options;
    this.#segments = segments;
  }

  /** Remembers what to put aside; the caller has stopped to serve it. */
  add(broken: Broken): void {
    this.#waiting.push(broken);
  }

  /** Puts aside what waits. What fails is tried at the next call. @throws what releasing threw */
  async putAside(): Promise<void> {
    for (;;) {
      const [next] = this.#waiting;
      if (next === undefined) return;
      await next.release();
      await this.quarantine(next.segment, next.failure);
      if (next.failure.code !== 'SegmentChanged')
        this.#refused.set(keyOf(next.segment), next.failure);
      this.#waiting.shift();
    }
  }

  /** Puts a copy aside that nobody serves. */
  async quarantine(segment: DataSegment, failure: Failure): Promise<void> {
    await this.#segments.quarantine(segment);
    this.#options.metrics.segmentLoads.inc({ result: 'quarantined' });
    this.#options.log.error('segment is broken and was put aside', {
      segment: segment.identifier,
      error: failure,
    });
  }

  /** @throws the Failure with which the same bytes could not be read before */
  check(segment: DataSegment): void {
    const failure = this.#refused.get(keyOf(segment));
    if (failure !== undefined)
      throw new Failure(
        'corrupt',
        failure.code,
        `the published file cannot be read: ${failure.message}`,
        failure,
      );
  }
}

function keyOf(segment: DataSegment): string {
  return `${segment.identifier}\n${uniquePathOf(segment)}`;
}
