// The whole ingest from a real broker: processor time a row, Kafka to index, against the obvious program (kafkajs,
// JSON.parse, a Map of string keys), all 12 dimensions in the group key of both.

import { openKafkaAdmin } from '../core/kafka/admin.ts';
import type { BenchParams } from './params.ts';
import { openRawProducer } from './raw-producer.ts';
import { recordBatch } from './record-batches.ts';
import { BATCH_ROWS } from './record-sets.ts';
import type { Report } from './report.ts';
import { ratioOf } from './report.ts';
import { type CaseResult, runRounds } from './rounds.ts';
import { DIMENSIONS, type RowBlock, rowBlock } from './wikipedia-rows.ts';

const PARTITIONS = 4;

/** Runs it against the broker at `host:port`. */
export async function run(params: BenchParams, broker: string): Promise<Report> {
  const { seed, rows, rounds } = params;
  const block = rowBlock(params);
  const topic = `bench-${block.hash}-${rows}`;
  await load(broker, topic, block, rows);
  const kafka = { broker, topic, partitions: PARTITIONS };
  const caseParams = { seed, rows, dimensions: DIMENSIONS, kafka };
  const [reference, ours] = (await runRounds(
    [
      { name: 'kafkajs, JSON.parse, Map', case: 'kafkajsMap', params: caseParams },
      { name: 'sluice', case: 'sluiceIngest', params: caseParams },
    ],
    rounds,
  )) as [CaseResult, CaseResult];
  return {
    name: 'ingest',
    seed,
    dataHash: block.hash,
    cases: [reference, ours],
    verdicts: [
      { goal: 'Kafka to index, CPU per row to kafkajs', got: ratioOf(reference, ours), floor: 3 },
    ],
    notes: [
      `rounds=${rounds}, three warm-up passes, one broker, ${PARTITIONS} partitions, batches of 1 MiB, not compressed, CRC-32C checked by sluice only`,
    ],
  };
}

/** Fills the topic once; a topic of the same data is used again. */
async function load(broker: string, topic: string, block: RowBlock, rows: number): Promise<void> {
  const admin = await openKafkaAdmin({ bootstrapServers: [broker], clientId: 'bench' });
  const isNew = await admin.createTopic(topic, PARTITIONS);
  await admin.close();
  if (!isNew) return;
  const producer = await openRawProducer(broker, topic);
  try {
    for (let first = 0, n = 0; first < rows; first += BATCH_ROWS, n++) {
      const next = Math.min(rows, first + BATCH_ROWS);
      const batch = recordBatch(block, first, next, {
        baseOffset: 0,
        // Kafka removes what its timestamp makes older than the retention.
        timestampMs: Date.now(),
      });
      await producer.send(n % PARTITIONS, batch);
    }
  } finally {
    await producer.close();
  }
}
