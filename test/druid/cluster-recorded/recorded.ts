// Requests to a Druid cluster and its recorded answers: how one is sent and what is kept of the answer. Used by the
// recorder and by the test that asks our broker the same.

import { readFileSync } from 'node:fs';
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

const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** The fixtures beside this file: a JSON object a line. */
export const answersFile: string = file('answers.ndjson');

/** What is asked, in order. */
export function recordedRequests(): RecordedRequest[] {
  return linesOf<RecordedRequest>(file('requests.ndjson'));
}

/** What Druid answered. */
export function recordedAnswers(): RecordedAnswer[] {
  return linesOf<RecordedAnswer>(answersFile);
}

function linesOf<T>(path: string): T[] {
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  // Written by the recorder and by hand in this shape.
  return lines.map((line) => JSON.parse(line) as T);
}

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
