// Producing with acknowledgement by all replicas and without duplicates: dead letters, tools and tests.

import { CompressionTypes, Partitioners } from 'kafkajs';
import { createKafkajs } from './broker-connection.ts';
import { classify } from './classify.ts';
import type { KafkaConnectionOptions } from './connection-options.ts';

/** A record to send. */
export interface KafkaRecord {
  readonly value: Uint8Array | string | null;
  readonly key?: Uint8Array | string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: by key, else round robin. */
  readonly partition?: number;
  readonly timestampMs?: number;
}

/** Sends records. */
export interface KafkaProducer {
  /** Resolves when all replicas in sync have the records; they are then in order and not doubled. @throws as {@link classify} tells */
  send(
    topic: string,
    records: readonly KafkaRecord[],
    compression?: 'none' | 'gzip',
  ): Promise<void>;
  close(): Promise<void>;
}

/** Connects an idempotent producer. @throws Failure transient KafkaUnavailable, config KafkaDenied */
export async function openKafkaProducer(options: KafkaConnectionOptions): Promise<KafkaProducer> {
  const producer = createKafkajs(options).producer({
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    createPartitioner: Partitioners.DefaultPartitioner,
  });
  const bytes = (value: Uint8Array | string): Buffer | string =>
    typeof value === 'string' ? value : Buffer.from(value);
  try {
    await producer.connect();
  } catch (error) {
    throw classify(error, 'connect to Kafka');
  }
  return {
    async send(topic, records, compression = 'none') {
      const messages = records.map((record) => ({
        value: record.value === null ? null : bytes(record.value),
        ...(record.key === undefined ? {} : { key: bytes(record.key) }),
        ...(record.headers === undefined ? {} : { headers: { ...record.headers } }),
        ...(record.partition === undefined ? {} : { partition: record.partition }),
        ...(record.timestampMs === undefined ? {} : { timestamp: String(record.timestampMs) }),
      }));
      try {
        const type = compression === 'gzip' ? CompressionTypes.GZIP : CompressionTypes.None;
        await producer.send({ topic, messages, acks: -1, compression: type });
      } catch (error) {
        throw classify(error, `send to topic '${topic}'`);
      }
    },
    close: () => producer.disconnect(),
  };
}
