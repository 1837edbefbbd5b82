// Answers a query over pieces in one process, nested queries included: what the command line and small servers
// use, and the shape of what a broker does over the network. Fed by views; gives JSON chunks.

import type { QueryControl } from './control.ts';
import { finishQuery, streamScan } from './finish/finish-query.ts';
import type { Query } from './model.ts';
import type { Partial } from './partial.ts';
import { piecesAtHand, planQuery, type PlannedQuery } from './plan.ts';
import { runQuery, runToEnd } from './run/run-query.ts';
import type { QueryPiece } from './run/piece.ts';

/** The pieces a query over tables runs on. */
type PieceFinder = (query: Query) => readonly QueryPiece[];

/**
 * Answers a query over the pieces of its tables; with `pieces` as a list every query over tables reads them.
 *
 * @returns chunks of JSON text; an unordered scan is read as they are taken
 */
export function answerQuery(
  query: Query,
  pieces: readonly QueryPiece[] | PieceFinder,
  control: QueryControl,
): Iterable<string> {
  const find = typeof pieces === 'function' ? pieces : () => pieces;
  const steps = planQuery(query, null);
  let step = steps.next();
  while (step.done !== true) step = steps.next(partialOf(step.value, find, control));
  const planned = step.value.query;
  const own = piecesAtHand(planned) ?? find(planned);
  if (planned.queryType === 'scan' && planned.order === 'none')
    return streamScan(planned, runQuery(planned, own, control));
  return finishQuery(planned, runToEnd(planned, own, control));
}

function partialOf({ query }: PlannedQuery, find: PieceFinder, control: QueryControl): Partial {
  return runToEnd(query, piecesAtHand(query) ?? find(query), control);
}
