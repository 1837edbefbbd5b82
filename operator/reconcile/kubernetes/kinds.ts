// The kinds of objects this operator reads and writes. The chart grants exactly these.

import { API_VERSION, KIND } from '../../../core/spec/realtime-ingestion.ts';
import type { Resource } from '../../kube/resource.ts';

const [GROUP = '', VERSION = ''] = API_VERSION.split('/');

/** The resource itself. */
export const INGESTIONS: Resource = {
  group: GROUP,
  version: VERSION,
  kind: KIND,
  plural: 'realtimeingestions',
};

/** Kinds of children. */
export type ChildKind =
  | 'pods'
  | 'configMaps'
  | 'secrets'
  | 'services'
  | 'claims'
  | 'budgets'
  | 'revisions';

/** Its children. */
export const KINDS: Readonly<Record<ChildKind, Resource>> = {
  pods: { group: '', version: 'v1', kind: 'Pod', plural: 'pods' },
  configMaps: { group: '', version: 'v1', kind: 'ConfigMap', plural: 'configmaps' },
  secrets: { group: '', version: 'v1', kind: 'Secret', plural: 'secrets' },
  services: { group: '', version: 'v1', kind: 'Service', plural: 'services' },
  claims: {
    group: '',
    version: 'v1',
    kind: 'PersistentVolumeClaim',
    plural: 'persistentvolumeclaims',
  },
  budgets: {
    group: 'policy',
    version: 'v1',
    kind: 'PodDisruptionBudget',
    plural: 'poddisruptionbudgets',
  },
  revisions: {
    group: 'apps',
    version: 'v1',
    kind: 'ControllerRevision',
    plural: 'controllerrevisions',
  },
};
