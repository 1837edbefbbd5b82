// The metrics of one ingest worker with its labels filled in once. Fed by runner, persister, publisher, hand-off.
// Names: ingestion.md 15.

import type { Metrics } from '../../../core/runtime/metrics.ts';
import type { OutcomeCounts, RecordsDone } from './index-messages.ts';

/** What the parts of an ingest worker report. Seconds where times are. */
export interface IngestMetrics {
  /** `nowMs` is the wall clock, for the gap to the newest event. */
  records(done: RecordsDone, bytes: number, nowMs: number): void;
  lag(partition: number, records: number): void;
  persisted(result: 'ok' | 'failed', seconds: number, rows: number): void;
  backPressure(seconds: number): void;
  merged(seconds: number): void;
  cut(seconds: number): void;
  published(result: string, segments: number, bytes: number, rows: number): void;
  handedOff(result: string, seconds: number): void;
  restored(result: 'restored' | 'dropped'): void;
  memory(sinks: number, hydrants: number, rows: number, bytes: number, ageSeconds: number): void;
  /** Totals by outcome since start, for status and progress. */
  totals(): OutcomeCounts;
}

/** Binds the labels. */
export function ingestMetrics(
  metrics: Metrics,
  labels: { namespace: string; ingestion: string; dataSource: string; group: string },
): IngestMetrics {
  const base = {
    namespace: labels.namespace,
    ingestion: labels.ingestion,
    data_source: labels.dataSource,
  };
  const grouped = { ...base, group: labels.group };
  const totals: Record<string, number> = {};
  let newestMs = -Infinity;
  return {
    records(done, bytes, nowMs) {
      newestMs = Math.max(newestMs, done.position.watermarkMs ?? -Infinity);
      if (newestMs > -Infinity) metrics.ingestMessageGap.set(base, (nowMs - newestMs) / 1000);
      metrics.ingestInputBytes.inc(base, bytes);
      for (const [outcome, count] of Object.entries(done.counts)) {
        totals[outcome] = (totals[outcome] ?? 0) + count;
        const [name = '', reason = ''] = outcome.split('/');
        metrics.ingestEvents.inc({ ...base, outcome: name, reason }, count);
      }
      if (done.gapRecords > 0)
        metrics.offsetGapRecords.inc(
          { ...base, partition: String(done.partition) },
          done.gapRecords,
        );
    },
    lag: (partition, records) =>
      metrics.sourceLag.set({ ...base, partition: String(partition) }, records),
    persisted(result, seconds, rows) {
      metrics.persists.inc({ ...base, result });
      metrics.persistSeconds.observe(base, seconds);
      if (rows > 0) metrics.ingestRowsOutput.inc(base, rows);
    },
    backPressure: (seconds) => metrics.persistBackpressureSeconds.inc(base, seconds),
    merged: (seconds) => metrics.mergeSeconds.observe(base, seconds),
    cut: (seconds) => metrics.sequenceCutSeconds.observe(base, seconds),
    published(result, segments, bytes, rows) {
      metrics.publishes.inc({ ...base, result });
      if (segments > 0) metrics.segmentsPublished.inc(base, segments);
      if (bytes > 0) metrics.segmentsPublishedBytes.inc(base, bytes);
      if (rows > 0) metrics.ingestRowsPublished.inc(base, rows);
    },
    handedOff(result, seconds) {
      metrics.handoffs.inc({ ...base, result });
      metrics.handoffSeconds.observe(base, seconds);
    },
    restored: (result) => metrics.restores.inc({ ...base, result }),
    memory(sinks, hydrants, rows, bytes, ageSeconds) {
      metrics.sinks.set(grouped, sinks);
      metrics.hydrants.set(grouped, hydrants);
      metrics.indexRows.set(grouped, rows);
      metrics.indexBytes.set(grouped, bytes);
      metrics.sequenceAge.set(grouped, ageSeconds);
    },
    totals: () => ({ ...totals }),
  };
}
