// Runs a query over the pieces of one node, in steps, so that a thread can do other work in between.
// Fed by roles; gives partials for merge.ts, the codec and finish/. Source: architecture.md 5.9.

import { Pacer, type QueryControl } from '../control.ts';
import { mergePartials } from '../merge.ts';
import type { Query, ScanQuery } from '../model.ts';
import type { Partial } from '../partial.ts';
import { joinPiece } from '../source/join-piece.ts';
import { boundaryOf } from './boundary.ts';
import { groupRows } from './group-rows.ts';
import type { QueryPiece } from './piece.ts';
import { runSegments } from './run-segments.ts';
import { scanOrdered, scanRows } from './scan.ts';
import { searchRows } from './search.ts';
import { analyseView } from './segment-metadata.ts';
import { cutTopN } from './top-n-cut.ts';

/**
 * Runs a query. Each `undefined` yielded is a pause of about 5 ms of work; an unordered scan also yields row
 * batches, which must be used in order, and then returns an empty rest.
 *
 * @param pieces in the order answers should prefer (scan: row order)
 * @throws Failure `input` QueryInvalid or ResourceLimitExceeded, `transient` QueryCancelled or QueryTimeout
 */
export function* runQuery(
  query: Query,
  pieces: readonly QueryPiece[],
  control: QueryControl,
): Generator<Partial | undefined, Partial> {
  if (query.context.bySegment)
    return yield* runSegments(query, pieces, (asked, own) => runQuery(asked, own, control));
  const pacer = new Pacer(control);
  if (query.queryType === 'scan') {
    if (query.order !== 'none') {
      const joined: QueryPiece[] = [];
      for (const piece of pieces) joined.push(yield* joinPiece(query, piece, pacer));
      return yield* scanOrdered(query, joined, pacer);
    }
    return yield* scanPieces(query, pieces, pacer);
  }
  const partials: Partial[] = [];
  for (const piece of pieces) {
    const joined = yield* joinPiece(query, piece, pacer);
    partials.push(yield* runPiece(query, joined, pacer, pieces.length === 1));
    if (pacer.step()) yield undefined;
    // Many small pieces must not add up to one copy of the groups each.
    if (partials.length >= 16) partials.splice(0, partials.length, mergePartials(query, partials));
    const [first] = partials;
    if (first?.kind === 'groups') pacer.checkGroups(first.size, 0);
  }
  const merged = mergePartials(query, partials);
  if (merged.kind !== 'groups') return merged;
  pacer.checkGroups(
    merged.size,
    merged.states.reduce((sum, state) => sum + state.cellBytes * merged.size, 0),
  );
  return query.queryType === 'topN' ? cutTopN(query, merged) : merged;
}

function* scanPieces(
  query: ScanQuery,
  pieces: readonly QueryPiece[],
  pacer: Pacer,
): Generator<Partial | undefined, Partial> {
  let most = query.limit === null ? Number.POSITIVE_INFINITY : query.limit + query.offset;
  for (const piece of pieces) {
    if (most <= 0) break;
    most -= yield* scanRows(query, yield* joinPiece(query, piece, pacer), pacer, most);
  }
  return { kind: 'scan', batches: [] };
}

function* runPiece(
  query: Exclude<Query, ScanQuery>,
  piece: QueryPiece,
  pacer: Pacer,
  isOnly: boolean,
): Generator<undefined, Partial> {
  switch (query.queryType) {
    case 'timeseries':
    case 'topN':
    case 'groupBy':
      return yield* groupRows(query, piece, pacer, isOnly);
    case 'search':
      return yield* searchRows(query, piece, pacer);
    case 'timeBoundary':
      return yield* boundaryOf(query, piece, pacer);
    case 'dataSourceMetadata': {
      const { rows, maxTimeMs } = piece.view;
      return { kind: 'boundary', minMs: null, maxMs: rows === 0 ? null : maxTimeMs };
    }
    case 'segmentMetadata':
      return { kind: 'metadata', segments: [analyseView(query, piece.view)] };
  }
}

/** Runs a query without pausing. Row batches of a scan are kept, so only for bounded answers. */
export function runToEnd(
  query: Query,
  pieces: readonly QueryPiece[],
  control: QueryControl,
): Partial {
  const steps = runQuery(query, pieces, control);
  const partials: Partial[] = [];
  let step = steps.next();
  while (step.done !== true) {
    if (step.value !== undefined) partials.push(step.value);
    step = steps.next();
  }
  return partials.length === 0 ? step.value : mergePartials(query, [...partials, step.value]);
}
