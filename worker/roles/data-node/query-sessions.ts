// Queries running on a thread: each works in steps of about 5 ms and gives way in between, to record sets on the index
// thread and to other queries everywhere. Scans hand out their rows part by part as they are pulled.
// Fed by thread messages; calls worker/query.

import { setImmediate as nextTurn } from 'node:timers/promises';
import { systemClock } from '../../../core/runtime/clock.ts';
import { Failure } from '../../../core/runtime/failure.ts';
import { intersect } from '../../../core/model/interval.ts';
import {
  encodePartial,
  INTERNAL_LIMITS,
  mergePartials,
  parseQueryText,
  type Partial,
  type Query,
  type QueryPiece,
  runQuery,
  UNLIMITED,
} from '../../query/query.ts';
import type { View } from '../../view/view.ts';
import type { Answer } from '../threads/thread.ts';
import {
  CANCEL_NONE,
  CANCEL_TIMEOUT,
  type ThreadAnswer,
  type ThreadQuery,
} from './thread-query.ts';

/** Rows of a part of a scan's answer. */
const PART_ROWS = 16_384;
/** Open sessions; a caller that never pulls again would hold memory for ever. */
const SESSIONS_MAX = 200;

interface Session {
  readonly query: Query;
  readonly steps: Generator<Partial | undefined, Partial>;
  readonly cancel: Int32Array;
}

/** Sessions of one thread. */
export class QuerySessions {
  readonly #sessions: Map<number, Session> = new Map();
  #nextId = 1;

  /** Starts a query over the views that it names. `release` is called when it will read no more. */
  async start(
    question: ThreadQuery,
    views: readonly View[],
    release: () => void = () => undefined,
  ): Promise<Answer> {
    if (this.#sessions.size >= SESSIONS_MAX) {
      release();
      throw new Failure(
        'transient',
        'QueryCapacityExceeded',
        `${SESSIONS_MAX} queries wait on this thread; try again later`,
      );
    }
    const query = parseQueryText(question.text, INTERNAL_LIMITS);
    const { cancel } = question;
    const control = {
      ...UNLIMITED,
      isCancelled: () => Atomics.load(cancel, 0) !== CANCEL_NONE,
      nowMs: () => systemClock.monotonicMs(),
    };
    const id = this.#nextId++;
    const steps = withRelease(runQuery(query, piecesOf(query, question, views), control), release);
    this.#sessions.set(id, { query, steps, cancel });
    return this.next(id);
  }

  /** Works until a part is full or the query is done. */
  async next(id: number): Promise<Answer> {
    const session = this.#sessions.get(id);
    if (session === undefined)
      throw new Failure('transient', 'QueryCancelled', 'the query has ended');
    try {
      const parts: Partial[] = [];
      let rows = 0;
      for (;;) {
        const step = session.steps.next();
        if (step.done === true) {
          this.#sessions.delete(id);
          return answer(session.query, [...parts, step.value], id, true);
        }
        if (step.value !== undefined) {
          parts.push(step.value);
          rows += rowsOf(step.value);
          if (rows >= PART_ROWS) return answer(session.query, parts, id, false);
        }
        await nextTurn();
      }
    } catch (error) {
      this.end(id);
      throw Atomics.load(session.cancel, 0) === CANCEL_TIMEOUT ? timeout() : error;
    }
  }

  /** Ends a session that nobody pulls any more. */
  end(id: number): void {
    const session = this.#sessions.get(id);
    this.#sessions.delete(id);
    session?.steps.return({ kind: 'scan', batches: [] });
  }
}

/** The failure of a query whose time is over. */
function timeout(): Failure {
  return new Failure(
    'transient',
    'QueryTimeout',
    'the query ran out of time; narrow its intervals or raise context.timeout',
  );
}

function* withRelease(
  steps: Generator<Partial | undefined, Partial>,
  release: () => void,
): Generator<Partial | undefined, Partial> {
  try {
    return yield* steps;
  } finally {
    release();
  }
}

function piecesOf(
  query: Query,
  question: ThreadQuery,
  views: readonly View[],
): readonly QueryPiece[] {
  const wanted = new Map(question.segments.map(({ id, intervals }) => [id, intervals]));
  return views.flatMap((view): QueryPiece[] => {
    const intervals = (wanted.get(view.segmentId) ?? []).flatMap((interval) =>
      query.intervals.flatMap((asked) => intersect(asked, interval) ?? []),
    );
    return intervals.length === 0 ? [] : [{ view, intervals }];
  });
}

function answer(query: Query, parts: readonly Partial[], session: number, isDone: boolean): Answer {
  // A copy with a buffer of its own: small encodings share a pool that cannot be transferred.
  const partial = new Uint8Array(encodePartial(query, mergePartials(query, parts)));
  const value: ThreadAnswer = { session, isDone, partial };
  return { value, transfer: [partial.buffer] };
}

function rowsOf(partial: Partial): number {
  return partial.kind === 'scan' ? partial.batches.reduce((sum, batch) => sum + batch.size, 0) : 0;
}
