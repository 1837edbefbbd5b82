// A Kafka cluster as our own requests see it: which broker leads what, a connection per broker, and the right
// broker for each question. Used by the source and for the mirrored offsets of a consumer group.

import { type Clock, systemClock } from '../runtime/clock.ts';
import { Failure, isFailure, messageOf } from '../runtime/failure.ts';
import { retry } from '../runtime/retry.ts';
import { type BrokerConnection, openBrokerConnection } from './broker-connection.ts';
import { KAFKA_ERRORS, kafkaFailure } from './classify.ts';
import type { KafkaConnectionOptions } from './connection-options.ts';
import {
  type ClusterMetadata,
  coordinatorRequest,
  EARLIEST,
  type EpochEnd,
  epochEndRequest,
  listOffsetsRequest,
  LATEST,
  metadataRequest,
  offsetCommitRequest,
  offsetFetchRequest,
  type Request,
} from './requests.ts';

/** Which offsets are asked for: an end of the log, the end of what is committed, or a time. */
export type OffsetQuestion =
  | 'earliest'
  | 'highWatermark'
  | 'lastStable'
  | { readonly timestampMs: number };

/** The questions. Each throws Failure `transient` KafkaUnavailable, `config` TopicMissing, KafkaDenied, KafkaTooOld. */
export interface KafkaCluster {
  /** The topic as it is now. Asks another bootstrap server when one does not answer. */
  metadata(topic: string, signal: AbortSignal): Promise<ClusterMetadata>;
  /** Offsets by partition. For a time after the last record: the end. */
  listOffsets(
    topic: string,
    partitions: readonly number[],
    question: OffsetQuestion,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<number, number>>;
  /** Where an epoch ended, asked of the partition's leader. */
  epochEnd(topic: string, partition: number, epoch: number, signal: AbortSignal): Promise<EpochEnd>;
  /** Commits offsets of a consumer group without members. */
  commitOffsets(
    group: string,
    topic: string,
    offsets: ReadonlyMap<number, number>,
    signal: AbortSignal,
  ): Promise<void>;
  /** Reads them back; partitions without a commit are absent. */
  committedOffsets(
    group: string,
    topic: string,
    partitions: readonly number[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<number, number>>;
  /** One request to one broker (`host:port`), not retried. */
  send<T>(address: string, request: Request<T>, timeoutMs?: number): Promise<T>;
  close(): Promise<void>;
}

/** Opens nothing yet: the first question connects. */
export function openKafkaCluster(
  options: KafkaConnectionOptions,
  clock: Clock = systemClock,
): KafkaCluster {
  const connections = new Map<string, Promise<BrokerConnection>>();
  let firstServer = 0;
  let isClosed = false;

  function connection(address: string): Promise<BrokerConnection> {
    if (isClosed)
      return Promise.reject(
        new Failure('transient', 'KafkaUnavailable', 'the connection to Kafka is closed'),
      );
    let opening = connections.get(address);
    if (opening === undefined) {
      opening = openBrokerConnection(address, options);
      connections.set(address, opening);
      // One that could not be opened is tried afresh by the next request.
      opening.catch(() => connections.delete(address));
    }
    return opening;
  }

  async function send<T>(address: string, request: Request<T>, timeoutMs?: number): Promise<T> {
    const opened = await connection(address);
    return request.decode(await opened.send(request.type, request.body, timeoutMs));
  }

  // Any broker can answer; the one that did last is asked first.
  async function askAny<T>(request: Request<T>): Promise<T> {
    const servers = options.bootstrapServers;
    const reasons: string[] = [];
    for (let i = 0; i < servers.length; i++) {
      const at = (firstServer + i) % servers.length;
      try {
        const answer = await send(servers[at] ?? '', request);
        firstServer = at;
        return answer;
      } catch (error) {
        if (!isFailure(error, 'transient')) throw error;
        reasons.push(messageOf(error));
      }
    }
    throw new Failure(
      'transient',
      'KafkaUnavailable',
      `no bootstrap server answered: ${reasons.join('; ')}`,
    );
  }

  const patiently = <T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> =>
    retry(work, { clock, signal });

  async function topicNow(topic: string): Promise<ClusterMetadata> {
    const metadata = await askAny(metadataRequest(topic));
    const { error } = metadata.topic;
    if (error !== KAFKA_ERRORS.NONE && error !== KAFKA_ERRORS.LEADER_NOT_AVAILABLE)
      throw kafkaFailure(error, `topic '${topic}'`);
    return metadata;
  }

  /** Asks each leader about its partitions. */
  async function askLeaders<T>(
    topic: string,
    partitions: readonly number[],
    ask: (address: string, partitions: number[]) => Promise<T>,
  ): Promise<T[]> {
    const metadata = await topicNow(topic);
    const byLeader = new Map<string, number[]>();
    for (const partition of partitions) {
      const found = metadata.topic.partitions.find(
        (candidate) => candidate.partition === partition,
      );
      if (found === undefined)
        throw new Failure(
          'config',
          'TopicMissing',
          `topic '${topic}' has no partition ${partition}`,
        );
      const address = metadata.brokers.get(found.leader);
      if (address === undefined)
        throw new Failure(
          'transient',
          'KafkaUnavailable',
          `partition ${partition} of topic '${topic}' has no leader`,
        );
      byLeader.set(address, [...(byLeader.get(address) ?? []), partition]);
    }
    return Promise.all([...byLeader].map(([address, mine]) => ask(address, mine)));
  }

  async function listOnce(
    topic: string,
    partitions: readonly number[],
    timestampMs: number,
    isCommitted: boolean,
  ): Promise<Map<number, number>> {
    const answers = await askLeaders(topic, partitions, (address, mine) =>
      send(address, listOffsetsRequest(topic, mine, timestampMs, isCommitted)),
    );
    const offsets = new Map<number, number>();
    for (const { partition, error, offset } of answers.flat()) {
      if (error !== KAFKA_ERRORS.NONE) throw leaderFailure(error, topic, partition);
      offsets.set(partition, offset);
    }
    return offsets;
  }

  async function list(
    topic: string,
    partitions: readonly number[],
    question: OffsetQuestion,
  ): Promise<Map<number, number>> {
    if (question === 'earliest') return listOnce(topic, partitions, EARLIEST, false);
    if (question === 'highWatermark') return listOnce(topic, partitions, LATEST, false);
    if (question === 'lastStable') return listOnce(topic, partitions, LATEST, true);
    const found = await listOnce(topic, partitions, question.timestampMs, true);
    const beyond = [...found].filter(([, offset]) => offset < 0).map(([partition]) => partition);
    const ends = beyond.length === 0 ? [] : await listOnce(topic, beyond, LATEST, true);
    return new Map([...found, ...ends]);
  }

  async function coordinator(group: string): Promise<string> {
    const { error, address } = await askAny(coordinatorRequest(group));
    if (error !== KAFKA_ERRORS.NONE) throw kafkaFailure(error, `consumer group '${group}'`);
    return address;
  }

  return {
    send,
    metadata: (topic, signal) => patiently(signal, () => topicNow(topic)),
    listOffsets: (topic, partitions, question, signal) =>
      patiently(signal, () => list(topic, partitions, question)),
    epochEnd: (topic, partition, epoch, signal) =>
      patiently(signal, async () => {
        const [end] = await askLeaders(topic, [partition], (address) =>
          send(address, epochEndRequest(topic, partition, epoch)),
        );
        if (end === undefined || end.error !== KAFKA_ERRORS.NONE)
          throw leaderFailure(end?.error ?? -1, topic, partition);
        return end;
      }),
    commitOffsets: (group, topic, offsets, signal) =>
      patiently(signal, async () => {
        const answers = await send(
          await coordinator(group),
          offsetCommitRequest(group, topic, offsets),
        );
        for (const { partition, error } of answers) {
          if (error !== KAFKA_ERRORS.NONE)
            throw kafkaFailure(
              error,
              `offset of partition ${partition} of topic '${topic}' in consumer group '${group}'`,
            );
        }
      }),
    committedOffsets: (group, topic, partitions, signal) =>
      patiently(signal, async () => {
        const { error, offsets } = await send(
          await coordinator(group),
          offsetFetchRequest(group, topic, partitions),
        );
        if (error !== KAFKA_ERRORS.NONE) throw kafkaFailure(error, `consumer group '${group}'`);
        return new Map([...offsets].filter(([, offset]) => offset >= 0));
      }),
    async close() {
      isClosed = true;
      for (const opened of await Promise.allSettled(connections.values())) {
        if (opened.status === 'fulfilled') await opened.value.close();
      }
    },
  };
}

// Asked of a broker that has just lost or not yet learned the partition: the metadata will settle.
function leaderFailure(error: number, topic: string, partition: number): Failure {
  const what = `partition ${partition} of topic '${topic}'`;
  if (error === KAFKA_ERRORS.UNKNOWN_TOPIC_OR_PARTITION)
    return new Failure('transient', 'KafkaUnavailable', `${what}: unknown to its leader`);
  return kafkaFailure(error, what);
}
