// The process's metrics over prom-client: typed by the definitions table, so that a wrong name or a missing
// label does not compile. Read by GET /metrics.

import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { METRICS, type MetricDefinition } from './metric-definitions.ts';

/** Label values of one series. */
type Labels<L extends readonly string[]> = Readonly<Record<L[number], string>>;

/** What code does with a metric; by its type. Amounts of time are seconds. */
export type MetricHandle<D extends MetricDefinition> = D['type'] extends 'counter'
  ? {
      inc(labels: Labels<D['labels']>, amount?: number): void;
      remove(labels: Labels<D['labels']>): void;
    }
  : D['type'] extends 'gauge'
    ? {
        set(labels: Labels<D['labels']>, value: number): void;
        remove(labels: Labels<D['labels']>): void;
      }
    : {
        observe(labels: Labels<D['labels']>, value: number): void;
        remove(labels: Labels<D['labels']>): void;
      };

/** All metrics of a process. */
export type Metrics = {
  readonly [K in keyof typeof METRICS]: MetricHandle<(typeof METRICS)[K]>;
} & {
  /** The Prometheus text exposition and its content type. */
  expose(): Promise<{ readonly contentType: string; readonly text: string }>;
};

// From a cached answer to the longest merge: 1 ms to 5 minutes.
const BUCKETS_SECONDS = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60, 300];

// Gauges that prom-client names like counters, which promtool refuses; the same numbers by type stay.
const MISNAMED = ['handles', 'requests', 'resources'].map((what) => `nodejs_active_${what}_total`);

/** A fresh registry with every metric; `withProcess` adds memory, CPU, event loop and GC of Node itself. */
export function createMetrics(options: { withProcess?: boolean } = {}): Metrics {
  const registry = new Registry();
  if (options.withProcess === true) {
    collectDefaultMetrics({ register: registry });
    for (const name of MISNAMED) registry.removeSingleMetric(name);
  }
  const handles = Object.entries<MetricDefinition>(METRICS).map(([key, definition]) => [
    key,
    handle(definition, registry),
  ]);
  const expose = async (): Promise<{ contentType: string; text: string }> => ({
    contentType: registry.contentType,
    text: await registry.metrics(),
  });
  // Built from the same table that types it, key by key.
  return Object.freeze({ ...Object.fromEntries(handles), expose }) as Metrics;
}

type AnyHandle = Record<
  'inc' | 'set' | 'observe' | 'remove',
  (labels: Record<string, string>, value?: number) => void
>;

function handle(definition: MetricDefinition, registry: Registry): Partial<AnyHandle> {
  const { name, help } = definition;
  const settings = { name, help, labelNames: [...definition.labels], registers: [registry] };
  if (definition.type === 'counter') {
    const counter = new Counter(settings);
    return {
      inc: (labels, amount = 1) => counter.inc(labels, amount),
      remove: (labels) => counter.remove(labels),
    };
  }
  if (definition.type === 'gauge') {
    const gauge = new Gauge(settings);
    return {
      set: (labels, value = 0) => gauge.set(labels, value),
      remove: (labels) => gauge.remove(labels),
    };
  }
  const histogram = new Histogram({ ...settings, buckets: BUCKETS_SECONDS });
  return {
    observe: (labels, value = 0) => histogram.observe(labels, value),
    remove: (labels) => histogram.remove(labels),
  };
}
