// Groups the rows of one piece: vectors of rows to codes, codes to slots, slots to aggregator cells.
// Fed by run-query.ts; gives one partial per piece. Source: druid-query-api.md 6.4 to 6.6, performance.md 6.

import { VECTOR_ROWS } from '../../view/view.ts';
import { makeFeeder } from '../aggregate/feed.ts';
import type { Feeder } from '../aggregate/feeder.ts';
import { makeState } from '../aggregate/make-state.ts';
import type { AggregateState } from '../aggregate/state.ts';
import type { Pacer } from '../control.ts';
import { Buckets } from '../engine/buckets.ts';
import { type Grouper, makeGrouper } from '../engine/grouper.ts';
import { type KeyColumn, keyColumn } from '../engine/key-column.ts';
import type { RowMask } from '../engine/row-list.ts';
import { type Batch, Selection } from '../engine/selection.ts';
import { SourceSet } from '../engine/source.ts';
import type { DimensionSpec } from '../filter-model.ts';
import { type AggregatingQuery, dimensionsOf } from '../model.ts';
import { mergeGroups } from '../merge-groups.ts';
import type { Extent, GroupsPartial } from '../partial.ts';
import type { Value } from '../value.ts';
import { Exploder } from './explode.ts';
import type { QueryPiece } from './piece.ts';
import { bestSlots } from './top-n-cut.ts';

/**
 * Aggregates one piece; `isOnly` = there is no other piece on this node. Yields when the pacer says so.
 *
 * @throws Failure `input` QueryInvalid or ResourceLimitExceeded, `transient` QueryCancelled or QueryTimeout
 */
export function* groupRows(
  query: AggregatingQuery,
  piece: QueryPiece,
  pacer: Pacer,
  isOnly: boolean,
): Generator<undefined, GroupsPartial> {
  const sources = new SourceSet(piece.view, query.virtualColumns, query.lookups);
  const selection = new Selection(sources, query.filter, piece.intervals);
  const states = query.aggregations.map(makeState);
  const feeders = query.aggregations.map((aggregator, i) =>
    makeFeeder(aggregator, stateAt(states, i), sources),
  );
  const extents = extentsOf(piece);
  const dimensions = dimensionsOf(query);
  const run =
    dimensions.length === 0
      ? new TimeRun(query, sources, states, feeders)
      : new KeyRun(query, dimensions, sources, states, feeders);
  for (const batch of selection.batches()) {
    if (!batch.isEmpty) run.add(batch);
    if (pacer.step()) {
      pacer.checkGroups(run.size, run.bytes);
      yield undefined;
    }
  }
  pacer.checkGroups(run.size, run.bytes);
  const groups: GroupsPartial = { kind: 'groups', extents, ...run.finish(isOnly) };
  // Two codes of one dimension may stand for the same value, null and "nothing left" for instance.
  return run.mayRepeat ? mergeGroups(query, [groups], true) : groups;
}

function stateAt(states: readonly AggregateState[], i: number): AggregateState {
  const state = states[i];
  if (state === undefined) throw new TypeError('one state per aggregator');
  return state;
}

function extentsOf({ view, intervals, extent }: QueryPiece): Extent[] {
  if (view.rows === 0 && extent === undefined) return [];
  const { firstMs, lastMs } = extent ?? { firstMs: view.minTimeMs, lastMs: view.maxTimeMs };
  return intervals.map((i) => ({ atMs: i.startMs, firstMs, lastMs }));
}

type Groups = Pick<GroupsPartial, 'size' | 'times' | 'keys' | 'states'>;

/** No dimensions: the bucket is the slot, and runs of sorted time need no slot per row. */
class TimeRun {
  private readonly buckets: Buckets | null;
  private readonly sources: SourceSet;
  private readonly states: readonly AggregateState[];
  private readonly feeders: readonly Feeder[];
  private readonly slots: Int32Array = new Int32Array(VECTOR_ROWS);
  readonly mayRepeat = false;
  private hasRows = false;

