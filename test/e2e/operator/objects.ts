// What a test does to objects of one namespace: what kubectl would do, and what a kubelet would report.

import { isFailure } from '../../../core/runtime/failure.ts';
import type { KubeClient } from '../../../operator/kube/client.ts';
import { type KubeObject, listAt } from '../../../operator/kube/object.ts';
import {
  apiVersionOf,
  collectionPath,
  objectPath,
  type Resource,
} from '../../../operator/kube/resource.ts';
import { INGESTIONS, KINDS } from '../../../operator/reconcile/kubernetes/kinds.ts';
import { until } from '../waiting.ts';
import { exampleSpec } from './control-plane.ts';

const MERGE = 'application/merge-patch+json';
const SIGNAL = new AbortController().signal;

/** Objects of a namespace. */
export class Objects {
  readonly #admin: KubeClient;
  readonly #namespace: string;

  constructor(admin: KubeClient, namespace: string) {
    this.#admin = admin;
    this.#namespace = namespace;
  }

  async createNamespace(): Promise<void> {
    const metadata = { name: this.#namespace };
    const body = { apiVersion: 'v1', kind: 'Namespace', metadata };
    await this.#admin.call({ method: 'POST', path: '/api/v1/namespaces', body }, SIGNAL);
  }

  /** kubectl delete namespace --wait=false. */
  async beginNamespaceEnd(): Promise<void> {
    const path = `/api/v1/namespaces/${this.#namespace}`;
    await this.#admin.call({ method: 'DELETE', path }, SIGNAL);
  }

  async namespaceExists(): Promise<boolean> {
    try {
      await this.#admin.call(
        { method: 'GET', path: `/api/v1/namespaces/${this.#namespace}` },
        SIGNAL,
      );
      return true;
    } catch (error) {
      if (isFailure(error) && error.code === 'NotFound') return false;
      throw error;
    }
  }

  /** Ends the namespace; finalizers of resources left behind are taken off first. */
  async deleteNamespace(): Promise<void> {
    for (const { metadata } of await this.list(INGESTIONS))
      await this.patch(INGESTIONS, metadata.name, { metadata: { finalizers: [] } });
    for (const pod of await this.list(KINDS.pods))
      await this.delete(KINDS.pods, pod.metadata.name, 0);
    if (await this.namespaceExists()) await this.beginNamespaceEnd();
  }

  /** kubectl apply of the example with changes to its spec. */
  async applyIngestion(
    name: string,
    spec: Readonly<Record<string, unknown>> = {},
    annotations: Readonly<Record<string, string>> = {},
  ): Promise<KubeObject> {
    return (await this.#admin.call(
      {
        method: 'PATCH',
        path: objectPath(INGESTIONS, { namespace: this.#namespace, name }),
        query: { fieldManager: 'kubectl', force: 'true', fieldValidation: 'Strict' },
        contentType: 'application/apply-patch+yaml',
        body: {
          apiVersion: apiVersionOf(INGESTIONS),
          kind: INGESTIONS.kind,
          metadata: { namespace: this.#namespace, name, annotations },
          spec: { ...exampleSpec(), dataSource: `${this.#namespace}-${name}`, ...spec },
        },
      },
      SIGNAL,
    )) as KubeObject;
  }

  async create(resource: Resource, object: object): Promise<KubeObject> {
    const path = collectionPath(resource, this.#namespace);
    const body = { apiVersion: apiVersionOf(resource), kind: resource.kind, ...object };
    return (await this.#admin.call({ method: 'POST', path, body }, SIGNAL)) as KubeObject;
  }

  async get(resource: Resource, name: string): Promise<KubeObject | undefined> {
    try {
      const path = objectPath(resource, { namespace: this.#namespace, name });
      return (await this.#admin.call({ method: 'GET', path }, SIGNAL)) as KubeObject;
    } catch (error) {
      if (isFailure(error) && error.code === 'NotFound') return undefined;
      throw error;
    }
  }

  async list(resource: Resource): Promise<readonly KubeObject[]> {
    const path = collectionPath(resource, this.#namespace);
    const list = await this.#admin.call({ method: 'GET', path }, SIGNAL);
    return listAt(list, 'items') as readonly KubeObject[];
  }

  async patch(resource: Resource, name: string, body: object, subresource = ''): Promise<void> {
    const path = objectPath(resource, { namespace: this.#namespace, name }, subresource);
    await this.#admin.call({ method: 'PATCH', path, contentType: MERGE, body }, SIGNAL);
  }

  /** kubectl delete; with a grace period of 0 also --force. */
  async delete(resource: Resource, name: string, graceSeconds?: number): Promise<void> {
    const path = objectPath(resource, { namespace: this.#namespace, name });
    const body = graceSeconds === undefined ? {} : { gracePeriodSeconds: graceSeconds };
    try {
      await this.#admin.call({ method: 'DELETE', path, body }, SIGNAL);
    } catch (error) {
      if (!isFailure(error) || error.code !== 'NotFound') throw error;
    }
  }

  events(): Promise<readonly KubeObject[]> {
    return this.list({
      group: 'events.k8s.io',
      version: 'v1',
      kind: 'Event',
      plural: 'events',
    });
  }

  pods(): Promise<readonly KubeObject[]> {
    return this.list(KINDS.pods);
  }

  ingestion(name: string): Promise<KubeObject | undefined> {
    return this.get(INGESTIONS, name);
  }

  /** Waits for pods of these names and no others. */
  podsNamed(...names: readonly string[]): Promise<readonly KubeObject[]> {
    return until(`pods ${names.join(', ')}`, 15_000, async () => {
      const pods = await this.pods();
      const found = pods.map(({ metadata }) => metadata.name).toSorted();
      return found.join() === names.toSorted().join() ? pods : undefined;
    });
  }

  /** What a kubelet would report once the worker is ready, or not. */
  async setReady(name: string, isReady = true, podIP = '10.0.0.1'): Promise<void> {
    const status = {
      phase: 'Running',
      podIP,
      conditions: [
        {
          type: 'Ready',
          status: isReady ? 'True' : 'False',
          lastTransitionTime: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
        },
      ],
      containerStatuses: [],
    };
    await this.patch(KINDS.pods, name, { status }, 'status');
  }

  /** Binds a pod to a node that does not exist: its deletion then waits for a kubelet, for ever. */
  async bind(name: string): Promise<void> {
    const target = { apiVersion: 'v1', kind: 'Node', name: 'no-such-node' };
    const path = objectPath(KINDS.pods, { namespace: this.#namespace, name }, 'binding');
    const body = { apiVersion: 'v1', kind: 'Binding', metadata: { name }, target };
    await this.#admin.call({ method: 'POST', path, body }, SIGNAL);
  }

  /** Waits until the resource's condition reads `True/Reason`. */
  async condition(name: string, type: string, wanted: string | RegExp): Promise<KubeObject> {
    let seen = '';
    try {
      return await until(`${type} of ${name}`, 15_000, async () => {
        const object = await this.ingestion(name);
        const list = listAt(object, 'status', 'conditions') as readonly {
          type: string;
          status: string;
          reason: string;
          message: string;
        }[];
        const found = list.find((condition) => condition.type === type);
        const text = `${found?.status}/${found?.reason}`;
        seen = `${text} ${found?.message}`;
        return object !== undefined && text.search(wanted) === 0 ? object : undefined;
      });
    } catch (error) {
      throw new Error(`${String(error)}; wanted ${String(wanted)}, last seen ${seen}`, {
        cause: error,
      });
    }
  }
}
