// Administration of topics, for tests, tools and dead-letter targets.

import { classify, KAFKA_ERRORS } from './classify.ts';
import { createKafkajs } from './broker-connection.ts';
import type { KafkaConnectionOptions } from './connection-options.ts';

/** Topics of a cluster. Errors as {@link classify} tells. */
export interface KafkaAdmin {
  /** Creates a topic and waits for its leaders. False when it exists already. */
  createTopic(
    topic: string,
    partitions: number,
    config?: Readonly<Record<string, string>>,
  ): Promise<boolean>;
  /** Grows a topic to `partitions` in all. */
  addPartitions(topic: string, partitions: number): Promise<void>;
  deleteTopic(topic: string): Promise<void>;
  /** Names of all topics that the user may see. */
  topics(): Promise<readonly string[]>;
  /** Removes the records below each offset. */
  deleteRecordsBefore(topic: string, offsets: ReadonlyMap<number, number>): Promise<void>;
  close(): Promise<void>;
}

/** Connects. @throws Failure transient KafkaUnavailable, config KafkaDenied */
export async function openKafkaAdmin(options: KafkaConnectionOptions): Promise<KafkaAdmin> {
  const admin = createKafkajs(options).admin();
  const guarded = async <T>(what: string, work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      throw classify(error, what);
    }
  };
  await guarded('connect to Kafka', admin.connect());
  return {
    async createTopic(topic, partitions, config = {}) {
      const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
      const wanted = { topic, numPartitions: partitions, configEntries };
      try {
        return await admin.createTopics({ topics: [wanted], waitForLeaders: true });
      } catch (error) {
        // kafkajs reports several topics at once; we create one.
        const codes =
          error instanceof AggregateError || (error instanceof Error && 'errors' in error)
            ? error.errors
            : [];
        const isThere =
          Array.isArray(codes) &&
          codes.some(
            (e: unknown) =>
              e instanceof Error && 'code' in e && e.code === KAFKA_ERRORS.TOPIC_ALREADY_EXISTS,
          );
        if (isThere) return false;
        throw classify(error, `create topic '${topic}'`);
      }
    },
    addPartitions: async (topic, partitions) => {
      await guarded(
        `add partitions to topic '${topic}'`,
        admin.createPartitions({ topicPartitions: [{ topic, count: partitions }] }),
      );
    },
    deleteTopic: (topic) =>
      guarded(`delete topic '${topic}'`, admin.deleteTopics({ topics: [topic] })),
    topics: () => guarded('list topics', admin.listTopics()),
    async deleteRecordsBefore(topic, offsets) {
      const partitions = [...offsets].map(([partition, offset]) => ({
        partition,
        offset: String(offset),
      }));
      const what = `delete records of topic '${topic}'`;
      // kafkajs looks up the leaders before it learns of the topic; this makes it learn first.
      await guarded(what, admin.fetchTopicOffsets(topic));
      await guarded(what, admin.deleteTopicRecords({ topic, partitions }));
    },
    close: () => admin.disconnect(),
  };
}
