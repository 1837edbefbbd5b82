// Which URL a kind lives at. The kinds used are listed by who uses them; this knows only how paths are built.

/** A kind of object and where the API server keeps it. */
export interface Resource {
  /** `''` for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** As in URLs. */
  readonly plural: string;
}

/** `group/version`, as objects write it. */
export function apiVersionOf({ group, version }: Resource): string {
  return group === '' ? version : `${group}/${version}`;
}

/** Path of the collection; all namespaces when `namespace` is `''`. */
export function collectionPath(resource: Resource, namespace: string): string {
  const root =
    resource.group === '' ? `/api/${resource.version}` : `/apis/${apiVersionOf(resource)}`;
  const scope = namespace === '' ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${root}${scope}/${resource.plural}`;
}

/** Path of one object, or of a subresource of it. */
export function objectPath(
  resource: Resource,
  at: { readonly namespace: string; readonly name: string },
  subresource = '',
): string {
  const tail = subresource === '' ? '' : `/${subresource}`;
  return `${collectionPath(resource, at.namespace)}/${encodeURIComponent(at.name)}${tail}`;
}
