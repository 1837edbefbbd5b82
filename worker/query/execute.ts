// Answers a query over pieces in one process, nested queries included: what the command line and small servers
// use, and the shape of what a broker does over the network. Fed by views; gives JSON chunks.

import { ETERNITY } from '../../core/model/interval.ts';
import type { QueryControl } from './control.ts';
import { finishQuery, streamScan } from './finish/finish-query.ts';
import { finishedTable } from './finish/group-by.ts';
import { tableView } from './finish/result-view.ts';
import type { Query } from './model.ts';
import type { Partial } from './partial.ts';
import { runQuery, runToEnd } from './run/run-query.ts';
import type { QueryPiece } from './run/piece.ts';

/** The query whose rows another one reads, or undefined. Run it first, then use {@link resultPiece}. */
export function innerQuery(query: Query): Query | undefined {
  return query.dataSource.type === 'query' ? query.dataSource.query : undefined;
}

/** The merged result of an inner groupBy as the piece its outer query runs on. */
export function resultPiece(inner: Query, partial: Partial): QueryPiece {
  if (inner.queryType !== 'groupBy' || partial.kind !== 'groups')
    throw new TypeError('only groupBy results can be read by a query');
  const { table, times } = finishedTable(inner, partial);
  return { view: tableView(table, times), intervals: [ETERNITY] };
}

/**
 * Answers a query over the pieces of its innermost data source.
 *
 * @returns chunks of JSON text; an unordered scan is read as they are taken
 */
export function answerQuery(
  query: Query,
  pieces: readonly QueryPiece[],
  control: QueryControl,
): Iterable<string> {
  const inner = innerQuery(query);
  if (inner !== undefined) {
    const piece = resultPiece(inner, partialOf(inner, pieces, control));
    const clipped = { view: piece.view, intervals: query.intervals };
    return finishQuery(query, runToEnd(query, [clipped], control));
  }
  if (query.queryType === 'scan' && query.order === 'none')
    return streamScan(query, runQuery(query, pieces, control));
  return finishQuery(query, runToEnd(query, pieces, control));
}

function partialOf(query: Query, pieces: readonly QueryPiece[], control: QueryControl): Partial {
  const inner = innerQuery(query);
  if (inner === undefined) return runToEnd(query, pieces, control);
  const piece = resultPiece(inner, partialOf(inner, pieces, control));
  return runToEnd(query, [{ view: piece.view, intervals: query.intervals }], control);
}
