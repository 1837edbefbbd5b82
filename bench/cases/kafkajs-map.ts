// Reference of the ingest benchmark, the obvious program: kafkajs eachBatch at its best settings, JSON.parse, and a Map
// with a string key a group.

import { randomUUID } from 'node:crypto';
import { testKafka } from '../../test/servers/kafka-client.ts';
import { type BenchCase, type CaseParams, measured } from '../case.ts';
import { GroupHash } from '../group-hash.ts';
import { SUMS } from '../wikipedia-rows.ts';

const BYTES_MAX = 64 * 1024 * 1024;
const MINUTE_MS = 60_000;

interface Group {
  count: number;
  readonly sums: number[];
}

type Row = Readonly<Record<string, string | number>>;

/** Opens the case. */
export function open(params: CaseParams): Promise<BenchCase> {
  return Promise.resolve({
    async pass() {
      const groups = new Map<string, Group>();
      const times = await readAll(params, (text) => rollUp(groups, text, params.dimensions));
      const hash = new GroupHash();
      const sums = SUMS.map(() => 0);
      let rows = 0;
      for (const [key, group] of groups) {
        hash.add(key, [group.count, ...group.sums].join('|'));
        rows += group.count;
        group.sums.forEach((sum, i) => (sums[i] = (sums[i] ?? 0) + sum));
      }
      return { ...times, answer: { rows, sums, groups: hash.text } };
    },
    close: () => Promise.resolve(),
  });
}

function rollUp(groups: Map<string, Group>, text: string, dimensions: readonly string[]): void {
  const row = JSON.parse(text) as Row;
  let key = String(Math.floor(Date.parse(String(row['timestamp'])) / MINUTE_MS) * MINUTE_MS);
  for (const name of dimensions) key += `|${String(row[name])}`;
  let group = groups.get(key);
  if (group === undefined) {
    group = { count: 0, sums: SUMS.map(() => 0) };
    groups.set(key, group);
  }
  group.count++;
  for (let i = 0; i < SUMS.length; i++)
    group.sums[i] = (group.sums[i] ?? 0) + Number(row[SUMS[i] ?? '']);
}

async function readAll(
  params: CaseParams,
  onRow: (text: string) => void,
): Promise<{ wallMs: number; cpuMs: number }> {
  const { kafka } = params;
  if (kafka === undefined) throw new Error('kafkajs-map needs a topic');
  const consumer = testKafka(kafka.broker).consumer({
    groupId: `bench-${randomUUID()}`,
    maxBytes: BYTES_MAX,
    maxBytesPerPartition: BYTES_MAX / kafka.partitions,
    maxWaitTimeInMs: 100,
  });
  await consumer.connect();
  await consumer.subscribe({ topic: kafka.topic, fromBeginning: true });
  const joined = new Promise<void>((resolve) =>
    consumer.on('consumer.group_join', () => resolve()),
  );
  const { promise: done, resolve, reject } = Promise.withResolvers<void>();
  let rows = 0;
  try {
    const { wallMs, cpuMs } = await measured(async () => {
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: true,
        partitionsConsumedConcurrently: 1,
        eachBatch: ({ batch }) => {
          try {
            for (const { value } of batch.messages) if (value !== null) onRow(value.toString());
          } catch (error) {
            reject(error);
          }
          rows += batch.messages.length;
          if (rows >= params.rows) resolve();
          return Promise.resolve();
        },
      });
      await joined;
      await done;
    });
    return { wallMs, cpuMs };
  } finally {
    await consumer.disconnect();
  }
}
