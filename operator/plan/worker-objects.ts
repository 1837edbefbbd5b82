// What stands beside the pods of an ingestion: headless Service, PodDisruptionBudget, volume claims, the copy of the
// connections, the revision that keeps the last good spec. Pure.

import type { RealtimeIngestionSpec } from '../../core/spec/realtime-ingestion.ts';
import { childName, LABELS, podName, selectorLabels } from '../api/names.ts';
import type { KubeObject } from '../kube/object.ts';
import { contentHash } from './content-hash.ts';
import { type Owner, wantedObject } from './wanted-object.ts';

/** Name of the headless Service. */
export function serviceName(ingestion: string): string {
  return childName(ingestion, 'ingest');
}

/** Name of a worker's volume claim. */
export function volumeClaimName(ingestion: string, group: string): string {
  return `${podName(ingestion, group)}-data`;
}

/** Names the pods, so that brokers and people reach a worker by name. */
export function workerService(owner: Owner): KubeObject {
  return wantedObject(
    owner,
    { apiVersion: 'v1', kind: 'Service', name: serviceName(owner.name) },
    {
      spec: {
        clusterIP: 'None',
        // A worker that drains still answers queries.
        publishNotReadyAddresses: true,
        selector: selectorLabels(owner.name),
        ports: [{ name: 'http', port: 8084, targetPort: 'http', protocol: 'TCP' }],
      },
    },
  );
}

/** One worker at a time may be evicted; one that is broken anyway may always be. */
export function disruptionBudget(owner: Owner): KubeObject {
  return wantedObject(
    owner,
    {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      name: serviceName(owner.name),
    },
    {
      spec: {
        maxUnavailable: 1,
        unhealthyPodEvictionPolicy: 'AlwaysAllow',
        selector: { matchLabels: selectorLabels(owner.name) },
      },
    },
  );
}

/** The volume of a group's worker, where the resource asks for one. */
export function volumeClaim(
  owner: Owner,
  spec: RealtimeIngestionSpec,
  group: string,
): KubeObject | undefined {
  const storage = spec.workers?.storage;
  if (storage === undefined) return undefined;
  return wantedObject(
    owner,
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      name: volumeClaimName(owner.name, group),
    },
    {
      spec: {
        accessModes: ['ReadWriteOnce'],
        resources: { requests: { storage: storage.size } },
        ...(storage.storageClassName === undefined
          ? {}
          : { storageClassName: storage.storageClassName }),
      },
    },
    { labels: { [LABELS.group]: group } },
  );
}

/** Name of the copy of the connections. */
export function connectionsName(ingestion: string): string {
  return childName(ingestion, 'connections');
}

/** The connections in the namespace of the resource. `data` as the Secret holds it, base64. */
export function connectionsSecret(
  owner: Owner,
  data: Readonly<Record<string, unknown>>,
): KubeObject {
  return wantedObject(
    owner,
    { apiVersion: 'v1', kind: 'Secret', name: connectionsName(owner.name) },
    { type: 'Opaque', data },
  );
}

/** The last good spec: keeps running while a newer one is invalid. */
export function specRevision(owner: Owner, spec: unknown, generation: number): KubeObject {
  const name = childName(owner.name, `spec-${contentHash(spec)}`);
  const kind = { apiVersion: 'apps/v1', kind: 'ControllerRevision', name };
  // The generation is beside the hashed content: the same spec at a later generation is the same revision.
  return { ...wantedObject(owner, kind, { data: { spec } }), revision: generation };
}
