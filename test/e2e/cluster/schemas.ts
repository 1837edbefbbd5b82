// JSON schemas for kubeconform from what the live server says of every kind it serves, CRDs included. Unknown fields are
// refused, as the server refuses them.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RealNode } from './real-node.ts';

type Schema = { readonly [key: string]: unknown };

interface OpenApi {
  readonly definitions: Readonly<Record<string, Schema>>;
}

interface Kind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** Writes one file a kind; answers the location as kubeconform takes it and how many there are. */
export async function writeSchemas(
  node: RealNode,
): Promise<{ readonly location: string; readonly kinds: number }> {
  const { definitions } = JSON.parse(await node.kubectl('get', '--raw', '/openapi/v2')) as OpenApi;
  const folder = join(node.folder, 'schemas');
  await mkdir(folder);
  let kinds = 0;
  for (const [name, definition] of Object.entries(definitions)) {
    const served = (definition['x-kubernetes-group-version-kind'] ?? []) as readonly Kind[];
    for (const { group, version, kind } of served) {
      if (/List$|Options$/.test(kind)) continue;
      const parts = [kind, group.split('.')[0], version].filter((part) => part !== '');
      const schema = closed(inlined(definition, definitions, [name]));
      await writeFile(
        join(folder, `${parts.join('-').toLowerCase()}.json`),
        JSON.stringify(schema),
      );
      kinds++;
    }
  }
  return { location: join(folder, '{{.ResourceKind}}{{.KindSuffix}}.json'), kinds };
}

/** References replaced by what they name; one that leads back to itself allows everything. */
function inlined(
  value: unknown,
  definitions: OpenApi['definitions'],
  seen: readonly string[],
): unknown {
  if (Array.isArray(value)) return value.map((item) => inlined(item, definitions, seen));
  if (!isObject(value)) return value;
  const { $ref: reference } = value;
  if (typeof reference === 'string') {
    const name = reference.slice('#/definitions/'.length);
    return seen.includes(name) ? {} : inlined(definitions[name], definitions, [...seen, name]);
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, inlined(item, definitions, seen)]),
  );
}

/** Objects with fixed properties refuse others; int-or-string is spelled out. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (!isObject(value)) return value;
  const copy: Record<string, unknown> = Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      key === 'enum' || key === 'default' ? item : closed(item),
    ]),
  );
  if (copy['format'] === 'int-or-string' || copy['x-kubernetes-int-or-string'] === true) {
    delete copy['type'];
    delete copy['format'];
    copy['oneOf'] = [{ type: 'string' }, { type: 'integer' }];
  }
  const isOpen =
    'additionalProperties' in copy || copy['x-kubernetes-preserve-unknown-fields'] === true;
  if (isObject(copy['properties']) && typeof copy['type'] === 'string' && !isOpen)
    copy['additionalProperties'] = false;
  return copy;
}

function isObject(value: unknown): value is Schema {
  return value !== null && typeof value === 'object';
}
