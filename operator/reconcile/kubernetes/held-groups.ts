// Which groups own partitions right now: a group that is not wanted any more keeps its worker until it handed the last
// one over (B17). Read from the store, not from what was planned.

import { CODECS } from '../../../core/metadata/codecs.ts';
import { type IngestionRef, ingestionKeys } from '../../../core/metadata/keys.ts';
import type { MetadataStore } from '../../../core/metadata/port.ts';

/** Groups that own partitions, or will once a move under way ends: they may read them already. */
export async function heldGroups(
  store: MetadataStore,
  ref: IngestionRef,
): Promise<ReadonlySet<string>> {
  const { entries } = await store.list(ingestionKeys(ref).partitions);
  return new Set(
    entries.flatMap((entry) => {
      const { group, next } = CODECS.partition.decode(entry.value, entry.key);
      return next === undefined ? [group] : [group, next.group];
    }),
  );
}
