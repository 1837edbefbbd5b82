// The requests we send ourselves, each with its answer: Metadata (topic ids, which kafkajs' version lacks),
// ListOffsets, OffsetForLeaderEpoch, FindCoordinator and OffsetCommit. Fetch is in worker/source/kafka.
// Source: https://kafka.apache.org/protocol#protocol_api_keys

import type { RequestType } from './broker-connection.ts';
import { WireReader, WireWriter } from './wire.ts';

const METADATA: RequestType = { name: 'Metadata', apiKey: 3, version: 12, isFlexible: true };
const LIST_OFFSETS: RequestType = { name: 'ListOffsets', apiKey: 2, version: 5, isFlexible: false };
const OFFSET_FOR_LEADER_EPOCH: RequestType = {
  name: 'OffsetForLeaderEpoch',
  apiKey: 23,
  version: 3,
  isFlexible: false,
};
const FIND_COORDINATOR: RequestType = {
  name: 'FindCoordinator',
  apiKey: 10,
  version: 2,
  isFlexible: false,
};
const OFFSET_COMMIT: RequestType = {
  name: 'OffsetCommit',
  apiKey: 8,
  version: 7,
  isFlexible: false,
};
const OFFSET_FETCH: RequestType = { name: 'OffsetFetch', apiKey: 9, version: 5, isFlexible: false };

/** A request ready to send and the decoder of its answer. */
export interface Request<T> {
  readonly type: RequestType;
  readonly body: Buffer;
  readonly decode: (answer: Buffer) => T;
}

/** A partition as the cluster describes it. */
export interface PartitionMetadata {
  readonly error: number;
  readonly partition: number;
  /** Node id, -1 for none. */
  readonly leader: number;
  readonly leaderEpoch: number;
}

/** The cluster, and one topic of it. */
export interface ClusterMetadata {
  readonly clusterId: string;
  readonly brokers: ReadonlyMap<number, string>;
  readonly topic: {
    readonly error: number;
    readonly id: string;
    readonly partitions: readonly PartitionMetadata[];
  };
}

/** Asks for one topic by name; never creates it. */
export function metadataRequest(topic: string): Request<ClusterMetadata> {
  const body = new WireWriter();
  body.compactArray([topic], (name) => body.uuid('0'.repeat(32)).compactString(name).tags());
  body.int8(0).int8(0).tags();
  return { type: METADATA, body: body.bytes, decode: decodeMetadata };
}

function decodeMetadata(answer: Buffer): ClusterMetadata {
  const read = new WireReader(answer);
  read.int32();
  const brokers = new Map<number, string>();
  read.compactArray(() => {
    const id = read.int32();
    const host = read.compactString() ?? '';
    brokers.set(id, `${host}:${read.int32()}`);
    read.compactString();
    read.tags();
  });
  const clusterId = read.compactString() ?? '';
  read.int32();
  const [topic] = read.compactArray(() => {
    const error = read.int16();
    read.compactString();
    const id = read.uuid();
    read.bool();
    const partitions = read.compactArray(() => readPartition(read));
    read.int32();
    read.tags();
    return { error, id, partitions };
  });
  return { clusterId, brokers, topic: topic ?? { error: -1, id: '', partitions: [] } };
}

function readPartition(read: WireReader): PartitionMetadata {
  const error = read.int16();
  const partition = read.int32();
  const leader = read.int32();
  const leaderEpoch = read.int32();
  for (let lists = 0; lists < 3; lists++) read.compactArray(() => read.int32());
  read.tags();
  return { error, partition, leader, leaderEpoch };
}

/** Stands for the end of the log in a timestamp query. */
export const LATEST = -1;
/** Stands for the start of the log in a timestamp query. */
export const EARLIEST = -2;

/** One partition's answer to a timestamp; `offset` -1 when no record is as late. */
export interface ListedOffset {
  readonly partition: number;
  readonly error: number;
  readonly offset: number;
}

