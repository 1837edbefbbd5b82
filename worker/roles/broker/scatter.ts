// One query on one data source over all nodes: plan, ask, check that every answer is about the same moment, retry what
// moved or failed, use and fill the cache. Feeds the broker's executor with partial results.
// Source: protocol.md 7 "Queries on a group". Invariant I2.

import type { Interval } from '../../../core/model/interval.ts';
import type { Clock } from '../../../core/runtime/clock.ts';
import { Failure } from '../../../core/runtime/failure.ts';
import type { Logger } from '../../../core/runtime/log.ts';
import type { Metrics } from '../../../core/runtime/metrics.ts';
import type { ResultCache } from '../../cache/port.ts';
import {
  decodePartial,
  encodePartial,
  foldPartials,
  mergePartials,
  type Partial,
  type Query,
} from '../../query/query.ts';
import type { Inventory } from '../../timeline/inventory.ts';
import { checkCancelled } from '../data-node/node-query.ts';
import { type ExecutionNotes, noteUncovered } from '../query-endpoint/query-executor.ts';
import { keyOf, readCache } from './cached-results.ts';
import { checkElsewhere, type FailedNodes, reasonOf, retryable, TryAgain } from './failed-nodes.ts';
import { askNode, freshRequest, listedRequest, type NodeAnswer } from './query-client.ts';
import {
  type HistoricalPart,
  planQuery,
  type QueryPlan,
  uncoveredIntervals,
} from './query-plan.ts';

/** How long a query looks for a server that answers, ms. */
const PATIENCE_MS = 5000;
const PAUSE_MS = 100;
/** How long to wait until the broker's own copy has caught up with an un-announcement, ms. */
const CATCH_UP_MS = 2000;

