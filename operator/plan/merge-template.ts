// A user's pod settings merged into the generated pod, the way `kubectl patch` does: maps by key, lists of named things
// by name, other lists replaced. Fed by spec.workers.template.

/** Key that identifies the items of a list, by the name of the list. */
const LIST_KEYS: Readonly<Record<string, string>> = {
  containers: 'name',
  initContainers: 'name',
  volumes: 'name',
  env: 'name',
  imagePullSecrets: 'name',
  volumeMounts: 'mountPath',
  ports: 'containerPort',
  hostAliases: 'ip',
};

/** `patch` over `base`; neither is changed. */
export function mergeTemplate(base: unknown, patch: unknown, name = ''): unknown {
  if (patch === undefined) return base;
  if (Array.isArray(base) && Array.isArray(patch)) return mergeList(base, patch, name);
  if (!isMap(base) || !isMap(patch)) return patch;
  const out: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(patch)) out[key] = mergeTemplate(base[key], value, key);
  return out;
}

function mergeList(base: readonly unknown[], patch: readonly unknown[], name: string): unknown {
  const key = LIST_KEYS[name];
  if (key === undefined) return patch;
  const out = [...base];
  for (const item of patch) {
    const id = isMap(item) ? item[key] : undefined;
    const at = out.findIndex((other) => isMap(other) && other[key] === id);
    if (at < 0) out.push(item);
    else out[at] = mergeTemplate(out[at], item);
  }
  return out;
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
