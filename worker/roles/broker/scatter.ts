// One query on one data source over all nodes: plan, ask, check that every answer is about the same moment, retry what
// moved or failed, use and fill the cache. Feeds the broker's executor with partial results.
// Source: protocol.md 7 "Queries on a group". Invariant I2.

import type { Interval } from '../../../core/model/interval.ts';
import type { Clock } from '../../../core/runtime/clock.ts';
import { Failure, isFailure } from '../../../core/runtime/failure.ts';
import type { Logger } from '../../../core/runtime/log.ts';
import type { Metrics } from '../../../core/runtime/metrics.ts';
import type { ResultCache } from '../../cache/port.ts';
import {
  cacheKey,
  decodePartial,
  encodePartial,
  mergePartials,
  type Partial,
  type Query,
} from '../../query/query.ts';
import type { Inventory } from '../../timeline/inventory.ts';
import { checkCancelled } from '../data-node/node-query.ts';
import { type ExecutionNotes, noteUncovered } from '../query-endpoint/query-executor.ts';
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

/** Partial results of every node. Nothing is given out before every node has agreed on the moment. */
export async function* scatter(
  parts: ScatterParts,
  question: ScatterQuery,
  notes: ExecutionNotes,
): AsyncGenerator<Partial> {
  const startedMs = parts.clock.monotonicMs();
  const avoid = new Set<string>();
  for (;;) {
    checkCancelled(question.cancelWord);
    const attempt = new AbortController();
    try {
      const begun = await begin(
        parts,
        question,
        avoid,
        AbortSignal.any([question.signal, attempt.signal]),
      );
      notes.segments += begun.segments;
      noteUncovered(question.query, begun.uncovered, notes);
      let hasGiven = false;
      try {
        for await (const partial of begun.results) {
          hasGiven = true;
          yield partial;
        }
        return;
      } catch (error) {
        // Rows that are out cannot be taken back: a later failure ends the answer.
        if (hasGiven) throw error;
        throw retryable(error, avoid);
      }
    } catch (error) {
      attempt.abort();
      const isOver = parts.clock.monotonicMs() - startedMs > PATIENCE_MS;
      if (!(error instanceof TryAgain) || isOver)
        throw error instanceof TryAgain ? error.reason : error;
      parts.log.debug('query planned again', { reason: error.reason.message });
      await parts.clock.sleep(PAUSE_MS, question.signal);
    } finally {
      attempt.abort();
    }
  }
}

/** The plan was overtaken, or a node did not answer: plan again. */
class TryAgain extends Error {
  readonly reason: Failure;
  constructor(reason: Failure) {
    super(reason.message);
    this.reason = reason;
  }
}

function retryable(error: unknown, avoid: Set<string>, server?: string): unknown {
  if (
    !isFailure(error, 'transient') ||
    error.code === 'QueryTimeout' ||
    error.code === 'QueryCancelled'
  )
    return error;
  if (server !== undefined) avoid.add(server);
  return new TryAgain(error);
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
  avoid: Set<string>,
  signal: AbortSignal,
): Promise<Begun> {
  const { inventory } = parts;
  const { query, dataSource } = question;
  const revision = inventory.revision();
  const [published, groups] = [inventory.published(dataSource), inventory.fresh(dataSource)];
  const plan = planQuery(query, published, groups, avoid);
  const isAsked = query.context.uncoveredIntervalsLimit > 0;
  const uncovered = isAsked ? uncoveredIntervals(query, dataSource, published, groups) : [];
  const cached = await readCache(parts, question, plan);
  const ask = async (
    server: string,
    address: string,
    request: Parameters<typeof askNode>[2],
  ): Promise<NodeAnswer> => {
    try {
      return await askNode(server, address, request, signal);
    } catch (error) {
      throw retryable(error, avoid, server);
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
    results: results(parts, question, plan, cached.hits, answers),
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

interface Cached {
  /** False: results are not asked segment by segment. */
  readonly isUsed: boolean;
  readonly hits: readonly Partial[];
  readonly rest: readonly HistoricalPart[];
}

function keyOf(query: Query, segment: HistoricalPart['segments'][number]): string | undefined {
  // By id and unique path: an id may return with other content after a restore (history 25).
  return cacheKey(query, `${segment.id}@${segment.path}`, segment.intervals);
}

async function readCache(
  parts: ScatterParts,
  { query }: ScatterQuery,
  plan: QueryPlan,
): Promise<Cached> {
  const all = plan.historicals.flatMap((part) =>
    part.segments.map((segment) => ({ segment, key: keyOf(query, segment) })),
  );
  const keys = all.flatMap(({ key }) => key ?? []);
  if (keys.length === 0 || keys.length !== all.length)
    return { isUsed: false, hits: [], rest: plan.historicals };
  const values = await parts.cache.getMany(keys);
  const hits: Partial[] = [];
  const found = new Set<string>();
  values.forEach((value, i) => {
    const segment = all[i]?.segment;
    if (value === undefined || segment === undefined) return;
    try {
      hits.push(decodePartial(query, value));
      found.add(segment.id);
    } catch (error) {
      // Bytes of another release, or damaged: as good as a miss.
      parts.log.warn('a cached result could not be read', { segment: segment.id, error });
    }
  });
  parts.metrics.cacheRequests.inc({ outcome: 'hit' }, found.size);
  parts.metrics.cacheRequests.inc({ outcome: 'miss' }, keys.length - found.size);
  const rest = plan.historicals.map((part) => ({
    ...part,
    segments: part.segments.filter((s) => !found.has(s.id)),
  }));
  return { isUsed: true, hits, rest: rest.filter((part) => part.segments.length > 0) };
}

async function* results(
  parts: ScatterParts,
  { query, gathered }: ScatterQuery,
  plan: QueryPlan,
  hits: readonly Partial[],
  answers: readonly NodeAnswer[],
): AsyncGenerator<Partial> {
  yield* hits;
  const segments = new Map(
    plan.historicals.flatMap((part) => part.segments.map((s) => [s.id, s] as const)),
  );
  for (const answer of answers) {
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
      const planned = segments.get(id);
      const key = planned === undefined ? undefined : keyOf(query, planned);
      // Encoded before it is given out: merging may go on in its arrays.
      if (key !== undefined && query.context.populateCache)
        parts.cache.put(key, encodePartial(query, merged));
      yield merged;
    }
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
