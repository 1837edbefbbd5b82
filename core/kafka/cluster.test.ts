// Against a real broker: what our own requests see and do.

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serverForSuite, type ServerForSuite } from '../../test/servers/endpoints.ts';
import { type KafkaAdmin, openKafkaAdmin } from './admin.ts';
import { classify, kafkaFailure } from './classify.ts';
import { type KafkaCluster, openKafkaCluster } from './cluster.ts';
import { openKafkaProducer } from './producer.ts';

const NEVER = new AbortController().signal;
const byPartition = ([a]: [number, number], [b]: [number, number]): number => a - b;

test('an address where nobody answers is a transient failure that names it', async () => {
  const cluster = openKafkaCluster({
    bootstrapServers: ['127.0.0.1:1', '127.0.0.1:2'],
    clientId: 't',
  });
  await expect(
    cluster.send('127.0.0.1:1', {
      type: { name: 'X', apiKey: 3, version: 12, isFlexible: true },
      body: Buffer.alloc(0),
      decode: () => 0,
    }),
  ).rejects.toMatchObject({
    kind: 'transient',
    code: 'KafkaUnavailable',
  });
  await expect(cluster.metadata('t', AbortSignal.abort())).rejects.toThrow(
    /127.0.0.1:1.*127.0.0.1:2/,
  );
  await cluster.close();
});

test('error codes become the failure that says what to do', () => {
  expect(kafkaFailure(3, "topic 'x'")).toMatchObject({ kind: 'config', code: 'TopicMissing' });
  expect(kafkaFailure(29, "topic 'x'")).toMatchObject({ kind: 'config', code: 'KafkaDenied' });
  expect(kafkaFailure(10, "topic 'x'")).toMatchObject({ kind: 'input', code: 'RecordTooLarge' });
  expect(kafkaFailure(35, 'broker')).toMatchObject({ kind: 'config', code: 'KafkaTooOld' });
  expect(kafkaFailure(7, 'broker')).toMatchObject({ kind: 'transient', code: 'KafkaUnavailable' });
  expect(
    classify(new Error('self-signed certificate in certificate chain'), 'connect'),
  ).toMatchObject({ kind: 'config', code: 'KafkaDenied' });
  expect(classify(new Error('x'), 'send')).toMatchObject({ kind: 'transient', message: 'send: x' });
});

describe('a real broker', () => {
  let server: ServerForSuite | string = '';
  let cluster: KafkaCluster;
  let admin: KafkaAdmin;
  beforeAll(async () => {
    server = await serverForSuite('kafka');
    if (typeof server === 'string') return;
    const options = { bootstrapServers: ['127.0.0.1:1', server.endpoint.url], clientId: 't' };
    cluster = openKafkaCluster(options);
    admin = await openKafkaAdmin({ ...options, bootstrapServers: [server.endpoint.url] });
  });
  afterAll(async () => {
    if (typeof server === 'string') return;
    await admin.close();
    await cluster.close();
    await server.release();
  });
  const check = (title: string, body: (broker: string, topic: string) => Promise<void>): void => {
    test(title, async (context) => {
      if (typeof server === 'string') return context.skip(server);
      await body(server.endpoint.url, `t-${randomUUID()}`);
    });
  };

  check(
    'a topic is created once, described, grown, and its re-creation has another id',
    async (broker, topic) => {
      await expect(cluster.metadata(topic, NEVER)).rejects.toMatchObject({
        kind: 'config',
        code: 'TopicMissing',
      });
      expect(await admin.createTopic(topic, 2)).toBe(true);
      expect(await admin.createTopic(topic, 2)).toBe(false);
      const first = await cluster.metadata(topic, NEVER);
      expect(first.clusterId).not.toBe('');
      expect(first.topic.id).toMatch(/^[0-9a-f-]{36}$/);
      expect(new Set(first.topic.partitions.map((p) => p.partition))).toEqual(new Set([0, 1]));
      expect([...first.brokers.values()]).toEqual([broker]);
      await admin.addPartitions(topic, 3);
      await expect
        .poll(async () => (await cluster.metadata(topic, NEVER)).topic.partitions.length)
        .toBe(3);
      await admin.deleteTopic(topic);
      await expect.poll(() => admin.createTopic(topic, 1).catch(() => false)).toBe(true);
      expect((await cluster.metadata(topic, NEVER)).topic.id).not.toBe(first.topic.id);
    },
  );

  check('offsets by end and by time, epochs, deleted records', async (broker, topic) => {
    await admin.createTopic(topic, 2);
    const producer = await openKafkaProducer({ bootstrapServers: [broker], clientId: 't' });
    // Recent times: a broker deletes what is older than its retention, at any moment.
    const baseMs = Date.now() - 60_000;
    const records = [1000, 2000, 3000].map((ms) => ({
      value: 'x',
      partition: 1,
      timestampMs: baseMs + ms,
    }));
    await producer.send(topic, records, 'gzip');
    await producer.close();
    const list = async (question: Parameters<KafkaCluster['listOffsets']>[2]): Promise<unknown> =>
      [...(await cluster.listOffsets(topic, [0, 1], question, NEVER))].toSorted(byPartition);
    expect(await list('earliest')).toEqual([
      [0, 0],
      [1, 0],
    ]);
    expect(await list('highWatermark')).toEqual([
      [0, 0],
      [1, 3],
    ]);
    expect(await list('lastStable')).toEqual([
      [0, 0],
      [1, 3],
    ]);
    expect(await list({ timestampMs: baseMs + 1500 })).toEqual([
      [0, 0],
      [1, 1],
    ]);
    expect(await list({ timestampMs: baseMs + 9999 })).toEqual([
      [0, 0],
      [1, 3],
    ]);
    expect(await cluster.epochEnd(topic, 1, 0, NEVER)).toEqual({
      error: 0,
      leaderEpoch: 0,
      endOffset: 3,
    });
    await admin.deleteRecordsBefore(topic, new Map([[1, 2]]));
    expect(await list('earliest')).toEqual([
      [0, 0],
      [1, 2],
    ]);
  });

  check(
    'offsets of a consumer group are committed and read back, at once',
    async (_broker, topic) => {
      await admin.createTopic(topic, 3);
      const startedMs = performance.now();
      await cluster.commitOffsets(
        `g-${topic}`,
        topic,
        new Map([
          [0, 5],
          [2, 7],
        ]),
        NEVER,
      );
      await cluster.commitOffsets(`g-${topic}`, topic, new Map([[2, 9]]), NEVER);
      expect(
        [...(await cluster.committedOffsets(`g-${topic}`, topic, [0, 1, 2], NEVER))].toSorted(
          byPartition,
        ),
      ).toEqual([
        [0, 5],
        [2, 9],
      ]);
      // kafkajs' own way takes five seconds each.
      expect(performance.now() - startedMs).toBeLessThan(4000);
    },
  );
});
