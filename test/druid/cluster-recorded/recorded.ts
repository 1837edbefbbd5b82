// Requests to a Druid cluster and its recorded answers: how one is sent and what is kept of the answer. Used by the
// recorder and by the test that asks our broker the same.

import { fileURLToPath } from 'node:url';

/** What is asked. Key order is kept: Druid's answers do not depend on it, ours must not either. */
export interface RecordedRequest {
  readonly name: string;
  readonly to: 'broker' | 'coordinator';
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  /** Instead of `body`: text that need not be JSON. */
  readonly text?: string;
  readonly contentType?: string;
  /** Pause before asking, so that a cluster has spread its lookups; only for recording. */
  readonly waitMs?: number;
}

/** What came back. */
export interface RecordedAnswer {
  readonly name: string;
  readonly status: number;
  /** The text of the body. */
  readonly text: string;
}

/** The fixtures beside this file. */
export const requestsFile: string = fileURLToPath(new URL('requests.json', import.meta.url));
export const answersFile: string = fileURLToPath(new URL('answers.json', import.meta.url));

/** Sends a request. */
export async function ask(request: RecordedRequest, server: string): Promise<RecordedAnswer> {
  const { name, method, path, body, text, contentType } = request;
  const sent = text ?? (body === undefined ? undefined : JSON.stringify(body));
  const response = await fetch(server + path, {
    method,
    headers: { 'content-type': contentType ?? 'application/json' },
    ...(sent === undefined ? {} : { body: sent }),
  });
  return { name, status: response.status, text: await response.text() };
}
