// Failures as Druid's HTTP errors: status and JSON body, in both generations of keys. Fed by the roles' HTTP
// handlers; read by clients. Source: druid-query-api.md 2.4.

import { isFailure, messageOf } from '../../core/runtime/failure.ts';

/** Status and body of an error answer. */
export interface ErrorAnswer {
  readonly status: number;
  readonly body: {
    readonly error: string;
    readonly errorCode: string;
    readonly persona: string;
    readonly category: string;
    readonly errorMessage: string;
    readonly errorClass: string | null;
    readonly host: string | null;
    readonly context: Readonly<Record<string, string>>;
  };
}

interface Row {
  readonly status: number;
  readonly error: string;
  readonly errorCode: string;
  readonly category: string;
}

const legacy = (status: number, error: string, category: string): Row => ({
  status,
  error,
  errorCode: 'legacyQueryException',
  category,
});

const UNKNOWN: Row = legacy(500, 'Unknown exception', 'RUNTIME_FAILURE');

const INVALID: Row = {
  status: 400,
  error: 'druidException',
  errorCode: 'invalidInput',
  category: 'INVALID_INPUT',
};

/** By failure code. Other `input` failures are INVALID, everything else UNKNOWN. */
const BY_CODE: Readonly<Record<string, Row>> = {
  QueryInvalid: INVALID,
  JsonParseFailed: legacy(400, 'Json parse failed', 'INVALID_INPUT'),
  QueryContextInvalid: legacy(400, 'Query context parse failed', 'INVALID_INPUT'),
  ResourceLimitExceeded: legacy(400, 'Resource limit exceeded', 'INVALID_INPUT'),
  QueryCapacityExceeded: legacy(429, 'Query capacity exceeded', 'CAPACITY_EXCEEDED'),
  QueryCancelled: legacy(500, 'Query cancelled', 'CANCELED'),
  QueryInterrupted: legacy(500, 'Query interrupted', 'RUNTIME_FAILURE'),
  QueryUnsupported: legacy(501, 'Unsupported query', 'UNSUPPORTED'),
  QueryTimeout: legacy(504, 'Query timeout', 'TIMEOUT'),
};

/**
 * The answer to anything thrown by a query.
 *
 * @param host `name:port` of this server, null = not told
 */
export function errorAnswer(error: unknown, host: string | null = null): ErrorAnswer {
  const failure = isFailure(error) ? error : undefined;
  const fallback = failure?.kind === 'input' ? INVALID : UNKNOWN;
  const row = (failure === undefined ? undefined : BY_CODE[failure.code]) ?? fallback;
  return {
    status: row.status,
    body: {
      error: row.error,
      errorCode: row.errorCode,
      persona: row.category === 'INVALID_INPUT' ? 'USER' : 'OPERATOR',
      category: row.category,
      errorMessage: messageOf(error),
      errorClass: failure === undefined ? null : failure.code,
      host,
      context: {},
    },
  };
}
