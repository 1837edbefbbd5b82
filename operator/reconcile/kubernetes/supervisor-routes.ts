// The Overlord's endpoints over our ingestions, so that Druid's consoles and scripts see them. What they may change is what
// a user may change on the resource: suspend, resume, reset. Source: druid-query-api.md 15.4.

import type { Clock } from '../../../core/runtime/clock.ts';
import {
  type HttpRequest,
  type HttpResponse,
  jsonResponse,
} from '../../../core/runtime/http-message.ts';
import type { Route } from '../../../core/runtime/http-router.ts';
import { ANNOTATIONS } from '../../api/names.ts';
import {
  stateOf,
  supervisorIds,
  supervisorSpec,
  supervisorStats,
  supervisorStatus,
  supervisorSummary,
  taskOf,
} from '../../api/supervisor-view.ts';
import type { KubeClient } from '../../kube/client.ts';
import { type KubeObject, textAt } from '../../kube/object.ts';
import { objectPath } from '../../kube/resource.ts';
import type { Caches } from './caches.ts';
import { INGESTIONS } from './kinds.ts';
import { askPods, type AskWorker } from './worker-reports.ts';

const BASE = '/druid/indexer/v1';
/** Who changed a field at a console's request. */
const CONSOLE = 'sluice-console';

/** What the routes look at. */
export interface SupervisorParts {
  readonly caches: Caches;
  readonly client: KubeClient;
  readonly askWorker: AskWorker;
  readonly clock: Clock;
  readonly isLeader: () => boolean;
}

/** The routes. Every replica answers them: all follow the API server. */
export function supervisorRoutes(parts: SupervisorParts): readonly Route[] {
  const { isLeader } = parts;
  const all = (): ReadonlyMap<string, KubeObject> => {
    const { ingestions } = parts.caches;
    return supervisorIds(ingestions.keys().flatMap((key) => ingestions.get(key) ?? []));
  };
  const one =
    (answer: (id: string, object: KubeObject, request: HttpRequest) => unknown): Route['handler'] =>
    async (request) => {
      const id = request.params['id'] ?? '';
      const object = all().get(id);
      if (object === undefined) return missing(`supervisor [${id}]`);
      const value = await answer(id, object, request);
      return isResponse(value) ? value : jsonResponse(200, value);
    };
  const get = (path: string, handler: Route['handler']): Route => ({
    method: 'GET',
    path: `${BASE}/${path}`,
    handler,
  });
  const post = (path: string, handler: Route['handler']): Route => ({
    ...get(path, handler),
    method: 'POST',
  });
  const pods = ({ metadata }: KubeObject): readonly KubeObject[] =>
    parts.caches.children('pods', metadata.uid ?? '');
  return [
    get('isLeader', () => jsonResponse(isLeader() ? 200 : 404, { leader: isLeader() })),
    get('supervisor', ({ query }) => jsonResponse(200, list(all(), query))),
    get('supervisor/history', () =>
      jsonResponse(200, Object.fromEntries([...all()].map(([id, o]) => [id, history(parts, o)]))),
    ),
    get(
      'supervisor/:id',
      one((_, object) => supervisorSpec(object)),
    ),
    get(
      'supervisor/:id/status',
      one(async (id, object, { signal }) =>
        supervisorStatus(
          id,
          object,
          pods(object),
          await askPods(pods(object), parts.askWorker, signal),
          parts.clock.nowMs(),
        ),
      ),
    ),
    get(
      'supervisor/:id/health',
      one((_, object) => {
        const healthy = !stateOf(object).startsWith('UNHEALTHY');
        return jsonResponse(healthy ? 200 : 503, { healthy });
      }),
    ),
    get(
      'supervisor/:id/stats',
      one(async (_, object, { signal }) =>
        supervisorStats(await askPods(pods(object), parts.askWorker, signal)),
      ),
    ),
    get(
      'supervisor/:id/history',
      one((_, object) => history(parts, object)),
    ),
    post(
      'supervisor/:id/suspend',
      one((_, o, { signal }) => suspend(parts, o, true, signal)),
    ),
    post(
      'supervisor/:id/resume',
      one((_, o, { signal }) => suspend(parts, o, false, signal)),
    ),
    post(
      'supervisor/:id/reset',
      one((id, object, { signal }) => reset(parts, id, object, signal)),
    ),
    ...['terminate', 'shutdown'].map((verb) =>
      post(
        `supervisor/:id/${verb}`,
        one((_, { metadata }) =>
          refused(
            `delete the resource: kubectl -n ${metadata.namespace} delete rti ${metadata.name}`,
          ),
        ),
      ),
    ),
    post('supervisor', () =>
      refused('apply a RealtimeIngestion; `sluice convert` makes one of a supervisor spec'),
    ),
    post('task', () => refused('tasks are not submitted here; apply a RealtimeIngestion')),
    ...taskRoutes(get, all, pods),
  ];
}