  constructor(
    query: AggregatingQuery,
    sources: SourceSet,
    states: readonly AggregateState[],
    feeders: readonly Feeder[],
  ) {
    this.buckets = query.granularity.type === 'all' ? null : new Buckets(query.granularity);
    this.sources = sources;
    this.states = states;
    this.feeders = feeders;
  }

  get size(): number {
    return this.buckets === null ? (this.hasRows ? 1 : 0) : this.buckets.starts.length;
  }

  get bytes(): number {
    return this.states.reduce((sum, state) => sum + state.cellBytes * this.size, 0);
  }

  add(batch: Batch): void {
    this.hasRows = true;
    if (this.buckets === null && batch.mask !== null) return this.runMasked(batch, batch.mask);
    const { rows, count } = batch;
    if (this.buckets === null) this.run(rows, 0, count, 0);
    else if (this.sources.view.timeSorted) this.addRuns(this.buckets, rows, count);
    else this.addPlaced(this.buckets, rows, count);
  }

  /** The row list is made only when some aggregator needs it. */
  private runMasked(batch: Batch, mask: RowMask): void {
    for (const state of this.states) state.reserve(1);
    for (const feeder of this.feeders)
      if (feeder.runMasked?.(mask, 0) !== true) feeder.run(batch.rows, 0, batch.count, 0);
  }

  private addRuns(buckets: Buckets, rows: Int32Array, count: number): void {
    const times = this.sources.times().doubles();
    let from = 0;
    while (from < count) {
      const to = buckets.runEnd(times, rows, from, count);
      // Short runs cost more than placing each row.
      if (to - from < 8 && to < count) return this.addPlacedFrom(buckets, rows, from, count);
      this.run(rows, from, to, buckets.current);
      from = to;
    }
  }

  private addPlacedFrom(buckets: Buckets, rows: Int32Array, from: number, count: number): void {
    this.addPlaced(buckets, rows.subarray(from, count), count - from);
  }

  private addPlaced(buckets: Buckets, rows: Int32Array, count: number): void {
    buckets.codes(this.sources.times().doubles(), rows, count, this.slots);
    for (const state of this.states) state.reserve(buckets.starts.length);
    for (const feeder of this.feeders) feeder.group(rows, count, this.slots);
  }

  private run(rows: Int32Array, from: number, to: number, slot: number): void {
    for (const state of this.states) state.reserve(slot + 1);
    for (const feeder of this.feeders) feeder.run(rows, from, to, slot);
  }

  finish(): Groups {
    for (const feeder of this.feeders) feeder.flush?.();
    const { size } = this;
    for (const state of this.states) state.reserve(size);
    return {
      size,
      times: Float64Array.from(this.buckets?.starts ?? [0]).subarray(0, size),
      keys: [],
      states: this.states,
    };
  }
}

/** With dimensions: codes to slots; buckets are one more part of the key. */
class KeyRun {
  private readonly query: AggregatingQuery;
  private readonly buckets: Buckets | null;
  private readonly sources: SourceSet;
  private readonly states: readonly AggregateState[];
  private readonly feeders: readonly Feeder[];
  private readonly columns: readonly KeyColumn[];
  private readonly exploder: Exploder | null;
  private readonly grouper: Grouper;
  private readonly codes: readonly Int32Array[];
  private readonly bucketCodes: Int32Array = new Int32Array(VECTOR_ROWS);
  private readonly slots: Int32Array = new Int32Array(VECTOR_ROWS);

