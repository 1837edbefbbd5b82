// Answers and broken connections of the API server -> our failures. The only place that knows which of them may be
// tried again. Codes are the server's own reasons where it gives one.

import { Failure, type FailureKind, messageOf } from '../../core/runtime/failure.ts';
import { field, textAt } from './object.ts';

const REASONS: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  410: 'Expired',
  422: 'Invalid',
  429: 'TooManyRequests',
};

/** Statuses that the same request may not meet again. */
const MAY_PASS = new Set([401, 403, 409, 410, 429]);

/** A `Status` object or any other answer that is no success. Kinds: `transient`, else `config`. */
export function classifyAnswer(request: string, status: number, body: unknown): Failure {
  const reason = textAt(body, 'reason');
  const code = status === 410 ? 'Expired' : reason || REASONS[status] || 'ServerUnavailable';
  const kind: FailureKind = status >= 500 || MAY_PASS.has(status) ? 'transient' : 'config';
  const message = textAt(body, 'message') || `answered ${status}`;
  return new Failure(kind, code, `${request}: ${message}`, causesOf(body));
}

function causesOf(body: unknown): unknown {
  return field(body, 'details', 'causes');
}

/** No answer at all: refused, reset, timed out. Always `transient`. */
export function classifyBroken(request: string, error: unknown): Failure {
  if (error instanceof Failure) return error;
  return new Failure(
    'transient',
    'ServerUnavailable',
    `${request}: no answer (${messageOf(error)}); trying again`,
    error,
  );
}

/** True for a failure with this code. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Failure && codes.includes(error.code);
}