function taskRoutes(
  get: (path: string, handler: Route['handler']) => Route,
  all: () => ReadonlyMap<string, KubeObject>,
  pods: (object: KubeObject) => readonly KubeObject[],
): readonly Route[] {
  const tasks = (): readonly Readonly<Record<string, unknown>>[] =>
    [...all().values()].flatMap((object) => pods(object).map((pod) => taskOf(object, pod)));
  const some = (
    path: string,
    wanted: (task: Readonly<Record<string, unknown>>) => boolean,
  ): Route =>
    get(path, ({ query }) => {
      const dataSource = query.get('datasource');
      const found = tasks().filter(wanted);
      return jsonResponse(
        200,
        dataSource === null ? found : found.filter((task) => task['dataSource'] === dataSource),
      );
    });
  return [
    some('tasks', () => true),
    some('runningTasks', (task) => task['runnerStatusCode'] === 'RUNNING'),
    some('pendingTasks', (task) => task['runnerStatusCode'] === 'PENDING'),
    some('waitingTasks', () => false),
    some('completeTasks', (task) => task['runnerStatusCode'] === 'NONE'),
    get('task/:id/status', ({ params }) => {
      const { id = '' } = params;
      const status = tasks().find((task) => task['id'] === id);
      return status === undefined
        ? missing(`task [${id}]`)
        : jsonResponse(200, { task: id, status });
    }),
  ];
}

function list(all: ReadonlyMap<string, KubeObject>, query: URLSearchParams): unknown {
  const isFull = query.has('full') && query.get('full') !== 'false';
  if (!isFull && query.get('state') !== 'true') return [...all.keys()];
  return [...all].map(([id, object]) => ({
    ...supervisorSummary(id, object),
    ...(isFull ? { spec: supervisorSpec(object) } : {}),
  }));
}

/** The spec that runs and when it was stored; older ones are not kept. */
function history({ caches }: SupervisorParts, object: KubeObject): readonly unknown[] {
  return caches.children('revisions', object.metadata.uid ?? '').map((revision) => ({
    spec: supervisorSpec({ ...object, spec: (revision['data'] as { spec?: unknown })?.spec }),
    version: textAt(revision, 'metadata', 'creationTimestamp'),
  }));
}

async function suspend(
  parts: SupervisorParts,
  object: KubeObject,
  isWanted: boolean,
  signal: AbortSignal,
): Promise<unknown> {
  await patch(parts, object, { spec: { suspend: isWanted } }, signal);
  return supervisorSpec({ ...object, spec: { ...(object['spec'] as object), suspend: isWanted } });
}

async function reset(
  parts: SupervisorParts,
  id: string,
  object: KubeObject,
  signal: AbortSignal,
): Promise<unknown> {
  const token = new Date(parts.clock.nowMs()).toISOString();
  await patch(
    parts,
    object,
    { metadata: { annotations: { [ANNOTATIONS.resetRequest]: token } } },
    signal,
  );
  return { id };
}

async function patch(
  { client }: SupervisorParts,
  { metadata }: KubeObject,
  body: unknown,
  signal: AbortSignal,
): Promise<void> {
  const { namespace = '', name } = metadata;
  await client.call(
    {
      method: 'PATCH',
      path: objectPath(INGESTIONS, { namespace, name }),
      query: { fieldManager: CONSOLE, fieldValidation: 'Strict' },
      contentType: 'application/merge-patch+json',
      body,
    },
    signal,
  );
}

function missing(what: string): HttpResponse {
  return jsonResponse(404, { error: `${what} does not exist` });
}

function refused(instead: string): HttpResponse {
  return jsonResponse(400, { error: `is not supported; ${instead}` });
}

function isResponse(value: unknown): value is HttpResponse {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { status?: unknown }).status === 'number'
  );
}
