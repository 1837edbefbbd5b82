// From a query text to the chunks of its JSON answer: innermost query on tables by the executor, outer queries on its
// result here. Used by the endpoint; the same for data nodes and brokers.

import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  emptyPartial,
  exactJson,
  finishQuery,
  mergePartials,
  parseExactJson,
  type Partial,
  piecesAtHand,
  type PlannedQuery,
  planQuery,
  foldPartials,
  prettify,
  type Query,
  type QueryControl,
  runQuery,
  streamScanAnswer,
  tablesOf,
  UNLIMITED,
} from '../../query/query.ts';
import { checkCancelled } from '../data-node/node-query.ts';
import { CANCEL_NONE } from '../data-node/thread-query.ts';
import type { ExecutionNotes, QueryExecutor } from './query-executor.ts';

/** The answer as chunks of JSON. The first chunk is there before this resolves, so that errors still get a status. */
export async function answerChunks(
  executor: QueryExecutor,
  query: Query,
  text: string,
  cancelWord: Int32Array,
  notes: ExecutionNotes,
  isPretty: boolean,
): Promise<AsyncIterable<string>> {
  const around = { executor, cancelWord, notes };
  const { planned, isChanged } = await plan(around, query, text);
  const chunks = chunksOf(around, planned.query, isChanged ? exactJson(planned.body) : text);
  if (isPretty) {
    const all: string[] = [];
    for await (const chunk of chunks) all.push(chunk);
    return fromIterable(prettify(all));
  }
  const iterator = chunks[Symbol.asyncIterator]();
  const first = await iterator.next();
  return resumed(first, iterator);
}

interface Around {
  readonly executor: QueryExecutor;
  readonly cancelWord: Int32Array;
  readonly notes: ExecutionNotes;
}

/** Runs everything nested; what is left reads tables or rows at hand. */
async function plan(
  around: Around,
  query: Query,
  text: string,
): Promise<{ readonly planned: PlannedQuery; readonly isChanged: boolean }> {
  if (tablesOf(query).length > 0 && query.dataSource.type !== 'join')
    return { planned: { query, body: null }, isChanged: false };
  const body: unknown = parseExactJson(text);
  const steps = planQuery(query, body);
  let step = steps.next();
  while (step.done !== true) {
    const nested = step.value;
    step = steps.next(
      (await resultAtHand(around, nested.query)) ??
        (await mergedOf(around, nested.query, exactJson(nested.body))),
    );
  }
  return { planned: step.value, isChanged: step.value.body !== body };
}

async function* chunksOf(around: Around, query: Query, text: string): AsyncGenerator<string> {
  const atHand = await resultAtHand(around, query);
  if (atHand !== undefined) {
    yield* finishQuery(query, atHand);
  } else if (query.queryType === 'scan' && query.order === 'none') {
    const { executor, cancelWord, notes } = around;
    yield* streamScanAnswer(query, executor.execute(query, text, cancelWord, notes));
  } else {
    yield* finishQuery(query, await mergedOf(around, query, text));
  }
}

/** The merged result of a query over tables. */
async function mergedOf(around: Around, query: Query, text: string): Promise<Partial> {
  const { executor, cancelWord, notes } = around;
  const results = executor.execute(query, text, cancelWord, notes);
  const partials = await foldPartials(query, results, () => checkCancelled(cancelWord));
  return partials.length === 0 ? emptyPartial(query) : mergePartials(query, partials);
}

/** The result over rows at hand, in steps that let other work in; undefined when tables must be asked. */
async function resultAtHand({ cancelWord }: Around, query: Query): Promise<Partial | undefined> {
  const pieces = piecesAtHand(query);
  if (pieces === undefined) return undefined;
  const parts: Partial[] = [];
  const steps = runQuery(query, pieces, control(cancelWord));
  for (;;) {
    const step = steps.next();
    if (step.value !== undefined) parts.push(step.value);
    if (step.done === true) return mergePartials(query, parts);
    await nextTurn();
    checkCancelled(cancelWord);
  }
}

function control(cancelWord: Int32Array): QueryControl {
  return { ...UNLIMITED, isCancelled: () => Atomics.load(cancelWord, 0) !== CANCEL_NONE };
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
