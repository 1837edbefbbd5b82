// A transport that changes what passes through it: requests, objects in answers and watch events, whole lists. What an
// operator is shown then differs from what is there.

import type { KubeAnswer, KubeRequest, Transport } from '../../../operator/kube/client.ts';
import { type KubeObject, listAt, textAt } from '../../../operator/kube/object.ts';
import { isWatch } from './faulty-transport.ts';

/** What is changed. */
export interface Rewrite {
  readonly ask?: (request: KubeRequest) => KubeRequest;
  /** Every object that is read: alone, in a list, in a watch event. */
  readonly object?: (request: KubeRequest, object: KubeObject) => KubeObject;
  readonly list?: (request: KubeRequest, list: unknown) => unknown;
}

/** The transport. */
export function rewriting(inner: Transport, { ask, object, list }: Rewrite): Transport {
  return async (asked, signal) => {
    const request = ask?.(asked) ?? asked;
    const answer = await inner(request, signal);
    if (request.method !== 'GET' || answer.status !== 200 || (object ?? list) === undefined)
      return answer;
    if (isWatch(request))
      return {
        ...answer,
        body: eachLine(answer.body, (event) => {
          const type = textAt(event, 'type');
          if (type === 'ERROR' || type === 'BOOKMARK' || object === undefined) return event;
          const { object: one } = event as { object: KubeObject };
          return { ...(event as object), object: object(request, one) };
        }),
      };
    const body = await read(answer);
    const { kind = '', items } = body as { kind?: string; items?: readonly KubeObject[] };
    if (!kind.endsWith('List'))
      return withBody(answer, object?.(request, body as KubeObject) ?? body);
    const whole = {
      ...(body as object),
      items: (items ?? []).map((o) => object?.(request, o) ?? o),
    };
    return withBody(answer, list?.(request, whole) ?? whole);
  };
}

/** Watch events for which `isLost` says so are never seen. */
export function withoutWatchEvents(
  inner: Transport,
  isLost: (request: KubeRequest, type: string, event: unknown) => boolean,
): Transport {
  return async (request, signal) => {
    const answer = await inner(request, signal);
    if (!isWatch(request) || answer.status !== 200) return answer;
    return {
      ...answer,
      body: eachLine(answer.body, (event) =>
        textAt(event, 'type') !== 'BOOKMARK' && isLost(request, textAt(event, 'type'), event)
          ? undefined
          : event,
      ),
    };
  };
}

/** Whether a condition of an object has this status. */
export function conditionIs(object: KubeObject, type: string, status: string): boolean {
  return listAt(object, 'status', 'conditions').some(
    (c) => textAt(c, 'type') === type && textAt(c, 'status') === status,
  );
}

async function* eachLine(
  body: AsyncIterable<Uint8Array>,
  change: (event: unknown) => unknown,
): AsyncIterable<Uint8Array> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const part of body) {
    rest += decoder.decode(part, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const event = line.trim() === '' ? undefined : change(JSON.parse(line));
      if (event !== undefined) yield Buffer.from(`${JSON.stringify(event)}\n`);
    }
  }
}

async function read(answer: KubeAnswer): Promise<unknown> {
  const parts: Uint8Array[] = [];
  for await (const part of answer.body) parts.push(part);
  return JSON.parse(Buffer.concat(parts).toString('utf8'));
}

function withBody(answer: KubeAnswer, body: unknown): KubeAnswer {
  return {
    ...answer,
    body: (async function* () {
      yield Buffer.from(JSON.stringify(body));
    })(),
  };
}
