// What the steps of a pass share. Built once by kubernetes-operator.ts.

import type { DeepStorage } from '../../../core/deepstorage/port.ts';
import type { MetadataStore } from '../../../core/metadata/port.ts';
import type { Clock } from '../../../core/runtime/clock.ts';
import type { Logger } from '../../../core/runtime/log.ts';
import type { EventRecorder } from '../../kube/event-recorder.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Writer } from '../../kube/writer.ts';
import type { DeadGroups } from '../dead-groups.ts';
import type { Caches } from './caches.ts';
import type { RollPermits } from './roll-permits.ts';
import type { Compile } from './spec-reading.ts';
import type { AskWorker } from './worker-reports.ts';
import type { SecretReader, StreamPool } from './stream-pool.ts';

/** Settings of the operator. */
export interface OperatorSettings {
  /** The operator's own namespace. */
  readonly namespace: string;
  /** Image of worker pods. */
  readonly image: string;
  /** Secret in the operator's namespace that is copied beside each ingestion. */
  readonly connectionsSecretName: string | undefined;
  /** How often an ingestion without news is looked at, ms; spread by a fifth to either side. */
  readonly resyncMs: number;
  /** The period is at least this for each ingestion there is, ms. */
  readonly resyncPerIngestionMs: number;
  /** Ingestions that may replace healthy workers at once; Infinity = no limit. */
  readonly rollsAtOnceMax: number;
  /** How long workers of a deleted resource may drain, ms. */
  readonly drainMs: number;
}

/** Segments of a data source by phase; undefined while the coordinator does not know. */
export type SegmentCounts = (
  dataSource: string,
) => { readonly published: number; readonly available: number } | undefined;

/** The parts. */
export interface ControllerParts {
  readonly settings: OperatorSettings;
  readonly client: KubeClient;
  readonly caches: Caches;
  readonly deaths: DeadGroups;
  readonly permits: RollPermits;
  readonly writer: Writer;
  readonly events: EventRecorder;
  readonly secrets: SecretReader;
  readonly streams: StreamPool;
  readonly store: MetadataStore;
  readonly storage: DeepStorage;
  readonly compile: Compile;
  readonly askWorker: AskWorker;
  readonly segments: SegmentCounts;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
}
