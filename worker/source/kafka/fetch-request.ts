// The Fetch request, version 13: topics go by id, so a topic that was deleted and created anew under the same
// name can never be read by mistake. One request carries all partitions of a broker; no fetch sessions.
// Source: https://kafka.apache.org/protocol#The_Messages_Fetch

import type { RequestType } from '../../../core/kafka/broker-connection.ts';
import type { Request } from '../../../core/kafka/requests.ts';
import { WireReader, WireWriter } from '../../../core/kafka/wire.ts';

const FETCH: RequestType = { name: 'Fetch', apiKey: 1, version: 13, isFlexible: true };

/** One partition to read. */
export interface FetchPartition {
  readonly partition: number;
  readonly offset: number;
  /** Epoch of the leader as we know it; a broker that knows better refuses. */
  readonly leaderEpoch: number;
}

/** Bounds of one fetch. */
export interface FetchBounds {
  readonly waitMaxMs: number;
  readonly bytesMax: number;
  readonly partitionBytesMax: number;
}

/** What a partition answered. */
export interface FetchedPartition {
  readonly partition: number;
  readonly error: number;
  readonly highWatermark: number;
  readonly aborted: readonly { readonly producerId: bigint; readonly firstOffset: number }[];
  /** Batches, a view into the answer; the last may be partial. */
  readonly records: Buffer;
}

/** What a broker answered. */
export interface FetchAnswer {
  readonly error: number;
  readonly partitions: readonly FetchedPartition[];
}

/** Reads committed records of partitions of one topic. */
export function fetchRequest(
  topicId: string,
  partitions: readonly FetchPartition[],
  bounds: FetchBounds,
): Request<FetchAnswer> {
  const body = new WireWriter();
  // replica -1 = a consumer; at least one byte; isolation 1 = read committed; session 0, epoch -1 = none.
  body.int32(-1).int32(bounds.waitMaxMs).int32(1).int32(bounds.bytesMax).int8(1).int32(0).int32(-1);
  body.compactArray([topicId], () => {
    body.uuid(topicId).compactArray(partitions, ({ partition, offset, leaderEpoch }) => {
      // last fetched epoch -1 and log start -1: only followers use them.
      body
        .int32(partition)
        .int32(leaderEpoch)
        .int64(offset)
        .int32(-1)
        .int64(-1)
        .int32(bounds.partitionBytesMax)
        .tags();
    });
    body.tags();
  });
  body
    .compactArray([], () => undefined)
    .compactString('')
    .tags();
  return { type: FETCH, body: body.bytes, decode };
}

function decode(answer: Buffer): FetchAnswer {
  const read = new WireReader(answer);
  read.int32();
  const error = read.int16();
  read.int32();
  const partitions = read
    .compactArray(() => {
      read.uuid();
      const list = read.compactArray(() => readPartition(read));
      read.tags();
      return list;
    })
    .flat();
  return { error, partitions };
}

function readPartition(read: WireReader): FetchedPartition {
  const partition = read.int32();
  const error = read.int16();
  const highWatermark = read.int64();
  read.int64();
  read.int64();
  const aborted = read.compactArray(() => {
    const entry = { producerId: read.bigint64(), firstOffset: read.int64() };
    read.tags();
    return entry;
  });
  read.int32();
  const records = read.compactBytes();
  read.tags();
  return { partition, error, highWatermark, aborted, records };
}
