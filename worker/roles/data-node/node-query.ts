// One query on this node, from selection to encoded parts: asks every thread that holds rows, part by part, with one
// cancel word for all. Used by the client endpoint of data nodes and by the broker's endpoint.

import type { Clock } from '../../../core/runtime/clock.ts';
import { Failure } from '../../../core/runtime/failure.ts';
import { CANCEL_ASKED, CANCEL_NONE, CANCEL_TIMEOUT, type ThreadQuery } from './thread-query.ts';
import type { QueryTarget, Selection } from './segment-holder.ts';

/** Longest a query may take unless its context says less, ms; Druid's default is the same. */
export const TIMEOUT_DEFAULT_MS = 300_000;

/** The hold on a running query. */
export interface QueryHandle {
  readonly cancelWord: Int32Array;
  cancel(): void;
  /** Stops the clock. */
  close(): void;
}

/** A cancel word that is also set when the time is over or the signal aborts. */
export function queryHandle(clock: Clock, timeoutMs: number, signal: AbortSignal): QueryHandle {
  const cancelWord = new Int32Array(new SharedArrayBuffer(4));
  const set = (value: number): void => {
    Atomics.compareExchange(cancelWord, 0, CANCEL_NONE, value);
  };
  const done = new AbortController();
  void clock.sleep(timeoutMs, done.signal).then(() => {
    if (!done.signal.aborted) set(CANCEL_TIMEOUT);
  });
  const onAbort = (): void => set(CANCEL_ASKED);
  signal.addEventListener('abort', onAbort);
  return {
    cancelWord,
    cancel: () => set(CANCEL_ASKED),
    close() {
      done.abort();
      signal.removeEventListener('abort', onAbort);
    },
  };
}

/** Throws what the cancel word says, if it says anything. */
export function checkCancelled(cancelWord: Int32Array): void {
  const word = Atomics.load(cancelWord, 0);
  if (word === CANCEL_ASKED)
    throw new Failure('transient', 'QueryCancelled', 'Task was cancelled.');
  if (word === CANCEL_TIMEOUT)
    throw new Failure(
      'transient',
      'QueryTimeout',
      'the query ran out of time; narrow its intervals or raise context.timeout',
    );
}

/** Encoded partial results of every thread, in order of targets; scans in bounded parts. */
export async function* nodeParts(
  text: string,
  selection: Selection,
  cancelWord: Int32Array,
): AsyncGenerator<Uint8Array> {
  const query: ThreadQuery = { text, segments: selection.segments, cancel: cancelWord };
  // All threads begin at once, at the instant of the selection; later parts are pulled one target at a time.
  const begun = selection.targets.map((target) => ({ target, first: target.start(query) }));
  for (const { first } of begun) first.catch(() => undefined);
  try {
    while (begun.length > 0) {
      const [next] = begun;
      if (next === undefined) return;
      yield* partsOf(next.target, next.first);
      begun.shift();
    }
  } finally {
    // Given up half-way: the threads let go of what they still hold.
    for (const { target, first } of begun) {
      void first.then(
        (answer) => {
          if (!answer.isDone) target.end(answer.session);
        },
        () => undefined,
      );
    }
  }
}

async function* partsOf(
  target: QueryTarget,
  first: ReturnType<QueryTarget['start']>,
): AsyncGenerator<Uint8Array> {
  let answer = await first;
  for (;;) {
    yield answer.partial;
    if (answer.isDone) return;
    answer = await target.next(answer.session);
  }
}
