// How to reach a Kafka cluster, with secrets resolved; and the same in kafkajs' own words. Read by the client,
// the raw connections and the source.

import type { KafkaConfig, logLevel, SASLOptions } from 'kafkajs';
import { NO_LOG, type Logger } from '../runtime/log.ts';

/** Address and identity. Certificates and keys are PEM texts. */
export interface KafkaConnectionOptions {
  /** `host:port` each, at least one. */
  readonly bootstrapServers: readonly string[];
  readonly clientId: string;
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  readonly sasl?: {
    readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
    readonly username: string;
    readonly password: string;
  };
  readonly log?: Logger;
}

/** Longest wait for a socket to connect. kafkajs' own default of 1 s fails under load. */
const CONNECT_TIMEOUT_MS = 5000;
/** Longest wait for the answer to anything but a fetch. */
export const REQUEST_TIMEOUT_MS = 15_000;
/** Longest wait for authentication. */
export const AUTHENTICATION_TIMEOUT_MS = 10_000;

// kafkajs' levels: 0 nothing, 1 error, 2 warn, 4 info, 5 debug. Its errors are noise to us: what matters comes
// back as a rejected promise and is logged, if at all, by whoever handles that.
const WARN: logLevel = 2;

/** Settings for kafkajs. Its retries are explicit: few, short, and never for ever. */
export function kafkajsConfig(
  options: KafkaConnectionOptions,
): KafkaConfig & { readonly logLevel: logLevel } {
  const { tls, sasl, log = NO_LOG } = options;
  return {
    clientId: options.clientId,
    brokers: [...options.bootstrapServers],
    connectionTimeout: CONNECT_TIMEOUT_MS,
    authenticationTimeout: AUTHENTICATION_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    retry: { initialRetryTime: 100, maxRetryTime: 2000, retries: 6, multiplier: 2, factor: 0.2 },
    logLevel: WARN,
    logCreator:
      () =>
      ({ namespace, log: { message } }) =>
        log.debug(`kafkajs ${namespace}: ${message}`),
    ...(tls === undefined ? {} : { ssl: sslOptions(tls) }),
    ...(sasl === undefined ? {} : { sasl: saslOptions(sasl) }),
  };
}

// Certificates, keys and passwords are getters here: kafkajs looks at them whenever it connects or authenticates, so a
// Secret that was rotated is used by the next connection, without a new process.
type Tls = NonNullable<KafkaConnectionOptions['tls']>;

function sslOptions(tls: Tls): NonNullable<Exclude<KafkaConfig['ssl'], boolean>> {
  const options = {};
  const late = (key: keyof Tls, read: () => unknown): void => {
    if (tls[key] !== undefined)
      Object.defineProperty(options, key, { enumerable: true, get: read });
  };
  late('ca', () => [tls.ca]);
  late('cert', () => tls.cert);
  late('key', () => tls.key);
  return options;
}

// kafkajs' type is a union by mechanism; each member has the same fields.
function saslOptions(sasl: NonNullable<KafkaConnectionOptions['sasl']>): SASLOptions {
  return {
    mechanism: sasl.mechanism,
    get username() {
      return sasl.username;
    },
    get password() {
      return sasl.password;
    },
  } as SASLOptions;
}
