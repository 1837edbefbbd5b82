// Transports that misbehave between an operator and the API server: late watches, cut lines, refused writes, silence,
// a process killed at a write. Each counts what it did, so that a test knows it happened.

import type { KubeAnswer, KubeRequest, Transport } from '../../../operator/kube/client.ts';

/** Watches of paths ending in `suffix` deliver everything `ms` late. */
export function delayedWatch(transport: Transport, suffix: string, ms: number): Transport {
  return async (request, signal) => {
    const answer = await transport(request, signal);
    if (!isWatch(request) || !request.path.endsWith(suffix)) return answer;
    return { ...answer, body: delayed(answer.body, ms) };
  };
}

async function* delayed(body: AsyncIterable<Uint8Array>, ms: number): AsyncIterable<Uint8Array> {
  const parts: { readonly at: number; readonly part: Uint8Array }[] = [];
  let wake: () => void = () => undefined;
  let end: { readonly error: unknown } | undefined;
  void (async () => {
    try {
      for await (const part of body) {
        parts.push({ at: performance.now() + ms, part });
        wake();
      }
      end = { error: undefined };
    } catch (error) {
      end = { error };
    }
    wake();
  })();
  for (;;) {
    const next = parts.shift();
    if (next === undefined) {
      if (end !== undefined) {
        if (end.error === undefined) return;
        throw end.error;
      }
      await new Promise<void>((resolve) => (wake = resolve));
      continue;
    }
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, next.at - performance.now())));
    yield next.part;
  }
}

/** Faults of {@link flaky} so far. */
export interface Faults {
  conflicts: number;
  refused: number;
  cut: number;
  expired: number;
}

/**
 * A server on a bad day: every second write is answered 409, 429 or 500 before it happens, each watch is cut in the
 * middle of a line after a few parts, and each third watch is answered 410.
 */
export function flaky(transport: Transport, faults: Faults): Transport {
  let writes = 0;
  let watches = 0;
  return async (request, signal) => {
    if (isWatch(request)) {
      watches++;
      if (watches % 3 === 0) {
        faults.expired++;
        return refusal(410, 'Expired');
      }
      const answer = await transport(request, signal);
      return { ...answer, body: cutShort(answer.body, faults) };
    }
    if (request.method === 'GET' || request.path.includes('/leases'))
      return transport(request, signal);
    writes++;
    if (writes % 2 === 0) return transport(request, signal);
    const kind = writes % 6;
    if (kind === 1) {
      faults.conflicts++;
      return refusal(409, 'Conflict');
    }
    faults.refused++;
    return kind === 3
      ? refusal(429, 'TooManyRequests', { 'retry-after': '0' })
      : refusal(500, 'InternalError');
  };
}

async function* cutShort(
  body: AsyncIterable<Uint8Array>,
  faults: Faults,
): AsyncIterable<Uint8Array> {
  let left = 3;
  for await (const part of body) {
    if (left-- > 0) {
      yield part;
      continue;
    }
    faults.cut++;
    yield part.subarray(0, Math.floor(part.length / 2));
    return;
  }
}

/** A process that dies right after its `k`-th write: the write happened, its answer never came, nothing follows. */
export function dyingAt(transport: Transport, k: number): Transport & { isDead(): boolean } {
  let writes = 0;
  let isDead = false;
  const never = (signal: AbortSignal): Promise<KubeAnswer> =>
    new Promise((_, reject) => {
      const end = (): void => reject(new Error('dead'));
      if (signal.aborted) end();
      signal.addEventListener('abort', end);
    });
  const dying: Transport = async (request, signal) => {
    if (isDead) return never(signal);
    const isWrite =
      request.method !== 'GET' &&
      request.query?.['dryRun'] === undefined &&
      !/\/(leases|events)(\/|$)/.test(request.path);
    if (isWrite) writes++;
    if (!isWrite || writes < k) return transport(request, signal);
    await transport(request, signal);
    isDead = true;
    return never(signal);
  };
  return Object.assign(dying, { isDead: () => isDead });
}

/** A process that can be stopped and continued, as SIGSTOP does: while frozen no request gets an answer. */
export function freezable(transport: Transport): Transport & { freeze(): void; thaw(): void } {
  let frozen: Promise<void> | undefined;
  let release: () => void = () => undefined;
  const one: Transport = async (request, signal) => {
    await frozen;
    return transport(request, signal);
  };
  return Object.assign(one, {
    freeze: () => {
      frozen = new Promise((resolve) => (release = resolve));
    },
    thaw: () => {
      frozen = undefined;
      release();
    },
  });
}

/** True for the request of a watch. */
export function isWatch({ query }: KubeRequest): boolean {
  return query?.['watch'] === 'true';
}

/** What the API server answers to what it refuses. */
export function refusal(
  status: number,
  reason: string,
  headers: Record<string, string> = {},
): KubeAnswer {
  const body = JSON.stringify({
    kind: 'Status',
    status: 'Failure',
    reason,
    code: status,
    message: reason,
  });
  return {
    status,
    headers,
    body: (async function* () {
      yield Buffer.from(body);
    })(),
  };
}
