// Requests to the API server: raw JSON in and out, a time limit, a cap on requests in flight, 429 obeyed. A port, so
// that tests count, break and script it; `kube-config.ts` makes the real one. Feeds everything else in this folder.

import type { Clock } from '../../core/runtime/clock.ts';
import { Failure, isFailure } from '../../core/runtime/failure.ts';
import { classifyAnswer, classifyBroken } from './classify.ts';

/** One request. */
export interface KubeRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE' | 'PUT';
  /** Path from the server's root. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Default application/json. */
  readonly contentType?: string;
}

/** An answer as it arrived. */
export interface KubeAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Parts of the body, as they arrive. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** How bytes get to the server and back. @throws whatever the socket says; the client classifies it. */
export type Transport = (request: KubeRequest, signal: AbortSignal) => Promise<KubeAnswer>;

/** The client. Throws only {@link Failure}s made by `classify.ts`. */
export interface KubeClient {
  /** Sends and reads the whole answer. */
  call(request: KubeRequest, signal: AbortSignal): Promise<unknown>;
  /** Lines of an answer without end, parsed. Ends when the server ends it; a line cut short ends it as well. */
  stream(request: KubeRequest, signal: AbortSignal): AsyncIterable<unknown>;
}

/** Requests in flight at once: enough for ten passes, few enough that the server's fairness never counts us out. */
const IN_FLIGHT_MAX = 32;
const TIMEOUT_MS = 20_000;
/** Times a 429 with Retry-After is obeyed before it surfaces. */
const PATIENCE = 3;
const RETRY_AFTER_MAX_MS = 10_000;

/** A client over a transport. `onRequest` hears of each request sent, for metrics and audits. */
export function createKubeClient(options: {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly onRequest?: (request: KubeRequest, status: number) => void;
}): KubeClient {
  const { transport, clock, onRequest } = options;
  const gate = createGate(IN_FLIGHT_MAX);
  const send = async (request: KubeRequest, signal: AbortSignal): Promise<KubeAnswer> => {
    for (let attempt = 1; ; attempt++) {
      const answer = await transport(request, signal);
      onRequest?.(request, answer.status);
      const pauseMs = Number(answer.headers['retry-after'] ?? 'NaN') * 1000;
      if (answer.status !== 429 || Number.isNaN(pauseMs) || attempt > PATIENCE) return answer;
      await readText(answer.body);
      await clock.sleep(Math.min(pauseMs, RETRY_AFTER_MAX_MS), signal);
      signal.throwIfAborted();
    }
  };
  return {
    async call(request, signal) {
      const name = `${request.method} ${request.path}`;
      const leave = await gate();
      try {
        const limit = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
        const answer = await send(request, limit);
        const body = parse(await readText(answer.body));
        if (answer.status < 200 || answer.status > 299)
          throw classifyAnswer(name, answer.status, body);
        return body;
      } catch (error) {
        throw isFailure(error) ? error : classifyBroken(name, error);
      } finally {
        leave();
      }
    },
    async *stream(request, signal) {
      const name = `${request.method} ${request.path}`;
      try {
        const answer = await send(request, signal);
        if (answer.status !== 200)
          throw classifyAnswer(name, answer.status, parse(await readText(answer.body)));
        yield* lines(answer.body, name);
      } catch (error) {
        throw isFailure(error) ? error : classifyBroken(name, error);
      }
    },
  };
}

async function* lines(body: AsyncIterable<Uint8Array>, name: string): AsyncIterable<unknown> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    let from = 0;
    for (let at = rest.indexOf('\n'); at >= 0; at = rest.indexOf('\n', from)) {
      const line = rest.slice(from, at);
      from = at + 1;
      if (line.trim() === '') continue;
      const value = parse(line);
      if (value === undefined)
        throw new Failure(
          'transient',
          'WatchBroken',
          `${name}: a line is not JSON; watching again`,
        );
      yield value;
    }
    rest = rest.slice(from);
  }
}

async function readText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}

function parse(text: string): unknown {
  try {
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return undefined;
  }
}

/** Lets `most` through at once, the others in order. */
function createGate(most: number): () => Promise<() => void> {
  let free = most;
  const waiting: (() => void)[] = [];
  const leave = (): void => {
    const next = waiting.shift();
    if (next === undefined) free++;
    else next();
  };
  return async () => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    return leave;
  };
}