  constructor(
    query: AggregatingQuery,
    dimensions: readonly DimensionSpec[],
    sources: SourceSet,
    states: readonly AggregateState[],
    feeders: readonly Feeder[],
  ) {
    this.query = query;
    this.buckets = query.granularity.type === 'all' ? null : new Buckets(query.granularity);
    this.sources = sources;
    this.states = states;
    this.feeders = feeders;
    this.columns = dimensions.map((dimension) => keyColumn(dimension, sources));
    this.exploder = this.columns.some((column) => column.multi)
      ? new Exploder(this.columns, query.queryType === 'groupBy')
      : null;
    const { minTimeMs, maxTimeMs } = sources.view;
    const bucketCount =
      this.buckets === null ? [] : [this.buckets.countBetween(minTimeMs, maxTimeMs)];
    // A value the dimension leaves out becomes the null group of a groupBy: one more code.
    const spare = this.exploder === null ? 0 : 1;
    this.grouper = makeGrouper(
      [...this.columns.map((column) => column.cardinality + spare), ...bucketCount],
      sources.view.rows,
      feeders.find((feeder) => feeder.isUsed !== undefined)?.isUsed ?? null,
    );
    this.codes = this.columns.map(() => new Int32Array(VECTOR_ROWS));
  }

  get mayRepeat(): boolean {
    return this.exploder !== null;
  }

  get size(): number {
    return this.grouper.slots;
  }

  get bytes(): number {
    return this.states.reduce((sum, state) => sum + state.cellBytes * this.size, 0);
  }

  add({ rows, count }: Batch): void {
    if (this.exploder === null) {
      const codes = this.columns.map((column, k) => column.codes(rows, count, this.codes[k]!));
      this.assign(codes, rows, count, this.bucketCodes, this.slots);
      return;
    }
    this.exploder.explode(rows, count);
    const size = this.exploder.count;
    if (size > 0)
      this.assign(
        this.exploder.codes,
        this.exploder.rows,
        size,
        this.exploder.bucketCodes,
        this.exploder.slots,
      );
  }

  private assign(
    codes: readonly Int32Array[],
    rows: Int32Array,
    count: number,
    bucketCodes: Int32Array,
    out: Int32Array,
  ): void {
    let parts = codes;
    if (this.buckets !== null) {
      this.buckets.codes(this.sources.times().doubles(), rows, count, bucketCodes);
      parts = [...codes, bucketCodes];
    }
    const slots = this.grouper.assign(parts, count, out);
    for (const state of this.states) state.reserve(this.grouper.slots);
    for (const feeder of this.feeders) feeder.group(rows, count, slots);
  }

  finish(isOnly: boolean): Groups {
    for (const feeder of this.feeders) feeder.flush?.();
    for (const state of this.states) state.reserve(this.grouper.slots);
    const used = isOnly ? this.neededSlots() : this.grouper.used();
    const keys = this.columns.map((_, k) => this.keysOf(used, k));
    const bucketPart = this.columns.length;
    const { buckets } = this;
    return {
      size: used.length,
      times:
        buckets === null
          ? new Float64Array(used.length)
          : Float64Array.from(
              used,
              (slot) => buckets.starts[this.grouper.part(slot, bucketPart)] ?? 0,
            ),
      keys,
      states: this.states.map((state) =>
        // Slots ascend: as many as there are are all of them.
        used.length === this.grouper.slots ? state : state.pick(used),
      ),
    };
  }

  /** The values of dimension `k` for the slots. */
  private keysOf(used: Int32Array, k: number): readonly Value[] {
    const column = this.columns[k]!;
    const nullCode = this.exploder?.nullCode(k);
    const isOnce = this.columns.length === 1 && this.buckets === null && nullCode === undefined;
    if (isOnce && column.values !== undefined)
      return column.values(used.map((slot) => this.grouper.part(slot, k)));
    const keys: Value[] = [];
    for (let i = 0; i < used.length; i++) {
      const code = this.grouper.part(used[i]!, k);
      keys.push(code === nullCode ? null : column.value(code));
    }
    return keys;
  }

  /** All groups, but for a topN by an aggregator without time buckets: there the best are known now. */
  private neededSlots(): Int32Array {
    const used = this.grouper.used();
    const { query } = this;
    if (query.queryType !== 'topN' || query.metric.type !== 'numeric') return used;
    if (this.buckets !== null || this.exploder !== null) return used;
    const { metric } = query.metric;
    const state = this.states[query.aggregations.findIndex(({ name }) => name === metric)];
    return state === undefined ? used : bestSlots(query, state, used);
  }
}
