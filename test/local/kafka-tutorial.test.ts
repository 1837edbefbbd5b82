// The tutorial over Kafka: examples/wikipedia-kafka.yaml as it is, but for the broker's address. Real Kafka, no other
// server; published offsets appear in the consumer group.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { openKafkaAdmin } from '../../core/kafka/admin.ts';
import { openKafkaCluster } from '../../core/kafka/cluster.ts';
import { openKafkaProducer } from '../../core/kafka/producer.ts';
import { RoleProcess } from '../e2e/role-process.ts';
import { until } from '../e2e/waiting.ts';
import { serverForSuite } from '../servers/endpoints.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url));
const kafka = await serverForSuite('kafka');

describe.skipIf(typeof kafka === 'string')(
  `the tutorial over Kafka${typeof kafka === 'string' ? ` (${kafka})` : ''}`,
  () => {
    if (typeof kafka === 'string') return;
    afterAll(() => kafka.release());

    it('reads the rows, publishes on Ctrl-C and mirrors the offsets', async () => {
      const broker = kafka.endpoint.url;
      const connection = { bootstrapServers: [broker], clientId: 'tutorial' };
      const topic = `wikipedia-${process.pid}`;
      const admin = await openKafkaAdmin(connection);
      await admin.createTopic(topic, 1);
      await admin.close();
      const rows = (await readFile(join(EXAMPLES, 'wikipedia.ndjson'), 'utf8')).trim().split('\n');
      const producer = await openKafkaProducer(connection);
      await producer.send(
        topic,
        rows.map((value) => ({ value, partition: 0 })),
      );
      await producer.close();

      const dir = await mkdtemp(join(tmpdir(), 'sluice-kafka-tutorial-'));
      const text = await readFile(join(EXAMPLES, 'wikipedia-kafka.yaml'), 'utf8');
      const resource = join(dir, 'wikipedia-kafka.yaml');
      await writeFile(
        resource,
        text.replaceAll('localhost:9092', broker).replace('topic: wikipedia', `topic: ${topic}`),
      );
      const local = new RoleProcess(
        'local',
        ['local', '-f', resource, '--data', join(dir, 'data'), '--ports', '0,0,0,0'],
        {},
      );
      try {
        local.start();
        const count = {
          queryType: 'timeseries',
          dataSource: 'wikipedia',
          granularity: 'all',
          intervals: '2013/2014',
          aggregations: [{ type: 'longSum', name: 'n', fieldName: 'count' }],
        };
        await until('the five rows are visible', 30_000, async () => {
          const port = local.lines.findLast((l) => l.message === 'broker listens')?.['port'];
          const answer = await fetch(`http://127.0.0.1:${String(port)}/druid/v2`, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify(count),
          });
          const [all] = (await answer.json()) as { result: { n: number | null } }[];
          return all?.result.n === 5 ? true : undefined;
        });
        expect(await local.stop()).toBe(0);
        const cluster = openKafkaCluster(connection);
        const committed = await cluster.committedOffsets(
          'sluice-default-wikipedia',
          topic,
          [0],
          AbortSignal.timeout(10_000),
        );
        await cluster.close();
        expect([...committed]).toEqual([[0, 5]]);
      } finally {
        await local.kill();
        await rm(dir, { recursive: true, force: true });
      }
    });
  },
);
