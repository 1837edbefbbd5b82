// Names, labels and annotations of everything the operator makes, and of what users write on a resource. Deterministic:
// a repeated create meets AlreadyExists instead of making a twin. Source: operator.md 2.6, 2.7, B12.

import { createHash } from 'node:crypto';

/** Field manager of children; `<manager>-status` writes status. */
export const MANAGER = 'sluice-operator';
/** Held until the workers have drained. */
export const FINALIZER = 'sluice.dev/drain';

/** Annotations. */
export const ANNOTATIONS = {
  /** On a resource: `"true"` = the operator keeps its hands off. */
  paused: 'sluice.dev/paused',
  /** On a resource: any new value rolls every worker once. */
  restartRequest: 'sluice.dev/restart-request',
  /** On a resource: any new value makes every partition start anew, where `spec.source.kafka.start` says. */
  resetRequest: 'sluice.dev/reset-request',
  /** On children: hash of what the operator wants of them. */
  hash: 'sluice.dev/applied-hash',
  /** On pods: hash of the configuration they were started with. */
  configHash: 'sluice.dev/config-hash',
  /** On pods: hash of everything a pod is made from. */
  templateHash: 'sluice.dev/template-hash',
} as const;

/** Labels. */
export const LABELS = {
  managedBy: 'app.kubernetes.io/managed-by',
  ingestion: 'sluice.dev/ingestion',
  group: 'sluice.dev/group',
} as const;

/** What the caches of children are filtered by. */
export const CHILDREN_SELECTOR: string = `${LABELS.managedBy}=${MANAGER}`;

/** Longest DNS label, label value and host name. */
const NAME_MAX = 63;

/** `<name>-<suffix>`, shortened in the middle with a hash where it would be too long. */
export function childName(name: string, suffix: string): string {
  const full = `${name}-${suffix}`;
  if (full.length <= NAME_MAX && !name.includes('.')) return full;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8);
  const room = NAME_MAX - suffix.length - hash.length - 2;
  return `${name.replaceAll('.', '-').slice(0, room)}-${hash}-${suffix}`;
}

/** A label value for any name. */
function labelValue(name: string): string {
  if (name.length <= NAME_MAX) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8);
  return `${name.slice(0, NAME_MAX - 9)}-${hash}`;
}

/** Labels that select the workers of an ingestion. They never change. */
export function selectorLabels(ingestion: string): Readonly<Record<string, string>> {
  return {
    'app.kubernetes.io/name': 'sluice',
    'app.kubernetes.io/component': 'ingest',
    [LABELS.ingestion]: labelValue(ingestion),
  };
}

/** Labels of every child. */
export function childLabels(ingestion: string): Readonly<Record<string, string>> {
  return {
    ...selectorLabels(ingestion),
    'app.kubernetes.io/instance': labelValue(ingestion),
    'app.kubernetes.io/part-of': 'sluice',
    [LABELS.managedBy]: MANAGER,
  };
}

/** The one worker of a group. */
export function podName(ingestion: string, group: string): string {
  return childName(ingestion, `${group}-0`);
}

/** A label selector as text, keys in order. */
export function selectorText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}
