// What every child has: names, labels, its owner, and the hash of the whole, by which a field that is no longer wanted
// is noticed. Used by the other planners of children. Pure.

import { ANNOTATIONS, childLabels } from '../api/names.ts';
import type { KubeObject, OwnerReference } from '../kube/object.ts';
import { contentHash } from './content-hash.ts';

/** The resource that children belong to. */
export interface Owner {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** The owner of an object of the API server. */
export function ownerOf(object: KubeObject): Owner {
  const { namespace = 'default', name, uid = '' } = object.metadata;
  return { apiVersion: object.apiVersion, kind: object.kind, namespace, name, uid };
}

function reference({ apiVersion, kind, name, uid }: Owner): OwnerReference {
  return { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true };
}

/** A child with its metadata; `body` holds the other fields. */
export function wantedObject(
  owner: Owner,
  kind: { readonly apiVersion: string; readonly kind: string; readonly name: string },
  body: Readonly<Record<string, unknown>>,
  extra: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  } = {},
): KubeObject {
  const metadata = {
    namespace: owner.namespace,
    name: kind.name,
    labels: { ...extra.labels, ...childLabels(owner.name) },
    ownerReferences: [reference(owner)],
  };
  const annotations = { ...extra.annotations };
  const hash = contentHash({ metadata, annotations, body });
  return {
    apiVersion: kind.apiVersion,
    kind: kind.kind,
    metadata: { ...metadata, annotations: { ...annotations, [ANNOTATIONS.hash]: hash } },
    ...body,
  };
}
