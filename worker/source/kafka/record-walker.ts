// Walks Kafka record batches (format v2): checks the CRC, decompresses, leaves out control batches, aborted
// transactions and records before the wanted offset, and notes where each value lies.
// Source: https://kafka.apache.org/documentation/#recordbatch

import { Failure, isFailure, messageOf } from '../../../core/runtime/failure.ts';
import type { RecordSet, RecordSlices } from '../port.ts';
import { growSlices, type RecordWalker } from '../walker.ts';
import { AbortedFilter } from './aborted-filter.ts';
import { Arena } from './arena.ts';
import { createCrc32c } from './crc32c.ts';
import { decompress } from './decompress.ts';
import { readRecords } from './records.ts';

// Layout of a batch, offsets from its start. `batchLength` counts from partitionLeaderEpoch on.
//   0 baseOffset i64 | 8 batchLength i32 | 12 partitionLeaderEpoch i32 | 16 magic i8 | 17 crc u32 |
//   21 attributes i16 | 23 lastOffsetDelta i32 | 27 baseTimestamp i64 | 35 maxTimestamp i64 |
//   43 producerId i64 | 51 producerEpoch i16 | 53 baseSequence i32 | 57 recordCount i32 | 61 records
const HEADER_BYTES = 61;
const LENGTH_COUNTS_FROM = 12;
const CRC_COVERS_FROM = 21;

const CODEC_MASK = 0x07;
const LOG_APPEND_TIME = 0x08;

// A record has at least seven one-byte fields.
const RECORD_BYTES_MIN = 7;

/** What a walker is told. */
export interface KafkaWalkerOptions {
  /** Default true; off saves about as much as reading from the socket costs. */
  readonly checkCrc?: boolean;
  /** Most bytes one set may have after decompression; default 256 MiB. */
  readonly setBytesMax?: number;
}

/** A walker of `kafka-v2` sets. */
export function createKafkaWalker(options: KafkaWalkerOptions = {}): RecordWalker {
  const crc = options.checkCrc === false ? undefined : createCrc32c();
  const setBytesMax = options.setBytesMax ?? 256 * 1024 * 1024;
  let arena = new Arena(setBytesMax);

  return {
    walk(set, out) {
      out.count = 0;
      const { bytes } = set;
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const isPlain = !hasCompressed(view);
      // A set that was once very large must not hold its memory for ever.
      if (arena.bytes.length > 16 * 1024 * 1024 && bytes.length < arena.bytes.length >> 4)
        arena = new Arena(setBytesMax);
      arena.length = 0;
      const filter = new AbortedFilter(set.aborted);
      for (let at = 0; at + HEADER_BYTES <= bytes.length;) {
        const end = at + LENGTH_COUNTS_FROM + view.getInt32(at + 8);
        // Kafka cuts an answer where its size limit is: the last batch may be partial and comes again.
        if (end > bytes.length && view.getInt8(at + 16) === 2 && at > 0) break;
        try {
          checkBatch(view, at, end);
          if (
            crc !== undefined &&
            crc(bytes, at + CRC_COVERS_FROM, end) !== view.getUint32(at + 17)
          ) {
            throw new Failure(
              'corrupt',
              'RecordBatchCorrupt',
              'the CRC-32C differs from the one stored',
            );
          }
          if (filter.isWanted(view, at) && lastOffset(view, at) >= set.fromOffset) {
            readBatch(view, { at, end }, { set, out, arena: isPlain ? undefined : arena });
          }
        } catch (error) {
          out.count = 0;
          throw located(error, set, view, at);
        }
        at = end;
      }
      out.bytes = isPlain ? bytes : arena.bytes;
    },
  };
}

function checkBatch(view: DataView, at: number, end: number): void {
  const magic = view.getInt8(at + 16);
  if (magic !== 2) {
    const text = `record format v${magic} is not supported; let the topic be rewritten by Kafka 0.11 or later (log.message.format.version)`;
    throw new Failure('corrupt', 'MessageFormatUnsupported', text);
  }
  if (end < at + HEADER_BYTES)
    throw new Failure('corrupt', 'RecordBatchCorrupt', 'the batch is shorter than its header');
}

function located(error: unknown, set: RecordSet, view: DataView, at: number): Failure {
  const place = `partition ${set.partition}, batch at offset ${baseOffset(view, at)}`;
  if (isFailure(error))
    return new Failure(error.kind, error.code, `${place}: ${error.message}`, error);
  return new Failure('corrupt', 'RecordBatchCorrupt', `${place}: ${messageOf(error)}`, error);
}

/** First offset of the batch at `at`; exact below 2^53. */
function baseOffset(view: DataView, at: number): number {
  return int64(view, at);
}

function lastOffset(view: DataView, at: number): number {
  return int64(view, at) + view.getInt32(at + 23);
}

function int64(view: DataView, at: number): number {
  return view.getInt32(at) * 0x100000000 + view.getUint32(at + 4);
}

function hasCompressed(view: DataView): boolean {
  for (let at = 0; at + HEADER_BYTES <= view.byteLength;) {
    if ((view.getInt16(at + 21) & CODEC_MASK) !== 0) return true;
    const length = view.getInt32(at + 8);
    if (length < 0) return false;
    at += LENGTH_COUNTS_FROM + length;
  }
  return false;
}

interface Target {
  readonly set: RecordSet;
  readonly out: RecordSlices;
  /** Undefined when the slices lie in the set itself. */
  readonly arena: Arena | undefined;
}

function readBatch(
  view: DataView,
  batch: { readonly at: number; readonly end: number },
  target: Target,
): void {
  const { set, out, arena } = target;
  const { at } = batch;
  const attributes = view.getInt16(at + 21);
  let bytes: Uint8Array = set.bytes;
  let from = at + HEADER_BYTES;
  let to = batch.end;
  if (arena !== undefined) {
    const start = arena.length;
    decompress(attributes & CODEC_MASK, set.bytes, from, to, arena);
    bytes = arena.bytes;
    from = start;
    to = arena.length;
  }
  const count = view.getInt32(at + 57);
  if (count < 0 || count * RECORD_BYTES_MIN > to - from) {
    throw new Failure(
      'corrupt',
      'RecordBatchCorrupt',
      `${count} records cannot fit ${to - from} bytes`,
    );
  }
  growSlices(out, out.count + count);
  const isAppendTime = (attributes & LOG_APPEND_TIME) !== 0;
  const end = readRecords(bytes, from, to, count, {
    out,
    fromOffset: set.fromOffset,
    baseOffset: baseOffset(view, at),
    baseTimestampMs: int64(view, isAppendTime ? at + 35 : at + 27),
    useDelta: !isAppendTime,
  });
  if (end < 0)
    throw new Failure('corrupt', 'RecordBatchCorrupt', 'a record does not fit its length');
}
