// Sends ready record batches to a broker, a few requests a second: the load of benchmarks and memory tests must not cost
// more than what is measured. Fed by record-batches.ts; knows Produce v3 only.
// Source: https://kafka.apache.org/protocol#The_Messages_Produce

import { openBrokerConnection, type RequestType } from '../core/kafka/broker-connection.ts';

const PRODUCE: RequestType = { name: 'Produce', apiKey: 0, version: 3, isFlexible: false };
const TIMEOUT_MS = 30_000;
const ERROR_MESSAGE_TOO_LARGE = 10;

/** Sends batches to partitions of one topic. */
export interface RawProducer {
  /** Resolves when the leader has the batch. @throws Error with Kafka's error code */
  send(partition: number, batch: Buffer): Promise<void>;
  close(): Promise<void>;
}

/** Connects to `broker`, which must lead all partitions (a cluster of one). */
export async function openRawProducer(broker: string, topic: string): Promise<RawProducer> {
  const connection = await openBrokerConnection(broker, {
    bootstrapServers: [broker],
    clientId: 'bench-producer',
  });
  return {
    close: () => connection.close(),
    async send(partition, batch) {
      const answer = await connection.send(PRODUCE, produceBody(topic, partition, batch));
      // topics [ name, partitions [ index, error code, ... ] ]
      const nameLength = answer.readInt16BE(4);
      const code = answer.readInt16BE(4 + 2 + nameLength + 4 + 4);
      if (code !== 0) {
        const hint =
          code === ERROR_MESSAGE_TOO_LARGE ? ' (the batch is larger than max.message.bytes)' : '';
        throw new Error(`Produce to ${topic}/${partition}: Kafka answers error ${code}${hint}`);
      }
    },
  };
}

function produceBody(topic: string, partition: number, batch: Buffer): Buffer {
  const name = Buffer.from(topic);
  const head = Buffer.alloc(2 + 2 + 4 + 4 + 2 + name.length + 4 + 4 + 4);
  let p = head.writeInt16BE(-1, 0);
  p = head.writeInt16BE(1, p);
  p = head.writeInt32BE(TIMEOUT_MS, p);
  p = head.writeInt32BE(1, p);
  p = head.writeInt16BE(name.length, p);
  p += name.copy(head, p);
  p = head.writeInt32BE(1, p);
  p = head.writeInt32BE(partition, p);
  head.writeInt32BE(batch.length, p);
  return Buffer.concat([head, batch]);
}
