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
  return new Cluster(options, clock);
}

class Cluster implements KafkaCluster {
  readonly #options: KafkaConnectionOptions;
  readonly #clock: Clock;
  readonly #connections = new Map<string, Promise<BrokerConnection>>();
  #firstServer = 0;
  #isClosed = false;

  constructor(options: KafkaConnectionOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  async send<T>(address: string, request: Request<T>, timeoutMs?: number): Promise<T> {
    const opened = await this.#connection(address);
    return request.decode(await opened.send(request.type, request.body, timeoutMs));
  }

  #connection(address: string): Promise<BrokerConnection> {
    if (this.#isClosed) return Promise.reject(unavailable('the connection to Kafka is closed'));
    let opening = this.#connections.get(address);
    if (opening === undefined) {
      opening = openBrokerConnection(address, this.#options);
      this.#connections.set(address, opening);
      // One that could not be opened is tried afresh by the next request.
      opening.catch(() => this.#connections.delete(address));
    }
    return opening;
  }

  // Any broker can answer; the one that did last is asked first.
  async #askAny<T>(request: Request<T>): Promise<T> {
    const servers = this.#options.bootstrapServers;
    const reasons: string[] = [];
    for (let i = 0; i < servers.length; i++) {
      const at = (this.#firstServer + i) % servers.length;
      try {
        const answer = await this.send(servers[at] ?? '', request);
        this.#firstServer = at;
        return answer;
      } catch (error) {
        if (!isFailure(error, 'transient')) throw error;
        reasons.push(messageOf(error));
      }
    }
    throw unavailable(`no bootstrap server answered: ${reasons.join('; ')}`);
  }

  #patiently<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    return retry(work, { clock: this.#clock, signal });
  }

  metadata(topic: string, signal: AbortSignal): Promise<ClusterMetadata> {
    return this.#patiently(signal, () => this.#topicNow(topic));
  }

  async #topicNow(topic: string): Promise<ClusterMetadata> {
    const metadata = await this.#askAny(metadataRequest(topic));
    const { error } = metadata.topic;
    if (error !== KAFKA_ERRORS.NONE && error !== KAFKA_ERRORS.LEADER_NOT_AVAILABLE) {
      throw kafkaFailure(error, `topic '${topic}'`);
    }
    return metadata;
  }

  /** Asks each leader about its partitions. */
  async #askLeaders<T>(
    topic: string,
    partitions: readonly number[],
    ask: (address: string, partitions: number[]) => Promise<T>,
  ): Promise<T[]> {
    const metadata = await this.#topicNow(topic);
    const byLeader = new Map<string, number[]>();
    for (const partition of partitions) {
      const found = metadata.topic.partitions.find(
        (candidate) => candidate.partition === partition,
      );
      if (found === undefined) {
        throw new Failure(
          'config',
          'TopicMissing',
          `topic '${topic}' has no partition ${partition}`,
        );
      }
      const address = metadata.brokers.get(found.leader);
      if (address === undefined)
        throw unavailable(`partition ${partition} of topic '${topic}' has no leader`);
      byLeader.set(address, [...(byLeader.get(address) ?? []), partition]);
    }
    return Promise.all([...byLeader].map(([address, mine]) => ask(address, mine)));
  }

  listOffsets(
    topic: string,
    partitions: readonly number[],
    question: OffsetQuestion,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<number, number>> {
    return this.#patiently(signal, () => this.#list(topic, partitions, question));
  }

  async #list(
    topic: string,
    partitions: readonly number[],
    question: OffsetQuestion,
  ): Promise<Map<number, number>> {
    if (question === 'earliest') return this.#listOnce(topic, partitions, EARLIEST, false);
    if (question === 'highWatermark') return this.#listOnce(topic, partitions, LATEST, false);
    if (question === 'lastStable') return this.#listOnce(topic, partitions, LATEST, true);
    const found = await this.#listOnce(topic, partitions, question.timestampMs, true);
    const beyond = [...found].filter(([, offset]) => offset < 0).map(([partition]) => partition);
    const ends = beyond.length === 0 ? [] : await this.#listOnce(topic, beyond, LATEST, true);
    return new Map([...found, ...ends]);
  }

  async #listOnce(
    topic: string,
    partitions: readonly number[],
    timestampMs: number,
    isCommitted: boolean,
  ): Promise<Map<number, number>> {
    const answers = await this.#askLeaders(topic, partitions, (address, mine) =>
      this.send(address, listOffsetsRequest(topic, mine, timestampMs, isCommitted)),
    );
    const offsets = new Map<number, number>();
    for (const { partition, error, offset } of answers.flat()) {
      if (error !== KAFKA_ERRORS.NONE) throw leaderFailure(error, topic, partition);
      offsets.set(partition, offset);
    }
    return offsets;
  }

  epochEnd(
    topic: string,
    partition: number,
    epoch: number,
    signal: AbortSignal,
  ): Promise<EpochEnd> {
    return this.#patiently(signal, async () => {
      const request = epochEndRequest(topic, partition, epoch);
      const [end] = await this.#askLeaders(topic, [partition], (address) =>
        this.send(address, request),
      );
      if (end === undefined || end.error !== KAFKA_ERRORS.NONE) {
        throw leaderFailure(end?.error ?? -1, topic, partition);
      }
      return end;
    });
  }

  async #coordinator(group: string): Promise<string> {
    const { error, address } = await this.#askAny(coordinatorRequest(group));
    if (error !== KAFKA_ERRORS.NONE) throw kafkaFailure(error, `consumer group '${group}'`);
    return address;
  }

  commitOffsets(
    group: string,
    topic: string,
    offsets: ReadonlyMap<number, number>,
    signal: AbortSignal,
  ): Promise<void> {
    return this.#patiently(signal, async () => {
      const answers = await this.send(
        await this.#coordinator(group),
        offsetCommitRequest(group, topic, offsets),
      );
      for (const { partition, error } of answers) {
        if (error === KAFKA_ERRORS.NONE) continue;
        throw kafkaFailure(
          error,
          `offset of partition ${partition} of topic '${topic}' in consumer group '${group}'`,
        );
      }
    });
  }

  committedOffsets(
    group: string,
    topic: string,
    partitions: readonly number[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<number, number>> {
    return this.#patiently(signal, async () => {
      const request = offsetFetchRequest(group, topic, partitions);
      const { error, offsets } = await this.send(await this.#coordinator(group), request);
      if (error !== KAFKA_ERRORS.NONE) throw kafkaFailure(error, `consumer group '${group}'`);
      return new Map([...offsets].filter(([, offset]) => offset >= 0));
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const opened of await Promise.allSettled(this.#connections.values())) {
      if (opened.status === 'fulfilled') await opened.value.close();
    }
  }
}

function unavailable(text: string): Failure {
  return new Failure('transient', 'KafkaUnavailable', text);
}

// Asked of a broker that has just lost or not yet learned the partition: the metadata will settle.
function leaderFailure(error: number, topic: string, partition: number): Failure {
  const what = `partition ${partition} of topic '${topic}'`;
  if (error === KAFKA_ERRORS.UNKNOWN_TOPIC_OR_PARTITION)
    return new Failure('transient', 'KafkaUnavailable', `${what}: unknown to its leader`);
  return kafkaFailure(error, what);
}
