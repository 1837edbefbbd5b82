// Values that match a search, with their row counts. Conditions run once a dictionary entry; rows only add one
// to their entry's count. Fed by run-query.ts. Source: druid-query-api.md 6.8.

import { VECTOR_ROWS, type View } from '../../view/view.ts';
import type { Pacer } from '../control.ts';
import { Buckets } from '../engine/buckets.ts';
import { type KeyColumn, keyColumn } from '../engine/key-column.ts';
import { type Batch, Selection } from '../engine/selection.ts';
import { SourceSet } from '../engine/source.ts';
import type { DimensionSpec } from '../filter-model.ts';
import type { SearchQuery } from '../model.ts';
import { plainDimension } from '../parse/dimension.ts';
import type { SearchHit, SearchPartial } from '../partial.ts';
import { searchTest, type TextTest } from '../text/text-predicate.ts';
import { textOf } from '../value.ts';
import type { QueryPiece } from './piece.ts';

/** Searches one piece. Yields when the pacer says so. */
export function* searchRows(
  query: SearchQuery,
  piece: QueryPiece,
  pacer: Pacer,
): Generator<undefined, SearchPartial> {
  const sources = new SourceSet(piece.view, query.virtualColumns, query.lookups);
  const selection = new Selection(sources, query.filter, piece.intervals);
  const dimensions = query.searchDimensions ?? stringDimensions(piece.view);
  const buckets = query.granularity.type === 'all' ? null : new Buckets(query.granularity);
  const counters = dimensions.map((spec) => new Counter(spec, sources, searchTest(query.query)));
  const codes = new Int32Array(VECTOR_ROWS);
  for (const batch of selection.batches()) {
    if (buckets !== null) buckets.codes(sources.times().doubles(), batch.rows, batch.count, codes);
    for (const counter of counters) counter.add(batch, codes);
    if (pacer.step()) yield undefined;
  }
  const overlaps =
    piece.view.rows > 0 &&
    piece.intervals.some(
      (i) => i.startMs <= piece.view.maxTimeMs && i.endMs > piece.view.minTimeMs,
    );
  // Without a granularity the answer's time is the start of the first segment.
  const starts =
    buckets === null ? (overlaps ? [piece.view.interval.startMs] : []) : buckets.starts;
  return {
    kind: 'search',
    buckets: starts,
    hits: counters.flatMap((counter) => counter.hits(starts)),
  };
}

function stringDimensions(view: View): DimensionSpec[] {
  return view.dimensions.filter((name) => view.column(name)?.kind === 'string').map(plainDimension);
}

/** Counts rows per bucket and code of one dimension. */
class Counter {
  private readonly spec: DimensionSpec;
  private readonly column: KeyColumn;
  private readonly test: TextTest;
  /** Per bucket, a count per code. */
  private readonly counts: number[][] = [];
  private readonly found: number[] = [];

  constructor(spec: DimensionSpec, sources: SourceSet, test: TextTest) {
    this.spec = spec;
    this.column = keyColumn(spec, sources);
    this.test = test;
  }

  add({ rows, count }: Batch, buckets: Int32Array): void {
    for (let i = 0; i < count; i++) {
      this.found.length = 0;
      this.column.codesOfRow(rows[i]!, this.found);
      const counts = (this.counts[buckets[i]!] ??= []);
      // A row counts once, though its list may hold a value twice.
      for (const code of new Set(this.found)) counts[code] = (counts[code] ?? 0) + 1;
    }
  }

  hits(starts: readonly number[]): SearchHit[] {
    const passes = new Map<number, boolean>();
    const out: SearchHit[] = [];
    for (const [bucket, counts] of this.counts.entries()) {
      counts?.forEach((count, code) => {
        const value = textOf(this.column.value(code));
        let isHit = passes.get(code);
        if (isHit === undefined) {
          isHit = value !== null && this.test(value);
          passes.set(code, isHit);
        }
        if (isHit)
          out.push({ timeMs: starts[bucket] ?? 0, dimension: this.spec.outputName, value, count });
      });
    }
    return out;
  }
}
