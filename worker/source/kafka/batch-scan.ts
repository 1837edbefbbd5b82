// A look at the headers of fetched batches, on the main thread: how far they reach and where the last whole one
// ends. The records themselves are walked elsewhere.

/** What a run of batches covers. */
export interface BatchScan {
  /** Bytes of whole batches. */
  readonly bytes: number;
  /** Offset after the last whole batch; the given one when there is none. */
  readonly nextOffset: number;
  /** Leader epoch of the last whole batch, -1 when there is none. */
  readonly leaderEpoch: number;
}

// From the start of a batch: 0 baseOffset i64 | 8 batchLength i32 | 12 leader epoch i32 | 16 magic i8 | 23 lastOffsetDelta i32
const BEFORE_LENGTH = 12;
const HEADER_BYTES = 61;

/** Scans `records`. Lengths that cannot be end the scan; the walker then says what is wrong. */
export function scanBatches(records: Buffer, fromOffset: number): BatchScan {
  let at = 0;
  let nextOffset = fromOffset;
  let leaderEpoch = -1;
  while (at + HEADER_BYTES <= records.length) {
    const length = records.readInt32BE(at + 8);
    const end = at + BEFORE_LENGTH + length;
    if (
      length < HEADER_BYTES - BEFORE_LENGTH ||
      end > records.length ||
      records.readInt8(at + 16) !== 2
    )
      break;
    const base = records.readInt32BE(at) * 0x100000000 + records.readUInt32BE(at + 4);
    nextOffset = Math.max(nextOffset, base + records.readInt32BE(at + 23) + 1);
    leaderEpoch = records.readInt32BE(at + 12);
    at = end;
  }
  return { bytes: at, nextOffset, leaderEpoch };
}
