// One way to break each behaviour B1 to B24, for SLUICE_BREAK: what stands around the controller is changed so that it
// acts as one without the behaviour would. A test that passes under its own breakage proves nothing; breaks.ts looks.

import { randomBytes } from 'node:crypto';
import { CODECS } from '../../../core/metadata/codecs.ts';
import type { MetadataStore, Versioned } from '../../../core/metadata/port.ts';
import type { PartitionState } from '../../../core/metadata/values.ts';
import type { KubeRequest } from '../../../operator/kube/client.ts';
import { type KubeObject, textAt } from '../../../operator/kube/object.ts';
import type { KubernetesOperatorOptions } from '../../../operator/reconcile/kubernetes/kubernetes-operator.ts';
import { isWatch, refusal } from './faulty-transport.ts';
import { conditionIs, type Rewrite, rewriting, withoutWatchEvents } from './rewriting-transport.ts';

type Options = KubernetesOperatorOptions;
type Break = (options: Options) => Options;

const transport =
  (change: (t: Options['transport']) => Options['transport']): Break =>
  (options) => ({ ...options, transport: change(options.transport) });
const rewrite = (make: () => Rewrite): Break => transport((inner) => rewriting(inner, make()));
const settings =
  (change: (s: Options['settings']) => Partial<Options['settings']>): Break =>
  (options) => ({ ...options, settings: { ...options.settings, ...change(options.settings) } });
const of = (kind: string, request: KubeRequest): boolean => request.path.includes(`/${kind}`);

/** By behaviour. */
const BREAKS: Readonly<Record<string, Break>> = {
  // A later list does not heal what a watch missed.
  B1: transport((inner) => {
    const first = new Map<string, string>();
    return rewriting(inner, {
      list: (request, list) => {
        const items = JSON.stringify((list as { items: unknown }).items);
        if (!first.has(request.path)) first.set(request.path, items);
        return { ...(list as object), items: JSON.parse(first.get(request.path) ?? items) };
      },
    });
  }),
  // The hash of what was applied is not looked at.
  B2: rewrite(() => ({
    object: (request, object) => (of('realtimeingestions', request) ? object : unhashed(object)),
  })),
  // Every new version counts as a change by a user.
  B3: rewrite(() => ({
    object: (request, object) =>
      of('realtimeingestions', request)
        ? annotated(object, { seen: object.metadata.resourceVersion ?? '' })
        : object,
  })),
  // A counter is in what is hashed.
  B4: withCounter,
  // Only the resync looks at children.
  B5: transport((inner) =>
    withoutWatchEvents(inner, (request) => !of('realtimeingestions', request)),
  ),
  // Nobody asks whose the object is.
  B6: transport(
    (inner) => (request, signal) =>
      request.method === 'GET' && request.path.endsWith('-ingest')
        ? Promise.resolve(refusal(404, 'NotFound'))
        : inner(request, signal),
  ),
  // A conflict is an error like any other.
  B7: transport((inner) => async (request, signal) => {
    const answer = await inner(request, signal);
    if (answer.status === 409 && !of('leases', request)) return refusal(500, 'InternalError');
    return answer;
  }),
  // No pause is long.
  B8: (options) => ({
    ...options,
    clock: {
      ...boundClock(options),
      sleep: (ms, signal) => options.clock.sleep(Math.min(ms, 20), signal),
    },
  }),
  // No chance in the pauses.
  B9: (options) => ({ ...options, random: () => 0.5 }),
  // What is wanted of a pod is remembered by the process alone.
  B10: withCounter,
  // That a reset was carried out is not recorded.
  B11: (options) => ({
    ...options,
    store: withPartitions(options.store, (state) => ({ ...state, skipped: [] })),
  }),
  // Every pod that is made has a name of its own.
  B12: rewrite(() => ({
    ask: (request) => {
      const { path, method, body } = request;
      if (method !== 'PATCH' || !/\/pods\/[^/]+$/.test(path)) return request;
      const object = body as KubeObject;
      const name = `${object.metadata.name}-${randomBytes(2).toString('hex')}`;
      const renamed = { ...object, metadata: { ...object.metadata, name } };
      return { ...request, path: path.replace(/[^/]+$/, name), body: renamed };
    },
  })),
  // The live read is as late as the cache: it tells that all is well.
  B13: rewrite(() => ({
    list: (request, list) => {
      if (!of('pods', request) || request.query?.['limit'] !== undefined) return list;
      const { items } = list as { items: KubeObject[] };
      return { ...(list as object), items: items.map(asReady) };
    },
  })),
  // Deletes go by name.
  B14: rewrite(() => ({
    ask: (request) => (request.method === 'DELETE' ? { ...request, body: {} } : request),
  })),
  // Nobody holds the lease.
  B15: rewrite(() => ({
    object: (request, object) =>
      of('leases', request)
        ? { ...object, spec: { ...(object['spec'] as object), holderIdentity: '' } }
        : object,
  })),
  B16: settings(() => ({ drainMs: 600_000 })),
  // A planned move counts as done.
  B17: (options) => ({
    ...options,
    store: withPartitions(options.store, ({ next, ...state }) =>
      next === undefined ? state : { ...state, group: next.group },
    ),
  }),
  // Lag is not looked at.
  B18: (options) => ({
    ...options,
    askWorker: () => Promise.resolve({ conditions: [], progress: { lagRecords: 0 } }),
  }),
  // A roll goes on to the end it began with.
  B19: rewrite(() => {
    let pinned: { spec: unknown; generation: number | undefined } | undefined;
    return {
      object: (request, object) => {
        if (!of('realtimeingestions', request)) return object;
        if (pinned === undefined || !conditionIs(object, 'Progressing', 'True'))
          pinned = { spec: object['spec'], generation: object.metadata.generation };
        const { generation = 0, spec } = pinned;
        return { ...object, spec, metadata: { ...object.metadata, generation } };
      },
    };
  }),
  // After the first step that fails no other is tried.
  B20: transport((inner) => {
    let hasFailed = false;
    return async (request, signal) => {
      const { method, path } = request;
      if (method === 'GET' && path.endsWith('/services/wiki-ingest')) hasFailed = true;
      const isStep = method === 'PATCH' && !path.endsWith('/status') && !of('realtime', request);
      return hasFailed && isStep ? refusal(500, 'InternalError') : inner(request, signal);
    };
  }),
  // A pod that is gone is found out by the resync.
  B21: transport((inner) =>
    withoutWatchEvents(
      inner,
      (request, type, event) =>
        of('pods', request) &&
        (type === 'DELETED' || textAt(event, 'object', 'metadata', 'deletionTimestamp') !== ''),
    ),
  ),
  // Status is written whatever is there already.
  B22: rewrite(() => ({
    object: (request, object) => {
      if (!of('realtimeingestions', request)) return object;
      const { selector: _, ...status } = (object['status'] ?? {}) as Record<string, unknown>;
      return { ...object, status };
    },
  })),
  // Every event is a new one.
  B23: rewrite(() => ({
    ask: (request) =>
      request.method === 'PATCH' && of('events', request)
        ? { ...request, path: `${request.path}${randomBytes(2).toString('hex')}` }
        : request,
  })),
  // Each watch begins with another list.
  B24: transport((inner) => {
    const seen = new Set<string>();
    return (request, signal) => {
      if (!isWatch(request) || seen.has(request.path)) return inner(request, signal);
      seen.add(request.path);
      return Promise.resolve(refusal(410, 'Expired'));
    };
  }),
};

