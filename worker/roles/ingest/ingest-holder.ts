// What an ingest worker serves, as the query code asks: rows in memory on the index thread, hydrants on the query
// thread, picked in one step so that each row is read once (I2). Only announced segments count.

import type { ServedSegment } from '../../../core/metadata/values.ts';
import { parseSegmentId } from '../../../core/model/data-segment.ts';
import { type Interval, intersect } from '../../../core/model/interval.ts';
import type { SegmentHost } from '../data-node/segment-host.ts';
import type { QueryTarget, Selection, SegmentHolder, Wanted } from '../data-node/segment-holder.ts';
import type { ThreadAnswer, ThreadQuery } from '../data-node/thread-query.ts';
import type { Thread } from '../threads/thread.ts';
import type { IndexEvent, IndexRequest } from './index-messages.ts';
import type { PieceRegistry } from './piece-registry.ts';

/** What the holder reads from. */
export interface IngestHolderParts {
  readonly dataSource: string;
  readonly index: Thread<IndexRequest, IndexEvent>;
  readonly host: SegmentHost;
  readonly pieces: PieceRegistry;
  readonly served: () => ReadonlyMap<string, ServedSegment>;
  readonly lastRemoval: () => number;
  readonly isLeased: () => boolean;
}

/** The holder of one worker. */
export class IngestHolder implements SegmentHolder {
  readonly #parts: IngestHolderParts;

  constructor(parts: IngestHolderParts) {
    this.#parts = parts;
  }

  select(dataSource: string, wanted: Wanted): Selection {
    const { host, pieces, served } = this.#parts;
    if (dataSource !== this.#parts.dataSource || wanted.type === 'listed') {
      return {
        segments: [],
        missing: wanted.type === 'listed' ? wanted.segments.map((s) => s.id) : [],
        targets: [],
      };
    }
    const except = new Set(wanted.type === 'except' ? wanted.ids : []);
    const segments = [...served().keys()].flatMap((id) => {
      if (except.has(id)) return [];
      const chunk = parseSegmentId(id, dataSource).interval;
      const intervals =
        wanted.type === 'all'
          ? [chunk]
          : wanted.intervals.flatMap((interval): readonly Interval[] => {
              const part = intersect(chunk, interval);
              return part === undefined ? [] : [part];
            });
      return intervals.length === 0 ? [] : [{ id, intervals }];
    });
    if (segments.length === 0) return { segments, missing: [], targets: [] };
    const chosen = new Set(segments.map((s) => s.id));
    const handles = pieces
      .hydrants()
      .filter((h) => chosen.has(h.segmentId))
      .map((h) => h.handle);
    const memory = this.#memory(pieces.replaced());
    return {
      segments,
      missing: [],
      targets: handles.length === 0 ? [memory] : [host.target(handles), memory],
    };
  }

  dataSources(): readonly string[] {
    return this.#parts.served().size === 0 ? [] : [this.#parts.dataSource];
  }

  lastRemovalRevision(): number {
    return this.#parts.lastRemoval();
  }

  isLeased(): boolean {
    return this.#parts.isLeased();
  }

  #memory(except: readonly number[]): QueryTarget {
    const { index } = this.#parts;
    return {
      start: (query: ThreadQuery) => index.call<ThreadAnswer>({ type: 'query', query, except }),
      next: (session) => index.call<ThreadAnswer>({ type: 'next', session }),
      end: (session) => index.post({ type: 'end', session }),
    };
  }
}