/** First offset with a timestamp >= `timestampMs`, or {@link EARLIEST}, {@link LATEST}. `isCommitted`: latest is the last stable offset. */
export function listOffsetsRequest(
  topic: string,
  partitions: readonly number[],
  timestampMs: number,
  isCommitted: boolean,
): Request<readonly ListedOffset[]> {
  const body = new WireWriter();
  body.int32(-1).int8(isCommitted ? 1 : 0);
  body.array([topic], () => {
    body
      .string(topic)
      .array(partitions, (partition) => body.int32(partition).int32(-1).int64(timestampMs));
  });
  return {
    type: LIST_OFFSETS,
    body: body.bytes,
    decode(answer) {
      const read = new WireReader(answer);
      read.int32();
      return read
        .array(() => {
          read.string();
          return read.array(() => {
            const partition = read.int32();
            const error = read.int16();
            read.int64();
            const offset = read.int64();
            read.int32();
            return { partition, error, offset };
          });
        })
        .flat();
    },
  };
}

/** Where an epoch ended in the leader's log; -1 where unknown. */
export interface EpochEnd {
  readonly error: number;
  readonly leaderEpoch: number;
  readonly endOffset: number;
}

/** Asks where `epoch` of a partition ended, to find out whether what we read is still there. */
export function epochEndRequest(
  topic: string,
  partition: number,
  epoch: number,
): Request<EpochEnd> {
  const body = new WireWriter();
  body.int32(-1).array([topic], () => {
    body.string(topic).array([partition], () => body.int32(partition).int32(-1).int32(epoch));
  });
  return {
    type: OFFSET_FOR_LEADER_EPOCH,
    body: body.bytes,
    decode(answer) {
      const read = new WireReader(answer);
      read.int32();
      const [end] = read
        .array(() => {
          read.string();
          return read.array(() => {
            const error = read.int16();
            read.int32();
            return { error, leaderEpoch: read.int32(), endOffset: read.int64() };
          });
        })
        .flat();
      return end ?? { error: -1, leaderEpoch: -1, endOffset: -1 };
    },
  };
}

/** The broker that keeps a consumer group's offsets. */
export function coordinatorRequest(
  group: string,
): Request<{ readonly error: number; readonly address: string }> {
  return {
    type: FIND_COORDINATOR,
    body: new WireWriter().string(group).int8(0).bytes,
    decode(answer) {
      const read = new WireReader(answer);
      read.int32();
      const error = read.int16();
      read.string();
      read.int32();
      const host = read.string() ?? '';
      return { error, address: `${host}:${read.int32()}` };
    },
  };
}

/** Commits offsets for a group that has no members. */
export function offsetCommitRequest(
  group: string,
  topic: string,
  offsets: ReadonlyMap<number, number>,
): Request<readonly { partition: number; error: number }[]> {
  const body = new WireWriter();
  body.string(group).int32(-1).string('').string(null);
  body.array([topic], () => {
    body
      .string(topic)
      .array([...offsets], ([partition, offset]) =>
        body.int32(partition).int64(offset).int32(-1).string(null),
      );
  });
  return {
    type: OFFSET_COMMIT,
    body: body.bytes,
    decode(answer) {
      const read = new WireReader(answer);
      read.int32();
      return read
        .array(() => {
          read.string();
          return read.array(() => ({ partition: read.int32(), error: read.int16() }));
        })
        .flat();
    },
  };
}

/** Reads a group's committed offsets of a topic; partitions without one are -1. */
export function offsetFetchRequest(
  group: string,
  topic: string,
  partitions: readonly number[],
): Request<{ readonly error: number; readonly offsets: ReadonlyMap<number, number> }> {
  const body = new WireWriter();
  body
    .string(group)
    .array([topic], () =>
      body.string(topic).array(partitions, (partition) => body.int32(partition)),
    );
  return {
    type: OFFSET_FETCH,
    body: body.bytes,
    decode(answer) {
      const read = new WireReader(answer);
      const offsets = new Map<number, number>();
      read.int32();
      read.array(() => {
        read.string();
        read.array(() => {
          const partition = read.int32();
          offsets.set(partition, read.int64());
          read.int32();
          read.string();
          read.int16();
        });
      });
      return { error: read.int16(), offsets };
    },
  };
}
