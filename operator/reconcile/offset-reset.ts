// A reset that a user asked for: every partition continues where `spec.source.kafka.start` says. Each partition remembers
// the request in its list of skipped ranges, in the transaction that moves it, so that a request fires once whatever
// crashes. Source: protocol.md 3 "Reset"; operator.md 2.7, B11.

import { CODECS } from '../../core/metadata/codecs.ts';
import { type IngestionRef, ingestionKeys } from '../../core/metadata/keys.ts';
import type { MetadataStore } from '../../core/metadata/port.ts';
import type { PartitionState } from '../../core/metadata/values.ts';
import type { CompiledIngestion } from '../../core/spec/compiled.ts';
import type { StreamInspector } from './cluster.ts';

/** Carries out request `token`; a partition that did already is left alone. Resolves with the partitions moved. */
export async function resetOffsets(
  store: MetadataStore,
  target: {
    readonly ref: IngestionRef;
    readonly ingestion: CompiledIngestion;
    readonly stream: StreamInspector;
    readonly token: string;
    readonly nowMs: number;
  },
  signal: AbortSignal,
): Promise<number> {
  const { ref, ingestion, stream, token, nowMs } = target;
  const { entries } = await store.list(ingestionKeys(ref).partitions);
  const reason = `ResetRequested: ${token}`;
  const waiting = entries
    .map((entry) => ({
      entry,
      partition: Number(entry.key.slice(entry.key.lastIndexOf('/') + 1)),
      state: CODECS.partition.decode(entry.value, entry.key),
    }))
    .filter(({ state }) => state.skipped.every((range) => range.reason !== reason));
  if (waiting.length === 0 || ingestion.source.type !== 'kafka') return 0;
  const partitions = waiting.map(({ partition }) => partition);
  const offsets = await stream.resolve(partitions, ingestion.source.start, signal);
  let moved = 0;
  for (const { entry, partition, state } of waiting) {
    const to = offsets.get(partition) ?? 0;
    const value = CODECS.partition.encode(afterReset(state, to, reason, nowMs));
    // One that a publication moved meanwhile is reset by the next pass.
    const { committed } = await store.transact({
      compare: [{ key: entry.key, modRevision: entry.modRevision }],
      writes: [{ put: entry.key, value }],
    });
    if (committed) moved++;
  }
  return moved;
}

/** The new epoch fences what was read so far: its group reads again, from the new offset. */
function afterReset(
  { next, ...state }: PartitionState,
  to: number,
  reason: string,
  atMs: number,
): PartitionState {
  const epoch = Math.max(state.epoch, next?.epoch ?? 0) + 1;
  return {
    ...state,
    offset: to,
    epoch,
    leaderEpoch: -1,
    watermarkMs: null,
    skipped: [...state.skipped, { from: state.offset, to, reason, atMs }],
    ...(next === undefined ? {} : { next: { group: next.group, epoch: epoch + 1 } }),
  };
}
