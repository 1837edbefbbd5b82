// Which batches of a set belong to aborted transactions: those of a producer between the first offset of its
// aborted transaction and the abort marker (read committed, as Kafka's own consumer decides it).

import type { RecordSet } from '../port.ts';

const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;
const HEADER_BYTES = 61;
const ABORT_MARKER = 0;

/** Looks at the batches of one set in order. */
export class AbortedFilter {
  readonly #waiting: RecordSet['aborted'];
  readonly #aborting = new Set<bigint>();
  #next = 0;

  constructor(aborted: RecordSet['aborted']) {
    this.#waiting =
      aborted.length > 1 ? aborted.toSorted((a, b) => a.firstOffset - b.firstOffset) : aborted;
  }

  /** False for control batches and for data of aborted transactions. To be called for each batch, in order. */
  isWanted(view: DataView, at: number): boolean {
    const attributes = view.getInt16(at + 21);
    if ((attributes & (TRANSACTIONAL | CONTROL)) === 0) return true;
    const last = view.getInt32(at) * 0x100000000 + view.getUint32(at + 4) + view.getInt32(at + 23);
    for (
      let entry = this.#waiting[this.#next];
      entry !== undefined && entry.firstOffset <= last;
      entry = this.#waiting[++this.#next]
    ) {
      this.#aborting.add(entry.producerId);
    }
    const producerId = view.getBigInt64(at + 43);
    if ((attributes & CONTROL) !== 0) {
      if (isAbortMarker(view, at)) this.#aborting.delete(producerId);
      return false;
    }
    return !this.#aborting.has(producerId);
  }
}

// A control record: length, attributes, two deltas and the key length are one byte each; the key is version i16
// and type i16 (0 abort, 1 commit).
function isAbortMarker(view: DataView, at: number): boolean {
  const key = at + HEADER_BYTES + 5;
  return key + 4 <= view.byteLength && view.getInt16(key + 2) === ABORT_MARKER;
}