/** Options of an operator without the behaviour that SLUICE_BREAK names; as they are when it names none. */
export function brokenAsAsked(options: Options): Options {
  const name = process.env['SLUICE_BREAK'] ?? '';
  if (name === '') return options;
  const change = BREAKS[name];
  if (change === undefined)
    throw new Error(`SLUICE_BREAK: value '${name}': use one of ${Object.keys(BREAKS).join(', ')}`);
  return change(options);
}

/** Every behaviour that can be broken. */
export const BREAKABLE: readonly string[] = Object.keys(BREAKS);

let made = 0;

function withCounter(options: Options): Options {
  const image = `${options.settings.image}-${made++}`;
  return { ...options, settings: { ...options.settings, image } };
}

function boundClock({ clock }: Options): Options['clock'] {
  return {
    nowMs: () => clock.nowMs(),
    monotonicMs: () => clock.monotonicMs(),
    sleep: (ms, signal) => clock.sleep(ms, signal),
  };
}

function annotated(object: KubeObject, more: Readonly<Record<string, string>>): KubeObject {
  const annotations = { ...object.metadata.annotations, ...more };
  return { ...object, metadata: { ...object.metadata, annotations } };
}

function unhashed(object: KubeObject): KubeObject {
  return annotated(object, { 'sluice.dev/applied-hash': 'unknown' });
}

function asReady(pod: KubeObject): KubeObject {
  const ready = { type: 'Ready', status: 'True', lastTransitionTime: '2024-01-01T00:00:00Z' };
  const status = { ...(pod['status'] as object), phase: 'Running', conditions: [ready] };
  return textAt(pod, 'metadata', 'deletionTimestamp') === '' ? { ...pod, status } : pod;
}

function withPartitions(
  store: MetadataStore,
  change: (state: PartitionState) => PartitionState,
): MetadataStore {
  const seen = (entry: Versioned): Versioned =>
    /\/partitions\//.test(entry.key)
      ? {
          ...entry,
          value: CODECS.partition.encode(change(CODECS.partition.decode(entry.value, entry.key))),
        }
      : entry;
  return {
    get: (key) => store.get(key),
    list: async (prefix) => {
      const listed = await store.list(prefix);
      return { ...listed, entries: listed.entries.map(seen) };
    },
    transact: (transaction) => store.transact(transaction),
    mirror: (prefix, onChange) => store.mirror(prefix, onChange),
    lease: (...args: Parameters<MetadataStore['lease']>) => store.lease(...args),
    close: () => store.close(),
  };
}
