// What a historical is given by its composition root.

import type { MetadataStore } from '../../../core/metadata/port.ts';
import type { DeepStorage } from '../../../core/deepstorage/port.ts';
import type { Clock } from '../../../core/runtime/clock.ts';
import type { Logger } from '../../../core/runtime/log.ts';
import type { Metrics } from '../../../core/runtime/metrics.ts';

/** What a historical is given. */
export interface HistoricalOptions {
  /** Stable over restarts. */
  readonly id: string;
  readonly tier: string;
  readonly host: string;
  readonly port: number;
  /** `host:port` that brokers reach; default host and the port listened on. */
  readonly address?: string;
  readonly dataDir: string;
  /** Room for segments, bytes. */
  readonly bytesMax: number;
  readonly cacheBytes: number;
  readonly version: string;
  readonly store: MetadataStore;
  readonly storage: DeepStorage;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
}
