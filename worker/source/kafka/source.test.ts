// The contract on a real broker, and what only Kafka can do: transactions, codecs, gaps, retention, restarts.

import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { CompressionTypes, type Producer } from 'kafkajs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openKafkaAdmin } from '../../../core/kafka/admin.ts';
import { ownServer, serverForSuite } from '../../../test/servers/endpoints.ts';
import { testKafka } from '../../../test/servers/kafka-client.ts';
import type { Server } from '../../../test/servers/server.ts';
import { startTcpProxy } from '../../../test/servers/tcp-proxy.ts';
import { readUntil, sourceContract, type StreamUnderTest } from '../source.contract.ts';
import { createKafkaWalker } from './record-walker.ts';
import { type KafkaSourceOptions, openKafkaSource } from './source.ts';

const NEVER = new AbortController().signal;
const EARLIEST = { from: 'Earliest' } as const;

function sourceOf(
  broker: string,
  topic: string,
  more: Partial<KafkaSourceOptions> = {},
): ReturnType<typeof openKafkaSource> {
  return openKafkaSource({
    connection: { bootstrapServers: [broker], clientId: 'test' },
    topic,
    waitMaxMs: 200,
    ...more,
  });
}

/** Waits until no transaction is open: their markers are written after the client has its answer. */
async function settled(broker: string, topic: string): Promise<void> {
  const source = sourceOf(broker, topic);
  await expect
    .poll(async () => {
      const stable = await source.resolve([0], { from: 'Latest' }, NEVER);
      return stable.get(0) === (await source.endOffsets([0], NEVER)).get(0);
    })
    .toBe(true);
  await source.close();
}

/** Deletes are asynchronous: the name is free a moment later. */
async function createAnew(broker: string, topic: string, partitions: number): Promise<void> {
  const admin = await openKafkaAdmin({ bootstrapServers: [broker], clientId: 'test' });
  await admin.deleteTopic(topic);
  await expect
    .poll(() => admin.createTopic(topic, partitions).catch(() => false), { timeout: 10_000 })
    .toBe(true);
  await admin.close();
}

async function streamOf(
  broker: string,
  topic: string,
  producer: Producer,
): Promise<StreamUnderTest> {
  const admin = await openKafkaAdmin({ bootstrapServers: [broker], clientId: 'test' });
  await admin.createTopic(topic, 2);
  await admin.close();
  return {
    open: (options = {}) => sourceOf(broker, topic, options),
    walker: createKafkaWalker(),
    async append(partition, values) {
      await producer.send({
        topic,
        acks: -1,
        messages: values.map((value) => ({ partition, value })),
      });
    },
    replace: () => createAnew(broker, topic, 2),
  };
}

sourceContract('kafka', async () => {
  const server = await serverForSuite('kafka');
  if (typeof server === 'string') return server;
  const broker = server.endpoint.url;
  const producer = testKafka(broker).producer({
    allowAutoTopicCreation: false,
    metadataMaxAge: 500,
  });
  await producer.connect();
  return {
    stream: () => streamOf(broker, `t-${randomUUID()}`, producer),
    async close() {
      await producer.disconnect();
      await server.release();
    },
  };
});

