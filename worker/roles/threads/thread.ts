// A worker thread as a typed request/response channel. The caller's side (`startThread`) and the thread's side
// (`serveThread`). Messages are numbers, small control objects, bytes that are transferred and shared arrays;
// nothing else crosses a thread (architecture.md "Threads").

import { getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';
import {
  isMainThread,
  parentPort,
  type Transferable,
  Worker,
  workerData,
} from 'node:worker_threads';
import { Failure, type FailureKind, isFailure, messageOf } from '../../../core/runtime/failure.ts';

/** A failure as it crosses threads. */
interface WireFailure {
  readonly kind: FailureKind;
  readonly code: string;
  readonly message: string;
}

type Up<Event> =
  | { readonly type: 'result'; readonly id: number; readonly value: unknown }
  | { readonly type: 'failure'; readonly id: number; readonly failure: WireFailure }
  | { readonly type: 'event'; readonly event: Event };

/** The caller's end of a thread. */
export interface Thread<Request, Event> {
  /** Sends a request; resolves with the thread's answer. @throws the Failure the thread threw, or `bug` ThreadDied */
  call<Result>(request: Request, transfer?: readonly Transferable[]): Promise<Result>;
  /** Sends a request nobody waits for. */
  post(request: Request, transfer?: readonly Transferable[]): void;
  /** Called for every event the thread emits, until the returned function is called. */
  onEvent(listener: (event: Event) => void): () => void;
  /** Resolves with the reason when the thread ends by itself: a bug, or out of memory. */
  readonly died: Promise<Failure>;
  close(): Promise<void>;
}

/**
 * Young objects of a thread, MiB. Threads work on typed arrays outside of the heap and have few objects; V8 would let
 * each grow to several times this before it looks for garbage.
 */
const YOUNG_MB = 16;

/** Program of a thread: unlike the process's first thread none looks into the process's cache of compiled code by itself. */
function withCompiledCode(url: URL): string {
  const folder = getCompileCacheDir();
  const use =
    folder === undefined
      ? ''
      : `require('node:module').enableCompileCache(${JSON.stringify(dirname(folder))});`;
  return `${use}import(${JSON.stringify(url.href)});`;
}

/** Starts the module at `url` as a thread. `heapMb` bounds its JavaScript heap (typed arrays are outside of it). */
export function startThread<Request, Event>(
  url: URL,
  options: { name: string; heapMb?: number; data?: unknown },
): Thread<Request, Event> {
  const worker = new Worker(withCompiledCode(url), {
    eval: true,
    name: options.name,
    workerData: options.data,
    resourceLimits: {
      maxYoungGenerationSizeMb: YOUNG_MB,
      ...(options.heapMb === undefined ? {} : { maxOldGenerationSizeMb: options.heapMb }),
    },
  });
  const waiting = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (error: Failure) => void }
  >();
  const listeners = new Set<(event: Event) => void>();
  const { promise: died, resolve: reportDeath } = Promise.withResolvers<Failure>();
  let nextId = 1;
  let isClosing = false;
  let death: Failure | undefined;
  const fail = (error: Failure): void => {
    death ??= error;
    for (const { reject } of waiting.values()) reject(death);
    waiting.clear();
    if (!isClosing) reportDeath(death);
  };
  worker.on('message', (message: Up<Event>) => {
    if (message.type === 'event') {
      for (const listener of listeners) listener(message.event);
      return;
    }
    const call = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.type === 'result') call?.resolve(message.value);
    else
      call?.reject(
        new Failure(message.failure.kind, message.failure.code, message.failure.message),
      );
  });
  worker.on('error', (error) =>
    fail(
      new Failure('bug', 'ThreadDied', `thread ${options.name} ended: ${messageOf(error)}`, error),
    ),
  );
  worker.on('exit', (code) =>
    fail(new Failure('bug', 'ThreadDied', `thread ${options.name} ended with code ${code}`)),
  );
  return {
    call<Result>(request: Request, transfer: readonly Transferable[] = []): Promise<Result> {
      if (death !== undefined) return Promise.reject(death);
      return new Promise<Result>((resolve, reject) => {
        const id = nextId++;
        // The thread's table of handlers types each answer; the channel only carries it.
        waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
        worker.postMessage({ id, request }, [...transfer]);
      });
    },
    post(request, transfer = []) {
      if (death === undefined) worker.postMessage({ id: 0, request }, [...transfer]);
    },
    onEvent(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    died,
    async close() {
      isClosing = true;
      await worker.terminate();
    },
  };
}

/** What a handler answers with, and the buffers that go along without a copy. */
export interface Answer {
  readonly value: unknown;
  readonly transfer?: readonly Transferable[];
}

/**
 * Serves requests on this thread. Handlers run as messages arrive, concurrently where they await. A `bug` failure
 * ends the thread (and so the process, by its caller); every other failure is the answer.
 */
export function serveThread<Request, Event>(
  handler: (request: Request, emit: (event: Event) => void) => Promise<Answer> | Answer,
): void {
  const port = parentPort;
  if (isMainThread || port === null)
    throw new Failure('bug', 'AssertionFailed', 'this module is a thread, not a program');
  const emit = (event: Event): void =>
    port.postMessage({ type: 'event', event } satisfies Up<Event>);
  port.on('message', ({ id, request }: { id: number; request: Request }) => {
    void answer(id, request);
  });
  async function answer(id: number, request: Request): Promise<void> {
    try {
      const { value, transfer = [] } = await handler(request, emit);
      if (id !== 0)
        port?.postMessage({ type: 'result', id, value } satisfies Up<Event>, [...transfer]);
    } catch (error) {
      if (!isFailure(error) || error.kind === 'bug' || id === 0) {
        // Uncaught on purpose: it must end the thread with its stack.
        setImmediate(() => {
          throw error;
        });
        return;
      }
      const { kind, code, message } = error;
      port?.postMessage({
        type: 'failure',
        id,
        failure: { kind, code, message },
      } satisfies Up<Event>);
    }
  }
}

/** What the starter passed as `data`. */
export function threadData(): unknown {
  return workerData;
}
