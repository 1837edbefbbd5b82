// What an ingest worker is given by its composition root.

import type { MetadataStore } from '../../../core/metadata/port.ts';
import type { IngestionRef } from '../../../core/metadata/keys.ts';
import type { ByPartition, Position } from '../../../core/metadata/values.ts';
import type { DeepStorage } from '../../../core/deepstorage/port.ts';
import type { Clock } from '../../../core/runtime/clock.ts';
import type { Logger } from '../../../core/runtime/log.ts';
import type { Metrics } from '../../../core/runtime/metrics.ts';
import type { CompiledIngestion } from '../../../core/spec/compiled.ts';
import type { Source } from '../../source/port.ts';

/** What an ingest worker is given. */
export interface IngestOptions {
  readonly ref: IngestionRef;
  readonly group: string;
  readonly replica: number;
  readonly ingestion: CompiledIngestion;
  /** Part of partition keys: the topic, or `file`. */
  readonly topic: string;
  readonly host: string;
  readonly port: number;
  /** `host:port` that brokers reach; default host and the port listened on. */
  readonly address?: string;
  /** Folder for hydrants; survives restarts. */
  readonly dataDir: string;
  readonly cacheBytes: number;
  readonly version: string;
  readonly source: Source;
  readonly store: MetadataStore;
  readonly storage: DeepStorage;
  /** Mirrors offsets to a consumer group; failures are logged here. Undefined: nothing to mirror to. */
  readonly mirrorOffsets?: (end: ByPartition<Position>) => Promise<void>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
}
