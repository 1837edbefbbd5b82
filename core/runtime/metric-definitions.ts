// Every metric the product exposes, in one list: names, help and labels. The registry (metrics.ts) and the
// reference page are built from it. Names follow ingestion.md 15 and operator.md 6.

/** One metric. Counters end in `_total`; times are seconds. */
export interface MetricDefinition {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
}

/** The list. Keys are the names under which code reaches them ({@link MetricDefinition} each). */
export const METRICS = {
  ingestEvents: {
    type: 'counter',
    name: 'sluice_ingest_events_total',
    help: 'Records by outcome (processed, processedWithError, unparseable, thrownAway) and reason.',
    labels: ['namespace', 'ingestion', 'data_source', 'outcome', 'reason'],
  },
  ingestInputBytes: {
    type: 'counter',
    name: 'sluice_ingest_input_bytes_total',
    help: 'Bytes of records read, before parsing, rejected ones included.',
    labels: ['namespace', 'ingestion', 'data_source'],
  },
  ingestMessageGap: {
    type: 'gauge',
    name: 'sluice_ingest_message_gap_seconds',
    help: 'Now minus the newest event time seen.',
    labels: ['namespace', 'ingestion', 'data_source'],
  },
  ingestRowsOutput: {
    type: 'counter',
    name: 'sluice_ingest_rows_output_total',
    help: 'Rows written to hydrants, after rollup.',
    labels: ['namespace', 'ingestion', 'data_source'],
  },
  ingestRowsPublished: {
    type: 'counter',
    name: 'sluice_ingest_rows_published_total',
    help: 'Rows of published segments.',
    labels: ['namespace', 'ingestion', 'data_source'],
  },
  persists: {
    type: 'counter',
    name: 'sluice_persist_total',
    help: 'Persists by result.',
    labels: ['namespace', 'ingestion', 'data_source', 'result'],
  },
  persistSeconds: {
    type: 'histogram',
    name: 'sluice_persist_seconds',
    help: 'Time of one persist.',
    labels: ['namespace', 'ingestion', 'data_source'],
  },
  persistBackpressureSeconds: {
    type: 'counter',
    name: 'sluice_persist_backpressure_seconds_total',
    help: 'Time indexing waited for a free persist slot.',
    labels: ['namespace', 'ingestion', 'data_source'],
  },
  mergeSeconds: {
    type: 'histogram',
    name: 'sluice_merge_seconds',
    help: 'Time to merge the hydrants of one segment.',
    labels: ['namespace', 'ingestion', 'data_source'],
  },
  sinks: {
    type: 'gauge',
    name: 'sluice_sinks',
    help: 'Open segments.',
    labels: ['namespace', 'ingestion', 'data_source', 'group'],
  },
  hydrants: {
    type: 'gauge',
    name: 'sluice_hydrants',
    help: 'Persisted increments of open segments.',
    labels: ['namespace', 'ingestion', 'data_source', 'group'],
  },
  indexRows: {
    type: 'gauge',
    name: 'sluice_index_rows',
    help: 'Rows in memory.',
    labels: ['namespace', 'ingestion', 'data_source', 'group'],
  },
  indexBytes: {
    type: 'gauge',
    name: 'sluice_index_bytes',
    help: 'Bytes of the in-memory index.',
    labels: ['namespace', 'ingestion', 'data_source', 'group'],
  },
  handoffs: {
    type: 'counter',
    name: 'sluice_handoff_total',
    help: 'Segments handed off, by result.',
    labels: ['namespace', 'ingestion', 'data_source', 'result'],
  },
  handoffSeconds: {
    type: 'histogram',
    name: 'sluice_handoff_seconds',
    help: 'Publication to hand-off of one segment.',
    labels: ['namespace', 'ingestion', 'data_source'],
  },
  sequenceCutSeconds: {
    type: 'histogram',
    name: 'sluice_sequence_cut_seconds',
    help: 'Time indexing was held while a sequence was cut.',
    labels: ['namespace', 'ingestion', 'data_source'],
  },
  sequenceAge: {
    type: 'gauge',
    name: 'sluice_sequence_age_seconds',
    help: 'Age of the oldest unpublished sequence.',
    labels: ['namespace', 'ingestion', 'data_source', 'group'],
  },
  sourceLag: {
    type: 'gauge',
    name: 'sluice_source_lag_records',
    help: 'Records waiting behind the position read.',
    labels: ['namespace', 'ingestion', 'data_source', 'partition'],
  },
  offsetGapRecords: {
    type: 'counter',
    name: 'sluice_offset_gap_records_total',
    help: 'Offsets that held no record (compaction, transaction markers).',
    labels: ['namespace', 'ingestion', 'data_source', 'partition'],
  },
  segmentsPublished: {
    type: 'counter',
    name: 'sluice_segments_published_total',
    help: 'Segments published.',
    labels: ['namespace', 'ingestion', 'data_source'],
  },
  segmentsPublishedBytes: {
    type: 'counter',
    name: 'sluice_segments_published_bytes_total',
    help: 'Uncompressed bytes of published segments.',
    labels: ['namespace', 'ingestion', 'data_source'],
  },
  publishes: {
    type: 'counter',
    name: 'sluice_publish_total',
    help: 'Publish attempts by result (published, waiting, lost, fenced, unknown).',
    labels: ['namespace', 'ingestion', 'data_source', 'result'],
  },
  restores: {
    type: 'counter',
    name: 'sluice_restore_total',
    help: 'Starts by what became of the local state (restored, dropped, empty).',
    labels: ['namespace', 'ingestion', 'data_source', 'result'],
  },
  queries: {
    type: 'counter',
    name: 'sluice_query_total',
    help: 'Queries by type and outcome (ok, invalid, timeout, cancelled, failed).',
    labels: ['type', 'outcome'],
  },
  querySeconds: {
    type: 'histogram',
    name: 'sluice_query_seconds',
    help: 'Time of a query until its last byte.',
    labels: ['type'],
  },
  cacheRequests: {
    type: 'counter',
    name: 'sluice_cache_requests_total',
    help: 'Look-ups in the result cache by outcome (hit, miss, error).',
    labels: ['outcome'],
  },
  segmentsServed: {
    type: 'gauge',
    name: 'sluice_segments_served',
    help: 'Segments served by this process.',
    labels: ['data_source'],
  },
  segmentBytesServed: {
    type: 'gauge',
    name: 'sluice_segment_bytes_served',
    help: 'Bytes of segment files on the local disk.',
    labels: ['data_source'],
  },
  segmentLoads: {
    type: 'counter',
    name: 'sluice_segment_load_total',
    help: 'Loads of segments by result (loaded, failed, quarantined).',
    labels: ['result'],
  },
  coordinatorQueue: {
    type: 'gauge',
    name: 'sluice_coordinator_load_queue',
    help: 'Load orders not yet done.',
    labels: ['server'],
  },
  coordinatorUnavailable: {
    type: 'gauge',
    name: 'sluice_coordinator_unavailable_segments',
    help: 'Used segments that nobody serves, fresh rows of workers not counted as missing.',
    labels: ['data_source'],
  },
  coordinatorUnderReplicated: {
    type: 'gauge',
    name: 'sluice_coordinator_under_replicated_segments',
    help: 'Used segments with fewer copies than their rule wants.',
    labels: ['data_source'],
  },
  sweptFiles: {
    type: 'counter',
    name: 'sluice_swept_files_total',
    help: 'Files removed from deep storage that no publication names.',
    labels: [],
  },
  reconciles: {
    type: 'counter',
    name: 'sluice_reconcile_total',
    help: 'Reconciliations by controller and result.',
    labels: ['controller', 'result'],
  },
  reconcileSeconds: {
    type: 'histogram',
    name: 'sluice_reconcile_time_seconds',
    help: 'Time of one reconciliation.',
    labels: ['controller'],
  },
  queueDepth: {
    type: 'gauge',
    name: 'sluice_workqueue_depth',
    help: 'Resources that wait for a pass.',
    labels: ['controller'],
  },
  queueAdds: {
    type: 'counter',
    name: 'sluice_workqueue_adds_total',
    help: 'Passes asked for, by who asked (user, child, resync).',
    labels: ['controller', 'priority'],
  },
  queueRetries: {
    type: 'counter',
    name: 'sluice_workqueue_retries_total',
    help: 'Passes put off because the one before failed.',
    labels: ['controller'],
  },
  queueSeconds: {
    type: 'histogram',
    name: 'sluice_workqueue_queue_duration_seconds',
    help: 'Time a resource waited for its pass.',
    labels: ['controller'],
  },
  queueLongest: {
    type: 'gauge',
    name: 'sluice_workqueue_longest_running_processor_seconds',
    help: 'Age of the oldest pass under way; 0 without one.',
    labels: ['controller'],
  },
  kubeRequests: {
    type: 'counter',
    name: 'sluice_rest_client_requests_total',
    help: 'Requests to the API server by method and answer.',
    labels: ['method', 'code'],
  },
  watchLists: {
    type: 'gauge',
    name: 'sluice_watch_lists',
    help: 'Full lists of a kind since the start; one each while all is well.',
    labels: ['kind'],
  },
  watchSilence: {
    type: 'gauge',
    name: 'sluice_watch_silence_seconds',
    help: 'Time since the API server last said anything about a kind; a bookmark comes every minute.',
    labels: ['kind'],
  },
  leaderStatus: {
    type: 'gauge',
    name: 'sluice_leader_election_master_status',
    help: '1 while this process leads, else 0.',
    labels: ['name'],
  },
  ingestionCondition: {
    type: 'gauge',
    name: 'sluice_ingestion_status_condition',
    help: '1 for the status a condition has, 0 for the others; as in the resource.',
    labels: ['namespace', 'ingestion', 'type', 'status'],
  },
  ingestionWorkers: {
    type: 'gauge',
    name: 'sluice_ingestion_workers',
    help: 'Workers by state (desired, ready, draining).',
    labels: ['namespace', 'ingestion', 'state'],
  },
} as const;
