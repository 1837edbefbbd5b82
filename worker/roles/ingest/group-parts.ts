// What the parts of one group share: built once by the ingest role, used by runner and fill.

import type { IngestionRef } from '../../../core/metadata/keys.ts';
import type { ByPartition, Position, SequenceState } from '../../../core/metadata/values.ts';
import type { Clock } from '../../../core/runtime/clock.ts';
import type { Logger } from '../../../core/runtime/log.ts';
import type { CompiledIngestion, CompiledSchema } from '../../../core/spec/compiled.ts';
import type { Allocator } from '../../publish/allocator.ts';
import type { OffsetReset } from '../../publish/offset-reset.ts';
import type { Ownership } from '../../publish/ownership.ts';
import type { SequenceProtocol } from '../../publish/sequence-protocol.ts';
import type { Source } from '../../source/port.ts';
import type { Announcer } from '../announcer.ts';
import type { Thread } from '../threads/thread.ts';
import type { HandOff } from './hand-off.ts';
import type { IndexEvent, IndexRequest } from './index-messages.ts';
import type { IngestMetrics } from './ingest-metrics.ts';
import type { IngestStatus } from './ingest-status.ts';
import type { Persister } from './persister.ts';
import type { PieceRegistry } from './piece-registry.ts';
import type { Publisher } from './publisher.ts';

/** The parts. */
export interface GroupParts {
  readonly ref: IngestionRef;
  readonly group: string;
  readonly dataSource: string;
  readonly ingestion: CompiledIngestion;
  readonly schema: CompiledSchema;
  /** Folder of sequences. */
  readonly root: string;
  readonly source: Source;
  readonly owner: Ownership;
  readonly announcer: Announcer;
  readonly protocol: SequenceProtocol;
  readonly allocator: Allocator;
  readonly index: Thread<IndexRequest, IndexEvent>;
  readonly pieces: PieceRegistry;
  readonly persister: Persister;
  readonly publisher: Publisher;
  readonly handOff: HandOff;
  readonly status: IngestStatus;
  readonly metrics: IngestMetrics;
  readonly clock: Clock;
  readonly log: Logger;
  /** Mirrors published offsets to the consumer group; never throws. */
  readonly mirrorOffsets: (end: ByPartition<Position>) => Promise<void>;
  /** Jumps over a range that is gone; between sequences only. */
  readonly reset: (reset: OffsetReset) => Promise<void>;
  /** True when partitions join or leave the group of an open sequence. */
  readonly partitionsChanged: (sequence: SequenceState) => boolean;
  /** Forgets what the index thread holds. */
  readonly resetIndex: () => void;
}
