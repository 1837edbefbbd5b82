// The pod of one worker, from the resource alone (invariant I5): restricted, read-only, credentials as files only.
// The hash over all of it tells whether a running pod is still the one wanted. Pure.

import type { RealtimeIngestionSpec } from '../../core/spec/realtime-ingestion.ts';
import { ANNOTATIONS, childLabels, LABELS, podName, selectorLabels } from '../api/names.ts';
import type { KubeObject } from '../kube/object.ts';
import { contentHash } from './content-hash.ts';
import { mergeTemplate } from './merge-template.ts';
import { type Owner, wantedObject } from './wanted-object.ts';
import type { WorkerConfig } from './worker-config.ts';
import { serviceName, volumeClaimName } from './worker-objects.ts';

const PORT = 8084;
const USER = 65_532;
/** Long enough to publish what was read; equal to the operator's own deadline for a drain. */
const DRAIN_SECONDS = 120;

/** What a pod is made from. */
export interface PodInput {
  readonly owner: Owner;
  readonly spec: RealtimeIngestionSpec;
  readonly group: string;
  readonly image: string;
  readonly config: WorkerConfig;
  /** Secret with the connections, in the namespace of the resource. */
  readonly connections: string | undefined;
  /** Value of the restart annotation; a new one makes a new pod. */
  readonly restart: string | undefined;
}

/** The wanted pod; its template hash is in an annotation. */
export function workerPod(input: PodInput): KubeObject {
  const { owner, spec, group, config, restart } = input;
  const template = {
    metadata: {
      labels: {},
      annotations: {
        [ANNOTATIONS.configHash]: config.hash,
        ...(restart === undefined ? {} : { [ANNOTATIONS.restartRequest]: restart }),
      },
    },
    spec: podSpec(input),
  };
  const merged = mergeTemplate(template, spec.workers?.template) as typeof template;
  const labels = { ...merged.metadata.labels, [LABELS.group]: group };
  const hash = contentHash({ ...merged, labels: { ...labels, ...childLabels(owner.name) } });
  return wantedObject(
    owner,
    { apiVersion: 'v1', kind: 'Pod', name: podName(owner.name, group) },
    { spec: merged.spec },
    { labels, annotations: { ...merged.metadata.annotations, [ANNOTATIONS.templateHash]: hash } },
  );
}

function podSpec(input: PodInput): Readonly<Record<string, unknown>> {
  const { owner, spec, group } = input;
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    hostname: podName(owner.name, group),
    subdomain: serviceName(owner.name),
    terminationGracePeriodSeconds: spec.workers?.drainDeadlineSeconds ?? DRAIN_SECONDS,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: USER,
      runAsGroup: USER,
      fsGroup: USER,
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    },
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: 'kubernetes.io/hostname',
        whenUnsatisfiable: 'ScheduleAnyway',
        labelSelector: { matchLabels: selectorLabels(owner.name) },
      },
    ],
    containers: [container(input)],
    volumes: volumes(input),
  };
}

function container({ spec, group, image, config, connections }: PodInput): object {
  return {
    name: 'ingest',
    image,
    args: [
      'ingest',
      '-f',
      '/etc/sluice/ingestion/resource.yaml',
      '--group',
      group,
      '--data',
      '/var/lib/sluice',
      '--port',
      String(PORT),
      '--address',
      `$(POD_IP):${PORT}`,
    ],
    env: [
      { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
      { name: 'SLUICE_SECRETS', value: '/etc/sluice/secrets' },
      ...(connections === undefined
        ? []
        : [{ name: 'SLUICE_CONNECTIONS', value: '/etc/sluice/connections/connections.yaml' }]),
    ],
    ports: [{ name: 'http', containerPort: PORT, protocol: 'TCP' }],
    resources: spec.workers?.resources ?? {
      requests: { cpu: '100m', memory: '512Mi' },
      limits: { memory: '2Gi' },
    },
    // A start may replay hydrants; it is not a reason to kill.
    startupProbe: probe('/status/health', 2, 90),
    livenessProbe: probe('/status/health', 10, 6),
    readinessProbe: probe('/status/ready', 2, 2),
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      readOnlyRootFilesystem: true,
    },
    volumeMounts: [
      { name: 'ingestion', mountPath: '/etc/sluice/ingestion', readOnly: true },
      ...(connections === undefined
        ? []
        : [{ name: 'connections', mountPath: '/etc/sluice/connections', readOnly: true }]),
      ...config.secrets.map((name, i) => ({
        name: `secret-${i}`,
        mountPath: `/etc/sluice/secrets/${name}`,
        readOnly: true,
      })),
      { name: 'data', mountPath: '/var/lib/sluice' },
      { name: 'tmp', mountPath: '/tmp' },
    ],
  };
}

function probe(path: string, periodSeconds: number, failureThreshold: number): object {
  return {
    httpGet: { path, port: 'http' },
    periodSeconds,
    timeoutSeconds: 5,
    failureThreshold,
  };
}

function volumes({ owner, spec, group, config, connections }: PodInput): readonly object[] {
  return [
    { name: 'ingestion', configMap: { name: config.name } },
    ...(connections === undefined
      ? []
      : [{ name: 'connections', secret: { secretName: connections } }]),
    ...config.secrets.map((secretName, i) => ({ name: `secret-${i}`, secret: { secretName } })),
    spec.workers?.storage === undefined
      ? { name: 'data', emptyDir: {} }
      : {
          name: 'data',
          persistentVolumeClaim: { claimName: volumeClaimName(owner.name, group) },
        },
    { name: 'tmp', emptyDir: { sizeLimit: '256Mi' } },
  ];
}
