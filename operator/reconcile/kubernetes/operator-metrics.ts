// What the operator says of itself in numbers: lease, queue, caches, requests, and the conditions of every resource.
// Read when Prometheus asks, so that nothing is counted twice and series end with their resource.

import type { Metrics } from '../../../core/runtime/metrics.ts';
import type { LeaseElection } from '../../kube/lease-election.ts';
import { field, type KubeObject, listAt, textAt } from '../../kube/object.ts';
import type { QueueObserver, WorkQueue } from '../../kube/work-queue.ts';
import type { Caches } from './caches.ts';

/** The one controller. */
const CONTROLLER = { controller: 'ingestion' } as const;
const STATUSES = ['True', 'False', 'Unknown'] as const;
const STATES = ['desired', 'ready', 'draining'] as const;
/** No word of the API server for this long, where a bookmark a minute is promised: only a new process helps. */
const SILENCE_MAX_MS = 300_000;
/** A pass is a handful of requests with time limits; one of this age hangs. */
const PASS_MAX_MS = 600_000;

/** Tells the metrics what the queue does. */
export function queueObserver(metrics: Metrics): QueueObserver {
  return {
    added: (priority) => metrics.queueAdds.inc({ ...CONTROLLER, priority }),
    retried: () => metrics.queueRetries.inc(CONTROLLER),
    waited: (ms) => metrics.queueSeconds.observe(CONTROLLER, ms / 1000),
  };
}

/** What is looked at. */
export interface MeasuredParts {
  readonly metrics: Metrics;
  readonly queue: WorkQueue;
  readonly caches: Caches;
  readonly election: LeaseElection;
  readonly leaseName: string;
}

/** The metrics, brought up to date whenever they are exposed. */
export function measured(parts: MeasuredParts): Metrics {
  const { metrics } = parts;
  let known: ReadonlyMap<string, KubeObject> = new Map();
  return {
    ...metrics,
    expose: () => {
      own(parts);
      known = resources(parts, known);
      return metrics.expose();
    },
  };
}

/** Why the process should be started anew. */
export function unhealthyReasons(
  { queue, caches }: Pick<MeasuredParts, 'queue' | 'caches'>,
  silenceMaxMs: number = SILENCE_MAX_MS,
): readonly string[] {
  const silent = [...caches.figures()].filter(([, { silentMs }]) => silentMs > silenceMaxMs);
  return [
    ...silent.map(([kind]) => `the watch of ${kind} has been silent for too long`),
    ...(queue.longestMs > PASS_MAX_MS ? ['a pass hangs'] : []),
  ];
}

function own({ metrics, queue, caches, election, leaseName }: MeasuredParts): void {
  metrics.queueDepth.set(CONTROLLER, queue.depth);
  metrics.queueLongest.set(CONTROLLER, queue.longestMs / 1000);
  metrics.leaderStatus.set({ name: leaseName }, election.isLeader() ? 1 : 0);
  for (const [kind, { lists, silentMs }] of caches.figures()) {
    metrics.watchLists.set({ kind }, lists);
    metrics.watchSilence.set({ kind }, silentMs / 1000);
  }
}

function resources(
  { metrics, caches, election }: MeasuredParts,
  known: ReadonlyMap<string, KubeObject>,
): ReadonlyMap<string, KubeObject> {
  // Both replicas follow; only the one that leads speaks, so that sums are not doubled.
  const keys = election.isLeader() ? caches.ingestions.keys() : [];
  const now = new Map(keys.flatMap((key) => entry(key, caches.ingestions.get(key))));
  for (const [key, object] of known) if (!now.has(key)) forget(metrics, object);
  for (const object of now.values()) {
    const names = namesOf(object);
    for (const condition of listAt(object, 'status', 'conditions'))
      for (const status of STATUSES)
        metrics.ingestionCondition.set(
          { ...names, type: textAt(condition, 'type'), status },
          textAt(condition, 'status') === status ? 1 : 0,
        );
    for (const state of STATES)
      metrics.ingestionWorkers.set(
        { ...names, state },
        Number(field(object, 'status', 'workers', state) ?? 0),
      );
  }
  return now;
}

function entry(key: string, object: KubeObject | undefined): readonly [string, KubeObject][] {
  return object === undefined ? [] : [[key, object]];
}

function forget(metrics: Metrics, object: KubeObject): void {
  const names = namesOf(object);
  for (const condition of listAt(object, 'status', 'conditions'))
    for (const status of STATUSES)
      metrics.ingestionCondition.remove({ ...names, type: textAt(condition, 'type'), status });
  for (const state of STATES) metrics.ingestionWorkers.remove({ ...names, state });
}

function namesOf({ metadata }: KubeObject): { namespace: string; ingestion: string } {
  return { namespace: metadata.namespace ?? '', ingestion: metadata.name };
}
