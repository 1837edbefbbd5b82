// The segments a historical serves at this instant: by id, with the handle of the query thread. Picks those that a
// question is about, and reports their number and bytes. Filled by historical-role.ts.

import { type DataSegment, segmentIdOf, uniquePathOf } from '../../../core/model/data-segment.ts';
import type { Metrics } from '../../../core/runtime/metrics.ts';
import type { Selection, Wanted } from '../data-node/segment-holder.ts';
import type { SegmentHost } from '../data-node/segment-host.ts';

/** A segment and what the query thread calls it. */
export interface Loaded {
  readonly segment: DataSegment;
  readonly handle: number;
}

interface Chosen {
  readonly loaded: Loaded;
  readonly intervals: Selection['segments'][number]['intervals'];
}

/** What is served. */
export class LoadedSegments {
  readonly #host: SegmentHost;
  readonly #metrics: Metrics;
  readonly #byId: Map<string, Loaded> = new Map();

  constructor(host: SegmentHost, metrics: Metrics) {
    this.#host = host;
    this.#metrics = metrics;
  }

  /** By segment id. */
  get(id: string): Loaded | undefined {
    return this.#byId.get(id);
  }

  /** By what the query thread calls it. */
  byHandle(handle: number): Loaded | undefined {
    return [...this.#byId.values()].find((loaded) => loaded.handle === handle);
  }

  /** True when this very file is served. */
  has(segment: DataSegment): boolean {
    const held = this.#byId.get(segment.identifier);
    return held !== undefined && uniquePathOf(held.segment) === uniquePathOf(segment);
  }

  add(loaded: Loaded): void {
    this.#byId.set(loaded.segment.identifier, loaded);
    this.#report(loaded.segment.dataSource);
  }

  delete({ identifier, dataSource }: DataSegment): void {
    this.#byId.delete(identifier);
    this.#report(dataSource);
  }

  /** See SegmentHolder. */
  select(dataSource: string, wanted: Wanted): Selection {
    const missing: string[] = [];
    let chosen: Chosen[] = [];
    if (wanted.type === 'all') {
      chosen = [...this.#byId.values()]
        .filter(({ segment }) => segment.dataSource === dataSource)
        .map((loaded) => ({ loaded, intervals: [segmentIdOf(loaded.segment).interval] }));
    } else if (wanted.type === 'listed') {
      for (const { id, path, intervals } of wanted.segments) {
        const loaded = this.#byId.get(id);
        if (loaded === undefined || uniquePathOf(loaded.segment) !== path) missing.push(id);
        else chosen.push({ loaded, intervals });
      }
    }
    chosen.sort((a, b) => (a.loaded.segment.interval < b.loaded.segment.interval ? -1 : 1));
    return {
      segments: chosen.map(({ loaded, intervals }) => ({
        id: loaded.segment.identifier,
        intervals,
      })),
      missing,
      targets:
        chosen.length === 0 ? [] : [this.#host.target(chosen.map(({ loaded }) => loaded.handle))],
    };
  }

  /** Names of data sources, sorted. */
  dataSources(): readonly string[] {
    return [...new Set([...this.#byId.values()].map(({ segment }) => segment.dataSource))].toSorted(
      (a, b) => (a < b ? -1 : 1),
    );
  }

  #report(dataSource: string): void {
    const own = [...this.#byId.values()].filter(({ segment }) => segment.dataSource === dataSource);
    this.#metrics.segmentsServed.set({ data_source: dataSource }, own.length);
    this.#metrics.segmentBytesServed.set(
      { data_source: dataSource },
      own.reduce((sum, { segment }) => sum + segment.size, 0),
    );
  }
}
