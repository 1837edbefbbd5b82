// From a query text to the chunks of its JSON answer: innermost query on tables by the executor, outer queries on its
// result here. Used by the endpoint; the same for data nodes and brokers.

import {
  emptyPartial,
  finishQuery,
  innerQuery,
  mergePartials,
  type Partial,
  prettify,
  type Query,
  type QueryControl,
  resultPiece,
  runToEnd,
  streamScanAnswer,
  UNLIMITED,
} from '../../query/query.ts';
import { checkCancelled } from '../data-node/node-query.ts';
import { CANCEL_NONE } from '../data-node/thread-query.ts';
import type { ExecutionNotes, QueryExecutor } from './query-executor.ts';

/** Partial results merged in one go; more are folded in between, so that many nodes need no more memory than two. */
const FOLD = 16;

/** The answer as chunks of JSON. The first chunk is there before this resolves, so that errors still get a status. */
export async function answerChunks(
  executor: QueryExecutor,
  query: Query,
  text: string,
  cancelWord: Int32Array,
  notes: ExecutionNotes,
  isPretty: boolean,
): Promise<AsyncIterable<string>> {
  const chunks =
    query.queryType === 'scan' && query.order === 'none' && innerQuery(query) === undefined
      ? streamScanAnswer(query, executor.execute(query, text, cancelWord, notes))
      : fromIterable(finishQuery(query, await partialOf(executor, query, text, cancelWord, notes)));
  if (isPretty) {
    const all: string[] = [];
    for await (const chunk of chunks) all.push(chunk);
    return fromIterable(prettify(all));
  }
  const iterator = chunks[Symbol.asyncIterator]();
  const first = await iterator.next();
  return resumed(first, iterator);
}

async function partialOf(
  executor: QueryExecutor,
  query: Query,
  text: string,
  cancelWord: Int32Array,
  notes: ExecutionNotes,
): Promise<Partial> {
  const inner = innerQuery(query);
  if (inner !== undefined) {
    const piece = resultPiece(
      inner,
      await partialOf(executor, inner, innerText(text), cancelWord, notes),
    );
    return runToEnd(query, [{ view: piece.view, intervals: query.intervals }], control(cancelWord));
  }
  let partials: Partial[] = [];
  for await (const partial of executor.execute(query, text, cancelWord, notes)) {
    checkCancelled(cancelWord);
    partials.push(partial);
    if (partials.length >= FOLD) partials = [mergePartials(query, partials)];
  }
  checkCancelled(cancelWord);
  return partials.length === 0 ? emptyPartial(query) : mergePartials(query, partials);
}

function control(cancelWord: Int32Array): QueryControl {
  return { ...UNLIMITED, isCancelled: () => Atomics.load(cancelWord, 0) !== CANCEL_NONE };
}

/** Text of `dataSource.query`. The outer text was parsed, so it has one. */
function innerText(text: string): string {
  const outer = JSON.parse(text) as { dataSource: { query: unknown } };
  return JSON.stringify(outer.dataSource.query);
}

async function* fromIterable(chunks: Iterable<string>): AsyncGenerator<string> {
  yield* chunks;
}

async function* resumed(
  first: IteratorResult<string, unknown>,
  rest: AsyncIterator<string>,
): AsyncGenerator<string> {
  try {
    for (let step = first; step.done !== true; step = await rest.next()) yield step.value;
  } finally {
    await rest.return?.();
  }
}
