// Kubernetes objects as they come over the wire: raw JSON, nothing decoded. Feeds every part of this folder; what an
// object means is known only to who asked for it.

/** What every object has that this folder looks at. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly OwnerReference[];
}

/** An owner of an object. */
export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** An object. Fields beside these are JSON, read with {@link field}. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly [key: string]: unknown;
}

/** `namespace/name`, or the name alone for objects without a namespace. */
export function keyOf(object: KubeObject): string {
  const { namespace, name } = object.metadata;
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** The value at a path of keys and list indexes; undefined where the path ends early. */
export function field(value: unknown, ...path: readonly (string | number)[]): unknown {
  let at = value;
  for (const step of path) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = Reflect.get(at, step);
  }
  return at;
}

/** A list at a path; empty where there is none. */
export function listAt(value: unknown, ...path: readonly (string | number)[]): readonly unknown[] {
  const at = field(value, ...path);
  return Array.isArray(at) ? at : [];
}

/** A text at a path; `''` where there is none. */
export function textAt(value: unknown, ...path: readonly (string | number)[]): string {
  const at = field(value, ...path);
  return typeof at === 'string' ? at : '';
}

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * The object as caches keep it: without managedFields and last-applied, which are most of its bytes (a pod costs 34 KB
 * as delivered and 5 KB so; operator.md 3.1).
 */
export function withoutBallast(object: KubeObject): KubeObject {
  const { managedFields: _, ...metadata } = object.metadata as ObjectMeta & {
    managedFields?: unknown;
  };
  const { [LAST_APPLIED]: last, ...annotations } = metadata.annotations ?? {};
  if (last === undefined) return { ...object, metadata };
  return { ...object, metadata: { ...metadata, annotations } };
}

/** The owner that controls the object. */
export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((owner) => owner.controller === true);
}
