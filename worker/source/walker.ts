// Turning the bytes of a record set into value slices, on the index thread. One walker a format; a walker is a
// plain function over typed arrays that allocates nothing per record.

import type { RecordSet, RecordSlices } from './port.ts';

/** Reads record sets of one format. Not for concurrent use: it reuses its buffers. */
export interface RecordWalker {
  /**
   * Fills `out` with the records of the set, in order. `out.bytes` and the arrays are valid until the next walk
   * and may be replaced by larger ones.
   *
   * @throws Failure `corrupt` (checksum, lengths, codec data), naming partition and offset; `out.count` is 0 then
   */
  walk(set: RecordSet, out: RecordSlices): void;
}

const NO_BYTES = new Uint8Array(0);

/** Empty slices with room for `capacity` records. */
export function createRecordSlices(capacity = 4096): RecordSlices {
  return {
    bytes: NO_BYTES,
    count: 0,
    starts: new Int32Array(capacity),
    ends: new Int32Array(capacity),
    offsets: new Float64Array(capacity),
    timestampsMs: new Float64Array(capacity),
  };
}

/** Makes room for `count` records in all, keeping what is there. */
export function growSlices(slices: RecordSlices, count: number): void {
  if (count <= slices.starts.length) return;
  const capacity = Math.max(count, slices.starts.length * 2);
  slices.starts = grown(slices.starts, new Int32Array(capacity));
  slices.ends = grown(slices.ends, new Int32Array(capacity));
  slices.offsets = grown(slices.offsets, new Float64Array(capacity));
  slices.timestampsMs = grown(slices.timestampsMs, new Float64Array(capacity));
}

function grown<T extends Int32Array | Float64Array>(old: T, larger: T): T {
  larger.set(old);
  return larger;
}
