// Logging as a port of ours over pino: one JSON object a line on stdout. Fields are flat words; secrets never
// get out, whatever the caller passes.

import { pino } from 'pino';
import { Failure, messageOf } from './failure.ts';

/** Levels, least first. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
/** One of {@link LOG_LEVELS}. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Structured values beside the message. A key `error` takes anything thrown. */
export type LogFields = Readonly<Record<string, unknown>>;

/** What every part logs to. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds these fields to every line. */
  child(fields: LogFields): Logger;
}

/** Logs nothing. */
export const NO_LOG: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => NO_LOG,
};

// Names of fields whose value is a secret wherever they stand, at the top or one level down.
const SECRETS = [
  'password',
  'secret',
  'secretKey',
  'accessKey',
  'authorization',
  'token',
  'key',
  'sasl',
];

/** Builds the process's logger. `write` gets whole lines; default stdout. */
export function createLogger(options: { level: LogLevel; write?: (line: string) => void }): Logger {
  const { write } = options;
  const settings = {
    level: options.level,
    base: null,
    messageKey: 'message',
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { error: serializeError },
    redact: {
      paths: SECRETS.flatMap((name) => (name === 'key' ? ['tls.key'] : [name, `*.${name}`])),
      censor: '[redacted]',
    },
  };
  return wrap(write === undefined ? pino(settings) : pino(settings, { write }));
}

function wrap(log: pino.Logger): Logger {
  return {
    debug: (message, fields) => log.debug(fields ?? {}, message),
    info: (message, fields) => log.info(fields ?? {}, message),
    warn: (message, fields) => log.warn(fields ?? {}, message),
    error: (message, fields) => log.error(fields ?? {}, message),
    child: (fields) => wrap(log.child(fields)),
  };
}

// Stacks only where they help: a bug or an error nobody classified.
function serializeError(error: unknown): unknown {
  if (!(error instanceof Error)) return { message: messageOf(error) };
  const cause = error.cause === undefined ? {} : { cause: serializeError(error.cause) };
  if (error instanceof Failure) {
    const stack = error.kind === 'bug' ? { stack: error.stack } : {};
    return { kind: error.kind, code: error.code, message: error.message, ...stack, ...cause };
  }
  return { message: error.message, stack: error.stack, ...cause };
}
