// Settings of the operator on Kubernetes from the environment that the chart sets. Read once, here.

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Failure } from '../core/runtime/failure.ts';
import type { OperatorSettings } from '../operator/reconcile/kubernetes/controller-parts.ts';

const RESYNC_MS = 30_000;
/** Ten looks a second at most, however many ingestions: each asks etcd, Kafka and every worker. */
const RESYNC_PER_INGESTION_MS = 100;
/** As long as a worker's own grace period. */
const DRAIN_MS = 120_000;
const ACCOUNT_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';

/** How the API server is reached. */
export interface KubernetesAccess {
  readonly kubeconfig?: string;
  /** The account of this pod, where it is one. */
  readonly inCluster?: { readonly folder: string; readonly server: string };
}

/** What the environment says of the API server. */
export function kubernetesAccess(env: NodeJS.ProcessEnv): KubernetesAccess {
  const kubeconfig = env['KUBECONFIG'] ?? '';
  const host = env['KUBERNETES_SERVICE_HOST'] ?? '';
  const server = `https://${host.includes(':') ? `[${host}]` : host}:${env['KUBERNETES_SERVICE_PORT'] || '443'}`;
  return {
    ...(kubeconfig === '' ? {} : { kubeconfig }),
    ...(host === '' ? {} : { inCluster: { folder: accountFolder(env), server } }),
  };
}

function accountFolder(env: NodeJS.ProcessEnv): string {
  return env['SLUICE_SERVICE_ACCOUNT'] || ACCOUNT_FOLDER;
}

/** What the environment says. @throws Failure `config` EnvironmentMissing */
export function kubernetesSettings(env: NodeJS.ProcessEnv): {
  readonly settings: OperatorSettings;
  readonly watchNamespace: string;
  readonly identity: string;
} {
  const image = env['SLUICE_IMAGE'] ?? '';
  if (image === '')
    throw new Failure(
      'config',
      'EnvironmentMissing',
      'SLUICE_IMAGE: is not set; set it to the image of worker pods',
    );
  const pod = env['POD_NAME'] || hostname();
  return {
    settings: {
      namespace: env['SLUICE_NAMESPACE'] || podNamespace(accountFolder(env)),
      image,
      connectionsSecretName: env['SLUICE_CONNECTIONS_SECRET'] || undefined,
      resyncMs: RESYNC_MS,
      resyncPerIngestionMs: RESYNC_PER_INGESTION_MS,
      rollsAtOnceMax: limitOf(env, 'SLUICE_ROLLS_AT_ONCE'),
      drainMs: DRAIN_MS,
    },
    watchNamespace: env['SLUICE_WATCH_NAMESPACE'] ?? '',
    // A restarted container is another candidate: what the old one began may not be over.
    identity: `${pod}_${randomBytes(4).toString('hex')}`,
  };
}

function podNamespace(folder: string): string {
  try {
    return readFileSync(join(folder, 'namespace'), 'utf8').trim();
  } catch {
    return 'default';
  }
}

/** A whole number above 0; absent = no limit. @throws Failure `config` EnvironmentMissing */
function limitOf(env: NodeJS.ProcessEnv, name: string): number {
  const text = env[name] ?? '';
  const value = text === '' ? Infinity : Number(text);
  if (value >= 1 && (value === Infinity || Number.isInteger(value))) return value;
  throw new Failure(
    'config',
    'EnvironmentMissing',
    `${name}: value '${text}': set a whole number above 0, or leave it out`,
  );
}
