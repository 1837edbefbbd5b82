// Kafka's error codes and kafkajs' errors become a Failure here and nowhere else.
// Source: https://kafka.apache.org/protocol#protocol_error_codes

import { Failure, messageOf } from '../runtime/failure.ts';

/** Error codes the product acts on, by number. */
export const KAFKA_ERRORS = {
  NONE: 0,
  OFFSET_OUT_OF_RANGE: 1,
  CORRUPT_MESSAGE: 2,
  UNKNOWN_TOPIC_OR_PARTITION: 3,
  LEADER_NOT_AVAILABLE: 5,
  NOT_LEADER_OR_FOLLOWER: 6,
  REPLICA_NOT_AVAILABLE: 9,
  MESSAGE_TOO_LARGE: 10,
  INVALID_TOPIC: 17,
  RECORD_LIST_TOO_LARGE: 18,
  TOPIC_AUTHORIZATION_FAILED: 29,
  GROUP_AUTHORIZATION_FAILED: 30,
  CLUSTER_AUTHORIZATION_FAILED: 31,
  UNSUPPORTED_SASL_MECHANISM: 33,
  UNSUPPORTED_VERSION: 35,
  TOPIC_ALREADY_EXISTS: 36,
  SASL_AUTHENTICATION_FAILED: 58,
  FENCED_LEADER_EPOCH: 74,
  UNKNOWN_LEADER_EPOCH: 75,
  UNKNOWN_TOPIC_ID: 100,
  INCONSISTENT_TOPIC_ID: 103,
} as const;

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(KAFKA_ERRORS).map(([name, code]) => [code, name]),
);

const DENIED: ReadonlySet<number> = new Set([
  KAFKA_ERRORS.TOPIC_AUTHORIZATION_FAILED,
  KAFKA_ERRORS.GROUP_AUTHORIZATION_FAILED,
  KAFKA_ERRORS.CLUSTER_AUTHORIZATION_FAILED,
  KAFKA_ERRORS.UNSUPPORTED_SASL_MECHANISM,
  KAFKA_ERRORS.SASL_AUTHENTICATION_FAILED,
]);

/** The Failure of an error code of a response; `what` names topic, partition or group. */
export function kafkaFailure(code: number, what: string): Failure {
  const text = `${what}: Kafka answered ${NAMES.get(code) ?? 'error'} (${code})`;
  if (DENIED.has(code))
    return new Failure('config', 'KafkaDenied', `${text}; check user, password and ACLs`);
  if (code === KAFKA_ERRORS.UNKNOWN_TOPIC_OR_PARTITION || code === KAFKA_ERRORS.INVALID_TOPIC) {
    return new Failure('config', 'TopicMissing', `${text}; create the topic or correct its name`);
  }
  if (code === KAFKA_ERRORS.MESSAGE_TOO_LARGE || code === KAFKA_ERRORS.RECORD_LIST_TOO_LARGE) {
    return new Failure(
      'input',
      'RecordTooLarge',
      `${text}; raise max.message.bytes of the topic or send less at once`,
    );
  }
  if (code === KAFKA_ERRORS.UNSUPPORTED_VERSION) return tooOld(what);
  return new Failure('transient', 'KafkaUnavailable', text);
}

/** The Failure of a broker that lacks a request version. */
export function tooOld(what: string): Failure {
  return new Failure(
    'config',
    'KafkaTooOld',
    `${what}: the broker lacks a request that is needed; use Kafka 3.1 or later`,
  );
}

/** The Failure of an error thrown by kafkajs. A Failure passes through. */
export function classify(error: unknown, what: string): Failure {
  if (error instanceof Failure) return error;
  // Retries wrap the error that matters.
  const root =
    error instanceof Error &&
    error.name === 'KafkaJSNumberOfRetriesExceeded' &&
    error.cause !== undefined
      ? error.cause
      : error;
  const code =
    root instanceof Error && 'code' in root && typeof root.code === 'number'
      ? root.code
      : undefined;
  if (code !== undefined) return kafkaFailure(code, `${what}: ${messageOf(root)}`);
  if (root instanceof Error && root.name === 'KafkaJSSASLAuthenticationError') {
    return new Failure(
      'config',
      'KafkaDenied',
      `${what}: ${root.message}; check user and password`,
      error,
    );
  }
  const text = `${what}: ${messageOf(root)}`;
  // A connection that TLS refuses will be refused again.
  if (/certificate|ssl routines|tlsv1 alert/i.test(text)) {
    return new Failure(
      'config',
      'KafkaDenied',
      `${text}; check tls.ca, tls.cert and tls.key`,
      error,
    );
  }
  return new Failure('transient', 'KafkaUnavailable', text, error);
}
