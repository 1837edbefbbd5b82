// Ingestions as Druid's consoles and scripts know them: a supervisor each, its workers as tasks. Pure; served by
// supervisor-routes.ts. Source: druid-query-api.md 15.4.

import { field, type KubeObject, listAt, textAt } from '../kube/object.ts';
import { LABELS } from './names.ts';

/** Words of Druid for how a supervisor is. */
export type SupervisorState =
  | 'PENDING'
  | 'RUNNING'
  | 'SUSPENDED'
  | 'STOPPING'
  | 'UNHEALTHY_SUPERVISOR'
  | 'UNHEALTHY_TASKS';

/** Ids of ingestions: the data source, as in Druid; where several feed one, `<namespace>.<name>` tells them apart. */
export function supervisorIds(objects: readonly KubeObject[]): ReadonlyMap<string, KubeObject> {
  const counts = new Map<string, number>();
  for (const object of objects) {
    const name = textAt(object, 'spec', 'dataSource');
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const ids = objects.map((object): [string, KubeObject] => {
    const { namespace = '', name } = object.metadata;
    const dataSource = textAt(object, 'spec', 'dataSource');
    return [counts.get(dataSource) === 1 ? dataSource : `${namespace}.${name}`, object];
  });
  return new Map(ids.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function conditionOf(object: KubeObject, type: string): { status: string; reason: string } {
  const found = listAt(object, 'status', 'conditions').find((c) => textAt(c, 'type') === type);
  return { status: textAt(found, 'status'), reason: textAt(found, 'reason') };
}

function isSuspended(object: KubeObject): boolean {
  return field(object, 'spec', 'suspend') === true;
}

/** The state. */
export function stateOf(object: KubeObject): SupervisorState {
  if (object.metadata.deletionTimestamp !== undefined) return 'STOPPING';
  if (isSuspended(object)) return 'SUSPENDED';
  const ready = conditionOf(object, 'Ready');
  if (ready.status === '' || ready.status === 'Unknown') return 'PENDING';
  if (ready.status === 'True' || ready.reason === 'RollInProgress') return 'RUNNING';
  const isOwn =
    conditionOf(object, 'SpecValid').status === 'False' ||
    conditionOf(object, 'SourceReachable').status === 'False' ||
    conditionOf(object, 'AssignmentComplete').status === 'False';
  return isOwn ? 'UNHEALTHY_SUPERVISOR' : 'UNHEALTHY_TASKS';
}

/** What lists of supervisors hold of each. */
export function supervisorSummary(
  id: string,
  object: KubeObject,
): Readonly<Record<string, unknown>> {
  const state = stateOf(object);
  const { reason } = conditionOf(object, 'Ready');
  return {
    id,
    state,
    // Druid's detailed states are words of its own; ours is the reason of the condition.
    detailedState: state.startsWith('UNHEALTHY') && reason !== '' ? reason : state,
    healthy: !state.startsWith('UNHEALTHY'),
    suspended: isSuspended(object),
  };
}

/** The spec in the shape of Druid's supervisor spec: what Druid has a field for. */
export function supervisorSpec(object: KubeObject): Readonly<Record<string, unknown>> {
  const spec = object['spec'];
  const schema = field(spec, 'schema');
  const kafka = field(spec, 'source', 'kafka');
  return {
    type: 'kafka',
    spec: {
      dataSchema: {
        dataSource: textAt(spec, 'dataSource'),
        timestampSpec: field(schema, 'timestamp') ?? {},
        dimensionsSpec: { dimensions: listAt(schema, 'dimensions') },
        metricsSpec: listAt(schema, 'metrics'),
        granularitySpec: {
          type: 'uniform',
          segmentGranularity: field(schema, 'segmentGranularity') ?? 'day',
          queryGranularity: field(schema, 'queryGranularity') ?? 'none',
          rollup: field(schema, 'rollup') ?? true,
        },
      },
      ioConfig: {
        type: 'kafka',
        topic: textAt(kafka, 'topic'),
        inputFormat: field(schema, 'format') ?? { type: 'json' },
        consumerProperties: { 'bootstrap.servers': listAt(kafka, 'bootstrapServers').join(',') },
        taskCount: field(spec, 'workers', 'count') ?? 1,
        replicas: field(spec, 'workers', 'replicas') ?? 1,
        taskDuration: field(spec, 'segments', 'period') ?? 'PT1H',
        useEarliestOffset: (field(kafka, 'start', 'from') ?? 'Earliest') === 'Earliest',
      },
      tuningConfig: { type: 'kafka' },
    },
    suspended: isSuspended(object),
  };
}

/** Answer of a worker to `/sluice/v1/ingest/status`; undefined where it did not answer. */
export type WorkerAnswer = unknown;

/** The status, with what workers say. */
export function supervisorStatus(
  id: string,
  object: KubeObject,
  pods: readonly KubeObject[],
  answers: ReadonlyMap<string, WorkerAnswer>,
  nowMs: number,
): Readonly<Record<string, unknown>> {
  const { state, detailedState, healthy, suspended } = supervisorSummary(id, object);
  const task = (pod: KubeObject): Readonly<Record<string, unknown>> => ({
    id: pod.metadata.name,
    startTime: pod.metadata.creationTimestamp ?? null,
    type: pod.metadata.deletionTimestamp === undefined ? 'ACTIVE' : 'PUBLISHING',
    lag: field(answers.get(pod.metadata.name), 'progress', 'lagRecords') ?? null,
  });
  const isActive = (pod: KubeObject): boolean => pod.metadata.deletionTimestamp === undefined;
  const lags = pods.map((pod) => field(answers.get(pod.metadata.name), 'progress', 'lagRecords'));
  const known = lags.filter((lag) => typeof lag === 'number');
  return {
    id,
    generationTime: new Date(nowMs).toISOString(),
    payload: {
      dataSource: textAt(object, 'spec', 'dataSource'),
      stream: textAt(object, 'spec', 'source', 'kafka', 'topic'),
      partitions: field(object, 'status', 'partitions', 'total') ?? 0,
      replicas: field(object, 'spec', 'workers', 'replicas') ?? 1,
      durationSeconds: null,
      activeTasks: pods.filter(isActive).map(task),
      publishingTasks: pods.filter((pod) => !isActive(pod)).map(task),
      latestOffsets: null,
      minimumLag: null,
      // Unknown is not 0: only where every worker told its lag.
      aggregateLag: known.length === pods.length ? known.reduce((a, b) => a + b, 0) : null,
      suspended,
      healthy,
      state,
      detailedState,
      recentErrors: recentErrors(object),
    },
  };
}

function recentErrors(object: KubeObject): readonly unknown[] {
  return listAt(object, 'status', 'conditions')
    .filter((c) => textAt(c, 'type') === 'Degraded' && textAt(c, 'status') === 'True')
    .map((c) => ({
      timestamp: textAt(c, 'lastTransitionTime'),
      exceptionClass: textAt(c, 'reason'),
      message: textAt(c, 'message'),
      streamException: false,
    }));
}

/** Counters of rows by task, as Druid groups them. */
export function supervisorStats(
  answers: ReadonlyMap<string, WorkerAnswer>,
): Readonly<Record<string, unknown>> {
  const tasks = [...answers].map(([pod, answer]) => {
    const counts = (field(answer, 'progress', 'counts') ?? {}) as Readonly<Record<string, number>>;
    const sum = (outcome: string): number =>
      Object.entries(counts)
        .filter(([name]) => name.split('/')[0] === outcome)
        .reduce((total, [, n]) => total + n, 0);
    const buildSegments = {
      processed: sum('processed'),
      processedWithError: sum('processedWithError'),
      thrownAway: sum('thrownAway'),
      unparseable: sum('unparseable'),
    };
    return [pod, { movingAverages: {}, totals: { buildSegments } }] as const;
  });
  return { 0: Object.fromEntries(tasks) };
}

/** A worker as a task. */
export function taskOf(object: KubeObject, pod: KubeObject): Readonly<Record<string, unknown>> {
  const dataSource = textAt(object, 'spec', 'dataSource');
  const phase = textAt(pod, 'status', 'phase');
  const isOver = phase === 'Succeeded' || phase === 'Failed';
  const host = textAt(pod, 'status', 'podIP');
  return {
    id: pod.metadata.name,
    groupId: `index_kafka_${dataSource}_${pod.metadata.labels?.[LABELS.group] ?? ''}`,
    type: 'index_kafka',
    createdTime: pod.metadata.creationTimestamp ?? null,
    queueInsertionTime: pod.metadata.creationTimestamp ?? null,
    statusCode: isOver ? (phase === 'Failed' ? 'FAILED' : 'SUCCESS') : 'RUNNING',
    status: isOver ? (phase === 'Failed' ? 'FAILED' : 'SUCCESS') : 'RUNNING',
    runnerStatusCode: isOver ? 'NONE' : host === '' ? 'PENDING' : 'RUNNING',
    duration: -1,
    location:
      host === '' ? { host: null, port: -1, tlsPort: -1 } : { host, port: 8084, tlsPort: -1 },
    dataSource,
    errorMsg: null,
  };
}
