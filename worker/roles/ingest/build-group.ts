// The parts of a group put together: ownership, announcements, protocol, persist, publish, hand-off.
// Composition for the ingest role.

import { randomUUID } from 'node:crypto';
import type { IngestionRef } from '../../../core/metadata/keys.ts';
import type { Logger } from '../../../core/runtime/log.ts';
import { Allocator } from '../../publish/allocator.ts';
import { resetOffset } from '../../publish/offset-reset.ts';
import { Ownership } from '../../publish/ownership.ts';
import { SequenceProtocol } from '../../publish/sequence-protocol.ts';
import { Announcer } from '../announcer.ts';
import type { Thread } from '../threads/thread.ts';
import type { BuildRequest } from './build-messages.ts';
import type { GroupParts } from './group-parts.ts';
import { HandOff } from './hand-off.ts';
import type { IngestOptions } from './ingest-options.ts';
import type { IngestStatus } from './ingest-status.ts';
import { PartitionWatch } from './partition-watch.ts';
import { Persister } from './persister.ts';
import type { PieceRegistry } from './piece-registry.ts';
import { Publisher } from './publisher.ts';

/** What the role has made before the parts. */
export interface GroupSurroundings {
  readonly log: Logger;
  readonly root: string;
  readonly metrics: GroupParts['metrics'];
  readonly status: IngestStatus;
  readonly index: GroupParts['index'];
  readonly build: Thread<BuildRequest, never>;
  readonly pieces: PieceRegistry;
  readonly serverId: string;
  readonly address: string;
  readonly keys: {
    readonly ref: IngestionRef;
    readonly group: string;
    readonly topic: string;
    readonly dataSource: string;
  };
}

/** Builds the parts of the group. */
export function buildParts(
  options: IngestOptions,
  shared: GroupSurroundings,
): { parts: GroupParts; watch: PartitionWatch } {
  const { store, clock, ingestion, storage } = options;
  const { log, keys, index, build, pieces, metrics, status, root } = shared;
  const watch = new PartitionWatch(store, keys.ref, keys.group);
  const owner = new Ownership(
    { store, keys: watch.keys, clock, log },
    { group: keys.group, replica: options.replica, worker: randomUUID(), address: shared.address },
  );
  const announcer = new Announcer({
    store,
    clock,
    server: {
      id: shared.serverId,
      address: shared.address,
      role: 'ingest',
      tier: '',
      bytesMax: 0,
      startedMs: clock.nowMs(),
    },
    lease: () => owner.lease(),
    compare: () => [owner.compare()],
  });
  const protocol = new SequenceProtocol({ ...keys, store, owner, clock });
  const allocator = new Allocator({
    store,
    dataSource: protocol.dataSource,
    keys: protocol.keys,
    ref: keys.ref,
    clock,
  });
  const persister = new Persister({
    dataSource: keys.dataSource,
    index,
    build,
    pieces,
    clock,
    log,
    metrics,
  });
  const publisher = new Publisher({
    ref: keys.ref,
    dataSource: keys.dataSource,
    protocol,
    storage,
    build,
    clock,
    log,
    metrics,
  });
  const handOff = new HandOff(store, protocol.dataSource, {
    announcer,
    pieces,
    clock,
    log,
    metrics,
    status,
    server: shared.serverId,
  });
  const parts: GroupParts = {
    ...keys,
    ingestion,
    schema: ingestion.schema,
    root,
    source: options.source,
    owner,
    announcer,
    protocol,
    allocator,
    index,
    pieces,
    persister,
    publisher,
    handOff,
    status,
    metrics,
    clock,
    log,
    mirrorOffsets: async (end) => {
      await options
        .mirrorOffsets?.(end)
        .catch((error: unknown) =>
          log.warn(
            'published offsets could not be mirrored to the consumer group; lag tools show older ones',
            { error },
          ),
        );
    },
    reset: (reset) => resetOffset({ store, owner, protocol, clock, group: keys.group }, reset),
    partitionsChanged: (sequence) => watch.hasChanged(sequence),
    resetIndex: () => index.post({ type: 'reset' }),
  };
  return { parts, watch };
}
