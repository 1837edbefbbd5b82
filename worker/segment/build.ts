// Builds a segment from views: one unsorted in-memory index (persist), or hydrants and segments (merge); it is
// the same work. Dictionaries are merged, the row order is found, then each column is put in order and written,
// one at a time. Fed by publish; read back by reader.ts. Source: druid-segment-format.md 2 to 4, 8.1.

import { rmSync } from 'node:fs';
import { contains, type Interval } from '../../core/model/interval.ts';
import { Failure } from '../../core/runtime/failure.ts';
import type { View } from '../view/view.ts';
import { checkBuild } from './build-checks.ts';
import type { BuildOptions, BuiltSegment } from './build-options.ts';
import { planColumns, type Plan } from './build-plan.ts';
import { type BuildArrays, writeColumns } from './build-columns.ts';
import { mergeRows, type Piece, type RowOrder } from './row-merge.ts';
import { planPacking } from './row-keys.ts';
import { sortRows } from './row-sort.ts';
import { SmooshWriter } from './smoosh-writer.ts';

/**
 * Builds the segment. Rows are ordered by time, dimensions (nulls first), and without rollup by metrics, so that
 * the same rows give the same segment whatever inputs they came in (floating sums up to the order of addition).
 * Runs to its end without yielding: it is meant for a thread of its own.
 *
 * @throws Failure `config` ColumnNameInvalid, SegmentTooLarge; `transient` BuildStopped,
 *         SegmentUnwritable; `corrupt` from inputs; `bug` for rows outside the interval or no rows at all
 */
export function buildSegment(options: BuildOptions): Promise<BuiltSegment> {
  try {
    return Promise.resolve(buildNow(options));
  } catch (error) {
    return Promise.reject(error instanceof Error ? error : new Error(String(error)));
  }
}

function buildNow(options: BuildOptions): BuiltSegment {
  const encoding = checkBuild(options);
  const views = options.views.filter((view) => view.rows > 0);
  const range = timeRange(views, options.interval);
  const checkStop = (): void => {
    if (options.shouldStop?.() === true) {
      throw new Failure('transient', 'BuildStopped', `building ${options.outDir} was stopped`);
    }
  };
  checkStop();
  const plan = planColumns(views, options);
  const { pieces, order } = orderRows(views, plan, range, options.rollup, checkStop);
  const out = new SmooshWriter(options.outDir);
  try {
    const arrays = new Arrays(order.rows);
    writeColumns(out, { options, plan, pieces, order, encoding, arrays, checkStop });
    const sizeBytes = out.finish();
    return { dir: options.outDir, rows: order.rows, sizeBytes, ...range };
  } catch (error) {
    out.close();
    rmSync(options.outDir, { recursive: true, force: true });
    throw error;
  }
}

/** Scratch space shared by the columns of a build, which are written one after the other. */
class Arrays implements BuildArrays {
  readonly longs: BigInt64Array;
  readonly doubles: Float64Array;
  readonly ids: Int32Array;
  readonly scratch: Int32Array;
  readonly nulls: Uint8Array;

  constructor(rows: number) {
    const buffer = new ArrayBuffer(8 * rows);
    this.longs = new BigInt64Array(buffer);
    this.doubles = new Float64Array(buffer);
    this.ids = new Int32Array(buffer, 0, rows);
    this.scratch = new Int32Array(buffer, 4 * rows, rows);
    this.nulls = new Uint8Array(rows);
  }
}

function timeRange(
  views: readonly View[],
  interval: Interval,
): { readonly minTimeMs: number; readonly maxTimeMs: number } {
  const minTimeMs = Math.min(...views.map((view) => view.minTimeMs));
  const maxTimeMs = Math.max(...views.map((view) => view.maxTimeMs));
  if (!contains(interval, { startMs: minTimeMs, endMs: maxTimeMs + 1 })) {
    const text = `rows from ${minTimeMs} to ${maxTimeMs} are not within ${JSON.stringify(interval)}`;
    throw new Failure('bug', 'AssertionFailed', text);
  }
  return { minTimeMs, maxTimeMs };
}

/** Merges; an input that proves not to be in segment order (another dimension order, say) is sorted first. */
function orderRows(
  views: readonly View[],
  plan: Plan,
  range: { readonly minTimeMs: number; readonly maxTimeMs: number },
  rollup: boolean,
  checkStop: () => void,
): { readonly pieces: readonly Piece[]; readonly order: RowOrder } {
  const packing = planPacking(plan.keyColumns, range.minTimeMs, range.maxTimeMs);
  const pieceOf = (view: View, p: number, mustSort: boolean): Piece => {
    const sources = plan.keySources[p] ?? [];
    const sorted = mustSort ? sortRows(view, plan.keyColumns, packing, sources) : undefined;
    return { view, sources, sorted };
  };
  const pieces = views.map((view, p) => pieceOf(view, p, !view.timeSorted));
  for (;;) {
    const merged = mergeRows(pieces, {
      columns: plan.keyColumns,
      plan: packing,
      rollup,
      checkStop,
    });
    if (typeof merged !== 'number') return { pieces, order: merged };
    const view = views[merged];
    if (view !== undefined) pieces[merged] = pieceOf(view, merged, true);
  }
}
