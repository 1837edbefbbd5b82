// Whether partitions join or leave a group while it reads: a live copy of the ingestion's partition keys. Asked about
// once a second by the fill of a sequence. Source: protocol.md 4.2.

import { CODECS } from '../../../core/metadata/codecs.ts';
import {
  type IngestionKeys,
  ingestionKeys,
  type IngestionRef,
  parseKey,
} from '../../../core/metadata/keys.ts';
import type { Change, MetadataStore, Mirror } from '../../../core/metadata/port.ts';
import type { PartitionState, SequenceState } from '../../../core/metadata/values.ts';

/** The live copy. */
export class PartitionWatch {
  readonly keys: IngestionKeys;
  readonly #group: string;
  readonly #mirror: Mirror;
  readonly #partitions: Map<number, PartitionState> = new Map();

  constructor(store: MetadataStore, ref: IngestionRef, group: string) {
    this.keys = ingestionKeys(ref);
    this.#group = group;
    this.#mirror = store.mirror(this.keys.partitions, (changes) =>
      changes.forEach((change) => this.#apply(change)),
    );
  }

  /** True when a partition of the sequence is to leave or was reset, or one of the group is not in the sequence. */
  hasChanged(sequence: SequenceState): boolean {
    for (const [partition, { group, epoch, next }] of this.#partitions) {
      const start = sequence.start[String(partition)];
      const isRead = start !== undefined;
      // A reset or a forced move: what is read now can never be published.
      if (isRead && group === this.#group && epoch > start.epoch) return true;
      const isLeaving =
        isRead && group === this.#group && next !== undefined && next.from === undefined;
      const isJoining =
        !isRead &&
        ((group === this.#group && next?.from === undefined) ||
          (next?.group === this.#group && next.from !== undefined));
      if (isLeaving || isJoining) return true;
    }
    return false;
  }

  close(): void {
    this.#mirror.close();
  }

  #apply(change: Change): void {
    const entry = change.type === 'put' ? change.entry : change.previous;
    const key = parseKey(entry.key);
    if (key.type !== 'partition') return;
    if (change.type === 'delete') this.#partitions.delete(key.partition);
    else this.#partitions.set(key.partition, CODECS.partition.decode(entry.value, entry.key));
  }
}
