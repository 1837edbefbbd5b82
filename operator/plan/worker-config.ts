// The configuration of the workers of an ingestion: a ConfigMap that never changes, named after its content. What does
// not concern a running worker (how many there are, retention, deletion) is left out, so that it restarts none. Pure.

import type { RealtimeIngestionSpec, SecretKeyRef } from '../../core/spec/realtime-ingestion.ts';
import { childName } from '../api/names.ts';
import type { KubeObject } from '../kube/object.ts';
import { contentHash, stableText } from './content-hash.ts';
import { type Owner, wantedObject } from './wanted-object.ts';

/** The configuration and how pods refer to it. */
export interface WorkerConfig {
  readonly configMap: KubeObject;
  readonly name: string;
  readonly hash: string;
  /** Secrets the worker reads, in order, each once. */
  readonly secrets: readonly string[];
}

/** Builds the configuration. */
export function workerConfig(owner: Owner, spec: RealtimeIngestionSpec): WorkerConfig {
  const { dataSource, source, schema, lateness, badRecords, segments } = spec;
  const resource = {
    apiVersion: owner.apiVersion,
    kind: owner.kind,
    metadata: { namespace: owner.namespace, name: owner.name },
    spec: { dataSource, source, schema, lateness, badRecords, segments },
  };
  const hash = contentHash(resource);
  const name = childName(owner.name, hash);
  const configMap = wantedObject(
    owner,
    { apiVersion: 'v1', kind: 'ConfigMap', name },
    { immutable: true, data: { 'resource.yaml': stableText(resource) } },
  );
  return { configMap, name, hash, secrets: secretNames(spec) };
}

/** Every secret key that the source refers to. */
export function secretRefs(spec: RealtimeIngestionSpec): readonly SecretKeyRef[] {
  const { tls, sasl } = spec.source.kafka ?? {};
  const refs = [
    tls?.caSecret,
    tls?.certSecret,
    tls?.keySecret,
    sasl?.usernameSecret,
    sasl?.passwordSecret,
  ];
  return refs.filter((ref) => ref !== undefined);
}

function secretNames(spec: RealtimeIngestionSpec): readonly string[] {
  return [...new Set(secretRefs(spec).map((ref) => ref.name))].toSorted();
}