describe('a Kafka that does what only it can do', () => {
  let server: Server | string = 'not started';
  beforeAll(async () => {
    server = await ownServer('kafka');
  });
  afterAll(async () => {
    if (typeof server !== 'string') await server.dispose();
  });

  const opened: ReturnType<typeof openKafkaSource>[] = [];
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((source) => source.close()));
  });
  const open = (...args: Parameters<typeof sourceOf>): ReturnType<typeof openKafkaSource> => {
    const source = sourceOf(...args);
    opened.push(source);
    return source;
  };

  interface Tools {
    readonly kafka: Server;
    readonly broker: string;
    readonly topic: string;
    readonly producer: Producer;
    readonly stream: StreamUnderTest;
  }

  const check = (title: string, body: (tools: Tools) => Promise<void>): void => {
    test(title, async (context) => {
      if (typeof server === 'string') return context.skip(server);
      const broker = server.endpoint.url;
      const topic = `t-${randomUUID()}`;
      const producer = testKafka(broker).producer({ allowAutoTopicCreation: false });
      await producer.connect();
      try {
        await body({
          kafka: server,
          broker,
          topic,
          producer,
          stream: await streamOf(broker, topic, producer),
        });
      } finally {
        await producer.disconnect();
      }
    });
  };

  check(
    'all codecs, null values, keys and headers',
    async ({ broker, topic, producer, stream }) => {
      const types = [
        CompressionTypes.None,
        CompressionTypes.GZIP,
        CompressionTypes.Snappy,
        CompressionTypes.LZ4,
        CompressionTypes.ZSTD,
      ];
      const expected: (string | null)[] = [];
      for (const compression of types) {
        const messages = Array.from({ length: 200 }, (_, i) => ({
          partition: 0,
          key: i % 3 === 0 ? null : `key ${i}`,
          value: i % 50 === 0 ? null : `codec ${compression} value ${i} ${'ü'.repeat(i)}`,
          headers: i % 2 === 0 ? { a: 'b' } : {},
        }));
        expected.push(...messages.map((m) => m.value));
        await producer.send({ topic, compression, messages });
      }
      const source = open(broker, topic);
      source.assign(0, 0, -1);
      const { records } = await readUntil(source, stream.walker, (r) => r.get(0)?.length === 1000);
      expect(records.get(0)?.map((r) => r.value)).toEqual(expected);
    },
  );

  check(
    'aborted transactions and markers are passed over, an open one is waited for',
    async ({ broker, topic, stream }) => {
      const client = testKafka(broker);
      const transactional = client.producer({
        transactionalId: `x-${topic}`,
        maxInFlightRequests: 1,
        idempotent: true,
      });
      await transactional.connect();
      const send = async (
        value: string,
        end: 'commit' | 'abort' | 'none',
      ): Promise<() => Promise<void>> => {
        const transaction = await transactional.transaction();
        await transaction.send({
          topic,
          messages: [
            { partition: 0, value },
            { partition: 0, value: `${value}-2` },
          ],
        });
        if (end === 'commit') await transaction.commit();
        if (end === 'abort') await transaction.abort();
        if (end !== 'none') await settled(broker, topic);
        return () => transaction.commit();
      };
      await send('kept', 'commit');
      await send('dropped', 'abort');
      await stream.append(0, ['plain']);
      const commitLater = await send('later', 'none');
      await stream.append(0, ['behind the open one']);
      const source = open(broker, topic);
      expect((await source.resolve([0], { from: 'Latest' }, NEVER)).get(0)).toBe(7);
      source.assign(0, 0, -1);
      const before = await readUntil(source, stream.walker, (r) => r.get(0)?.length === 3);
      expect(before.records.get(0)).toEqual([
        { offset: 0, value: 'kept' },
        { offset: 1, value: 'kept-2' },
        { offset: 6, value: 'plain' },
      ]);
      expect(await source.next(AbortSignal.timeout(600))).toEqual([]);
      await commitLater();
      const after = await readUntil(source, stream.walker, (r) => r.get(0)?.length === 3);
      expect(after.records.get(0)?.map((r) => r.value)).toEqual([
        'later',
        'later-2',
        'behind the open one',
      ]);
      await transactional.disconnect();
    },
  );

  check('a gap of two hundred thousand offsets is crossed', async ({ broker, topic, stream }) => {
    const transactional = testKafka(broker).producer({
      transactionalId: `x-${topic}`,
      maxInFlightRequests: 1,
      idempotent: true,
    });
    await transactional.connect();
    await stream.append(0, ['before']);
    const transaction = await transactional.transaction();
    const messages = Array.from({ length: 1000 }, () => ({ partition: 0, value: '' }));
    for (let i = 0; i < 200; i++)
      await transaction.send({ topic, messages, compression: CompressionTypes.ZSTD });
    await transaction.abort();
    await settled(broker, topic);
    await transactional.disconnect();
    await stream.append(0, ['after']);
    const source = open(broker, topic);
    source.assign(0, 0, -1);
    const { records, sets } = await readUntil(source, stream.walker, (r) => r.get(0)?.length === 2);
    expect(records.get(0)).toEqual([
      { offset: 0, value: 'before' },
      { offset: 200_002, value: 'after' },
    ]);
    expect(sets.at(-1)?.nextOffset).toBe(200_003);
  });

  check(
    'records that retention removed are told with the range there is',
    async ({ broker, topic, stream }) => {
      await stream.append(0, ['a', 'b', 'c', 'd']);
      const admin = await openKafkaAdmin({ bootstrapServers: [broker], clientId: 'test' });
      await admin.deleteRecordsBefore(topic, new Map([[0, 2]]));
      await admin.close();
      const source = open(broker, topic);
      expect((await source.resolve([0], EARLIEST, NEVER)).get(0)).toBe(2);
      source.assign(0, 1, -1);
      const { stops } = await readUntil(source, stream.walker, (_, s) => s.length > 0);
      expect(stops).toEqual([
        { reason: 'OffsetOutOfRange', partition: 0, offset: 1, earliest: 2, latest: 4 },
      ]);
      source.assign(0, 2, -1);
      expect(
        (await readUntil(source, stream.walker, (r) => r.get(0)?.length === 2)).records.get(0)?.[0],
      ).toEqual({ offset: 2, value: 'c' });
    },
  );

  check(
    'a log that ends below what was read of its epoch is truncated, not waited for',
    async ({ broker, topic, stream }) => {
      await stream.append(0, ['a', 'b', 'c']);
      const source = open(broker, topic);
      source.assign(0, 10, 0);
      const { stops } = await readUntil(source, stream.walker, (_, s) => s.length > 0);
      expect(stops).toMatchObject([
        { reason: 'LogTruncated', partition: 0, message: expect.stringContaining('ends at 3') },
      ]);
    },
  );

  check(
    'start by time, and the leader epoch and lag of what was read',
    async ({ broker, topic, producer, stream }) => {
      await producer.send({
        topic,
        messages: [1000, 2000, 3000].map((t) => ({
          partition: 0,
          value: `t${t}`,
          timestamp: String(t),
        })),
      });
      const source = open(broker, topic);
      const start = await source.resolve([0, 1], { from: 'Timestamp', timestampMs: 2000 }, NEVER);
      expect([start.get(0), start.get(1)]).toEqual([1, 0]);
      source.assign(0, start.get(0) ?? -1, 0);
      const { records, sets } = await readUntil(
        source,
        stream.walker,
        (r) => r.get(0)?.length === 2,
      );
      expect(records.get(0)?.map((r) => r.value)).toEqual(['t2000', 't3000']);
      expect(sets.at(-1)).toMatchObject({ leaderEpoch: 0, lagRecords: 0, nextOffset: 3 });
    },
  );

  check(
    'new partitions show in the identity and can be read',
    async ({ broker, topic, stream }) => {
      const source = open(broker, topic);
      const before = await source.identity(NEVER);
      const admin = await openKafkaAdmin({ bootstrapServers: [broker], clientId: 'test' });
      await admin.addPartitions(topic, 4);
      await admin.close();
      await expect
        .poll(async () => (await source.identity(NEVER)).partitions)
        .toEqual([0, 1, 2, 3]);
      expect((await source.identity(NEVER)).id).toBe(before.id);
      const producer = testKafka(broker).producer({ allowAutoTopicCreation: false });
      await producer.connect();
      await producer.send({ topic, messages: [{ partition: 3, value: 'x' }] });
      await producer.disconnect();
      source.assign(3, 0, -1);
      expect(
        (await readUntil(source, stream.walker, (r) => r.get(3)?.length === 1)).records.get(3)?.[0]
          ?.value,
      ).toBe('x');
    },
  );

  check(
    'a topic that is missing from the start, or goes while it is read, is told',
    async ({ broker, topic, stream }) => {
      const absent = open(broker, 'no-such-topic');
      await expect(absent.identity(NEVER)).rejects.toMatchObject({
        kind: 'config',
        code: 'TopicMissing',
      });
      await absent.close();
      await stream.append(0, ['a']);
      const source = open(broker, topic);
      source.assign(0, 0, -1);
      await readUntil(source, stream.walker, (r) => r.get(0)?.length === 1);
      const admin = await openKafkaAdmin({ bootstrapServers: [broker], clientId: 'test' });
      await admin.deleteTopic(topic);
      await admin.close();
      const { stops } = await readUntil(source, stream.walker, (_, s) => s.length > 0);
      expect(stops).toMatchObject([{ reason: 'TopicMissing', partition: 0 }]);
    },
  );

  check('a record of ten megabytes comes whole', async ({ broker, topic, producer, stream }) => {
    const value = 'x'.repeat(10_000_000);
    await producer.send({
      topic,
      messages: [
        { partition: 0, value },
        { partition: 0, value: 'small' },
      ],
    });
    const source = open(broker, topic, {
      bufferBytesMax: 1_000_000,
      fetchBytesMax: 500_000,
      partitionBytesMax: 100_000,
    });
    source.assign(0, 0, -1);
    const { records } = await readUntil(source, stream.walker, (r) => r.get(0)?.length === 2);
    expect(records.get(0)?.map((r) => r.value?.length)).toEqual([10_000_000, 5]);
  });

  check(
    'a busy partition does not starve the others of its broker',
    async ({ broker, topic, stream }) => {
      const block = Array.from({ length: 1000 }, (_, i) => `${i}-${'x'.repeat(900)}`);
      for (let i = 0; i < 6; i++) await stream.append(0, block);
      await stream.append(1, ['the only one']);
      const source = open(broker, topic, { bufferBytesMax: 300_000, fetchBytesMax: 200_000 });
      source.assign(0, 0, -1);
      source.assign(1, 0, -1);
      const { records } = await readUntil(source, stream.walker, (r) => r.get(1)?.length === 1);
      expect(records.get(0)?.length ?? 0).toBeLessThan(6000);
    },
  );

  check(
    'a broker that is killed, restarted, frozen or cut off loses and doubles nothing',
    async ({ kafka, broker, topic, stream }) => {
      await stream.append(0, ['0', '1', '2']);
      const source = open(broker, topic);
      await source.identity(NEVER);
      source.assign(0, 0, 0);
      const seen: (string | null)[] = [];
      const readTo = async (count: number): Promise<void> => {
        const { records, stops } = await readUntil(
          source,
          stream.walker,
          (r) => (r.get(0)?.length ?? 0) + seen.length >= count,
        );
        expect(stops).toEqual([]);
        seen.push(...(records.get(0) ?? []).map((r) => r.value));
      };
      await readTo(3);
      await kafka.kill();
      await delay(700);
      await expect(source.identity(AbortSignal.timeout(300))).rejects.toMatchObject({
        kind: 'transient',
        code: 'SourceUnavailable',
      });
      await kafka.start();
      await stream.append(0, ['3', '4']);
      await readTo(5);
      await kafka.freeze(true);
      await delay(500);
      await kafka.freeze(false);
      await stream.append(0, ['5']);
      await readTo(6);
      expect(seen).toEqual(['0', '1', '2', '3', '4', '5']);
    },
  );

  check('a source can be closed while its broker is dead', async ({ broker, topic }) => {
    const proxy = await startTcpProxy(broker);
    const source = open(proxy.address, topic);
    await source.identity(NEVER);
    proxy.stall(true);
    source.assign(0, 0, -1);
    await delay(50);
    const startedMs = performance.now();
    await source.close();
    expect(performance.now() - startedMs).toBeLessThan(1000);
    await proxy.close();
  });
});