/** What scattering needs. */
export interface ScatterParts {
  readonly inventory: Inventory;
  readonly cache: ResultCache;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** The question. */
export interface ScatterQuery {
  readonly query: Query;
  readonly text: string;
  readonly dataSource: string;
  readonly cancelWord: Int32Array;
  readonly signal: AbortSignal;
  /** What the nodes have sent for this query, all its data sources together. */
  readonly gathered: { bytes: number };
}

/**
 * Partial results of every node. Nothing is given out before every node has agreed on the moment, and of all queries but a scan
 * whose rows go out as they come, before every node has answered to the end: until then a node that fails is replaced.
 */
export async function* scatter(
  parts: ScatterParts,
  question: ScatterQuery,
  notes: ExecutionNotes,
): AsyncGenerator<Partial> {
  const startedMs = parts.clock.monotonicMs();
  const { query, gathered } = question;
  const isStreamed = query.queryType === 'scan' && query.order === 'none';
  const failed: FailedNodes = { avoid: new Set(), broken: undefined };
  for (;;) {
    checkCancelled(question.cancelWord);
    const attempt = new AbortController();
    const before = { ...notes, bytes: gathered.bytes, parts: notes.uncovered.length };
    try {
      const begun = await begin(
        parts,
        question,
        failed,
        AbortSignal.any([question.signal, attempt.signal]),
      );
      notes.segments += begun.segments;
      noteUncovered(query, begun.uncovered, notes);
      let hasGiven = false;
      try {
        const results = isStreamed ? begun.results : await merged(question, begun.results);
        for await (const partial of results) {
          hasGiven = true;
          yield partial;
        }
        return;
      } catch (error) {
        // Rows that are out cannot be taken back: a later failure ends the answer.
        if (hasGiven) throw reasonOf(error);
        throw retryable(error, failed);
      }
    } catch (error) {
      attempt.abort();
      const isOver = parts.clock.monotonicMs() - startedMs > PATIENCE_MS;
      if (!(error instanceof TryAgain) || isOver) throw reasonOf(error);
      // What this attempt has noted goes with it.
      notes.segments = before.segments;
      notes.isUncoveredOverflowed = before.isUncoveredOverflowed;
      notes.uncovered.length = before.parts;
      gathered.bytes = before.bytes;
      parts.log.debug('query planned again', { reason: error.reason.message });
      await parts.clock.sleep(PAUSE_MS, question.signal);
    } finally {
      attempt.abort();
    }
  }
}

/** All results, merged to a few. */
function merged(
  { query, cancelWord }: ScatterQuery,
  results: AsyncIterable<Partial>,
): Promise<readonly Partial[]> {
  return foldPartials(query, results, () => checkCancelled(cancelWord));
}

interface Begun {
  readonly segments: number;
  /** Parts of the query's intervals without a segment. */
  readonly uncovered: readonly Interval[];
  readonly results: AsyncGenerator<Partial>;
}

async function begin(
  parts: ScatterParts,
  question: ScatterQuery,
  failed: FailedNodes,
  signal: AbortSignal,
): Promise<Begun> {
  const { inventory } = parts;
  const { query, dataSource } = question;
  const revision = inventory.revision();
  const [published, groups] = [inventory.published(dataSource), inventory.fresh(dataSource)];
  const plan = planQuery(query, published, groups, failed.avoid);
  checkElsewhere(failed, plan);
  const isAsked = query.context.uncoveredIntervalsLimit > 0;
  const uncovered = isAsked ? uncoveredIntervals(query, dataSource, published, groups) : [];
  const cached = await readCache(parts, query, plan);
  const ask = async (
    server: string,
    address: string,
    request: Parameters<typeof askNode>[2],
  ): Promise<NodeAnswer> => {
    try {
      return await askNode(server, address, request, signal);
    } catch (error) {
      throw retryable(error, failed, server);
    }
  };
  const fresh = await Promise.all(
    plan.fresh.map((part) =>
      ask(part.server, part.address, freshRequest(dataSource, question.text, part)),
    ),
  );
  await checkMoment(parts, fresh, revision);
  const perSegment = cached.isUsed;
  const historicals = await Promise.all(
    cached.rest.map((part) =>
      ask(part.server, part.address, listedRequest(dataSource, question.text, part, perSegment)),
    ),
  );
  for (const { server, header } of historicals) {
    if (header.missing.length > 0) {
      throw new TryAgain(
        new Failure(
          'transient',
          'SegmentMoved',
          `server ${server} no longer serves ${header.missing[0]}`,
        ),
      );
    }
  }
  const answers = [...historicals, ...fresh];
  const count = cached.hits.length + answers.reduce((sum, a) => sum + a.header.segments.length, 0);
  return {
    segments: count,
    uncovered,
    results: results(parts, question, plan, { hits: cached.hits, answers, failed }),
  };
}

/** A worker that has un-announced something since the plan was made may have given it to a historical (history 19). */
async function checkMoment(
  parts: ScatterParts,
  fresh: readonly NodeAnswer[],
  revision: number,
): Promise<void> {
  const { inventory } = parts;
  for (const { server, header } of fresh) {
    if (!header.isLeased && inventory.isConnected()) {
      throw new TryAgain(
        new Failure('transient', 'NodeUnavailable', `server ${server} has lost its lease`),
      );
    }
    if (header.lastRemovalRevision <= revision) continue;
    await inventory.caughtUp(header.lastRemovalRevision, CATCH_UP_MS);
    throw new TryAgain(
      new Failure('transient', 'SegmentMoved', `server ${server} has handed segments off`),
    );
  }
}

async function* results(
  parts: ScatterParts,
  question: ScatterQuery,
  plan: QueryPlan,
  from: {
    readonly hits: readonly Partial[];
    readonly answers: readonly NodeAnswer[];
    readonly failed: FailedNodes;
  },
): AsyncGenerator<Partial> {
  yield* from.hits;
  for (const answer of from.answers) {
    const part = plan.historicals.find(({ server }) => server === answer.server);
    try {
      yield* resultsOf(parts, question, answer, part?.segments ?? []);
    } catch (error) {
      const ids = part?.segments.map(({ id }) => id);
      throw retryable(error, from.failed, answer.server, ids);
    }
  }
}

async function* resultsOf(
  parts: ScatterParts,
  { query, gathered }: ScatterQuery,
  answer: NodeAnswer,
  segments: HistoricalPart['segments'],
): AsyncGenerator<Partial> {
  const bySegment = new Map<string, Partial[]>();
  for await (const { segment, bytes } of answer.parts) {
    gathered.bytes += bytes.length;
    checkGathered(query, gathered.bytes);
    const partial = decodePartial(query, bytes);
    if (segment === undefined) yield partial;
    else bySegment.set(segment, [...(bySegment.get(segment) ?? []), partial]);
  }
  for (const [id, partials] of bySegment) {
    const merged = mergePartials(query, partials);
    const planned = segments.find((segment) => segment.id === id);
    const key = planned === undefined ? undefined : keyOf(query, planned);
    // Encoded before it is given out: merging may go on in its arrays.
    if (key !== undefined && query.context.populateCache)
      parts.cache.put(key, encodePartial(query, merged));
    yield merged;
  }
}

/** @throws Failure `input` ResourceLimitExceeded */
function checkGathered(query: Query, bytes: number): void {
  const most = query.context.maxScatterGatherBytes;
  if (most === null || bytes <= most) return;
  throw new Failure(
    'input',
    'ResourceLimitExceeded',
    `Resource limit exceeded: the data nodes sent more than maximum[${most}] bytes; ask for less or raise context.maxScatterGatherBytes`,
  );
}
