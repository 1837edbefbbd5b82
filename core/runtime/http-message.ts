// The request and response of our handlers, apart from node:http, and how a failure becomes a response.

import { isFailure, messageOf, type FailureKind } from './failure.ts';

/** A request whose body is read whole and inflated. */
export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Names in lower case; repeated headers joined by `, `. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Aborts when the client goes away before the answer is out, or the server stops for good. */
  readonly signal: AbortSignal;
  /** `address:port` of the peer. */
  readonly remote: string;
}

/** A response. A body that is an iterable is streamed with back-pressure; an error in it cuts the answer short. */
export interface HttpResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | AsyncIterable<string | Uint8Array>;
}

/** A JSON response. `indent` as in JSON.stringify. */
export function jsonResponse(
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
  indent?: number,
): HttpResponse {
  return {
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(value, null, indent),
  };
}

const STATUS: Readonly<Record<FailureKind, number>> = {
  transient: 503,
  fenced: 503,
  input: 400,
  config: 400,
  corrupt: 500,
  bug: 500,
};

/** What a handler's error becomes when the route has nothing better: `{error: code, errorMessage}`. */
export function failureResponse(error: unknown): HttpResponse {
  const status = isFailure(error) ? STATUS[error.kind] : 500;
  const code = isFailure(error) ? error.code : 'InternalError';
  const headers: Record<string, string> = status === 503 ? { 'retry-after': '1' } : {};
  return jsonResponse(status, { error: code, errorMessage: messageOf(error) }, headers);
}
