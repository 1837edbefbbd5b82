// What the roles of a release grant, held against what the API server's audit log says was done with it: a verb nobody
// used is too much, one that was denied is too little.

import { readFile } from 'node:fs/promises';
import type { RealNode } from './real-node.ts';

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

interface AuditEvent {
  readonly verb: string;
  readonly requestURI: string;
  readonly user: { readonly username: string };
  readonly objectRef?: {
    readonly resource?: string;
    readonly subresource?: string;
    readonly apiGroup?: string;
  };
  readonly responseStatus?: { readonly code: number };
}

/** Verbs as `group/resource verb`, in order. */
export interface VerbReport {
  readonly granted: readonly string[];
  readonly used: readonly string[];
  readonly unused: readonly string[];
  readonly denied: readonly string[];
}

/** Compares the rules of these roles (`clusterrole/name`, `role/name`) with what the account did. */
export async function reportVerbs(
  node: RealNode,
  namespace: string,
  account: string,
  roles: readonly string[],
): Promise<VerbReport> {
  const granted = new Set<string>();
  for (const role of roles) {
    const { rules } = await node.read<{ rules: Rule[] }>(role, '-n', namespace);
    for (const { apiGroups, resources, verbs } of rules)
      for (const group of apiGroups)
        for (const resource of resources)
          for (const verb of verbs) granted.add(`${group}/${resource} ${verb}`);
  }
  const used = new Set<string>();
  const denied = new Set<string>();
  const user = `system:serviceaccount:${namespace}:${account}`;
  for (const line of (await readFile(node.auditLog, 'utf8')).split('\n')) {
    if (!line.includes(user)) continue;
    const event = JSON.parse(line) as AuditEvent;
    if (event.user.username !== user) continue;
    const { resource, subresource, apiGroup = '' } = event.objectRef ?? {};
    if (resource === undefined) continue;
    const name = subresource === undefined ? resource : `${resource}/${subresource}`;
    const use = `${apiGroup}/${name} ${event.verb}`;
    used.add(use);
    // A server-side apply that makes the object is authorized for both.
    if (event.verb === 'patch' && event.responseStatus?.code === 201)
      used.add(`${apiGroup}/${name} create`);
    if (event.responseStatus?.code === 403) denied.add(`${use} ${event.requestURI}`);
  }
  const sorted = (set: Iterable<string>): readonly string[] =>
    [...set].toSorted((a, b) => (a < b ? -1 : 1));
  return {
    granted: sorted(granted),
    used: sorted(used),
    unused: sorted([...granted].filter((verb) => !used.has(verb))),
    denied: sorted(denied),
  };
}
