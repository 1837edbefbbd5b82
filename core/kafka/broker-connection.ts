// Requests of our own over kafkajs' sockets: it connects, speaks TLS and authenticates; we bring the bytes.
// The only file that touches the inside of kafkajs (2.2.4, pinned). A fetch goes over a socket of its own,
// since a request behind a long poll on the same socket would wait for it.

import { Kafka } from 'kafkajs';
import Broker from 'kafkajs/src/broker/index.js';
import createLoggers from 'kafkajs/src/loggers/index.js';
import ConnectionPool from 'kafkajs/src/network/connectionPool.js';
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';
import { classify, tooOld } from './classify.ts';
import { connectFramed } from './framed-socket.ts';
import {
  AUTHENTICATION_TIMEOUT_MS,
  kafkajsConfig,
  type KafkaConnectionOptions,
  REQUEST_TIMEOUT_MS,
} from './connection-options.ts';

// After every answer kafkajs sets a timer with a negative delay, which Node complains about and which wakes the
// process for nothing. It is only needed while requests wait.
const { scheduleCheckPendingRequests } = RequestQueue.prototype;
RequestQueue.prototype.scheduleCheckPendingRequests = function schedule(): void {
  if (this.pending.length > 0) scheduleCheckPendingRequests.call(this);
};

/** One of the requests we send: its key in the protocol and the one version we speak. */
export interface RequestType {
  readonly name: string;
  readonly apiKey: number;
  readonly version: number;
  /** Flexible versions have tagged fields in request and response header. */
  readonly isFlexible: boolean;
}

/** A connected broker. Sockets that break are opened again by the next request. */
export interface BrokerConnection {
  /**
   * Sends a body and resolves to the body of the answer: a view, of which a large one is only valid until the
   * next answer to the same kind of request (fetch or other).
   *
   * @throws Failure `transient` KafkaUnavailable; `config` KafkaTooOld, KafkaDenied
   */
  send(type: RequestType, body: Buffer, timeoutMs?: number): Promise<Buffer>;
  /** Ends the sockets; requests in flight reject. */
  close(): Promise<void>;
}

/** Connects, asks for the versions and authenticates. @throws as {@link BrokerConnection.send} */
export async function openBrokerConnection(
  address: string,
  options: KafkaConnectionOptions,
): Promise<BrokerConnection> {
  const config = kafkajsConfig(options);
  const colon = address.lastIndexOf(':');
  const logger = createLoggers.createLogger({
    level: config.logLevel,
    logCreator: config.logCreator ?? (() => () => undefined),
  });
  const pool = new ConnectionPool({
    ...config,
    host: address.slice(0, colon).replace(/^\[|\]$/g, ''),
    port: Number(address.slice(colon + 1)),
    socketFactory: connectFramed,
    enforceRequestTimeout: true,
    logger,
  });
  for (const connection of pool.pool) {
    // It keeps an empty rest of the last answer, for whose sake it would copy the whole next one.
    const processData = connection.processData.bind(connection);
    connection.processData = (piece) => {
      if (connection.bytesBuffered === 0) connection.chunks = [];
      processData(piece);
    };
  }
  const broker = new Broker({
    connectionPool: pool,
    logger,
    authenticationTimeout: AUTHENTICATION_TIMEOUT_MS,
    allowAutoTopicCreation: false,
  });
  // kafkajs waits for requests in flight when it closes; a long poll need not be waited for.
  const rejectAll = (): void => {
    for (const connection of pool.pool) connection.rejectRequests(new Error('closed'));
  };
  const close = async (): Promise<void> => {
    rejectAll();
    const ended = pool.destroy();
    // Once more for one that was on its way to the queue when the first were rejected.
    await new Promise((resolve) => setImmediate(resolve));
    rejectAll();
    await ended;
  };
  try {
    await broker.connect();
  } catch (error) {
    await close();
    throw classify(error, `broker ${address}`);
  }
  return {
    close,
    async send(type, body, timeoutMs = REQUEST_TIMEOUT_MS) {
      const range = broker.versions?.[type.apiKey];
      if (
        range === undefined ||
        range.minVersion > type.version ||
        range.maxVersion < type.version
      ) {
        throw tooOld(`broker ${address}: ${type.name} version ${type.version}`);
      }
      try {
        return await sendRaw(pool, type, body, timeoutMs);
      } catch (error) {
        throw classify(error, `${type.name} to broker ${address}`);
      }
    },
  };
}

// What comes before the body: an empty list of tagged fields in flexible versions.
const NO_TAGS = Buffer.of(0);

async function sendRaw(
  pool: ConnectionPool,
  type: RequestType,
  body: Buffer,
  timeoutMs: number,
): Promise<Buffer> {
  const bytes = type.isFlexible ? Buffer.concat([NO_TAGS, body]) : body;
  const payload = await pool.send({
    request: {
      apiKey: type.apiKey,
      apiVersion: type.version,
      apiName: type.name,
      encode: () => Promise.resolve({ buf: bytes, buffer: bytes }),
    },
    response: {
      decode: (answer) => Promise.resolve({ payload: answer }),
      parse: (decoded) => Promise.resolve(decoded.payload),
    },
    requestTimeout: timeoutMs,
    logResponseError: false,
  });
  // The answer's header has its own empty list of tagged fields.
  return type.isFlexible ? payload.subarray(1) : payload;
}

/** The kafkajs client itself, for administration and producing. */
export function createKafkajs(options: KafkaConnectionOptions): Kafka {
  return new Kafka(kafkajsConfig(options));
}
