import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { crdText } from './crd.ts';
import { jsonSchemaText } from './json-schema.ts';
import { referenceText } from './reference.ts';

type Node = Readonly<Record<string, unknown>>;

const crd = parse(crdText()) as {
  spec: {
    names: Node;
    versions: { schema: { openAPIV3Schema: Node }; subresources: Node }[];
  };
};
const [version] = crd.spec.versions;
const root = version?.schema.openAPIV3Schema ?? {};

/** Every schema below `node` with its path. */
function* walk(node: Node, path: string): Generator<readonly [string, Node]> {
  yield [path, node];
  const properties = (node['properties'] ?? {}) as Record<string, Node>;
  for (const [name, member] of Object.entries(properties)) yield* walk(member, `${path}.${name}`);
  if (node['items'] !== undefined) yield* walk(node['items'] as Node, `${path}[]`);
  if (node['additionalProperties'] !== undefined)
    yield* walk(node['additionalProperties'] as Node, `${path}{}`);
}

const all = [...walk(root, '')];

test('the definition is structural, bounded and described', () => {
  expect(all.length).toBeGreaterThan(120);
  for (const [path, node] of all) {
    const type = node['type'];
    expect(type, path).toMatch(/^(object|array|string|integer|boolean)$/);
    for (const key of ['oneOf', 'anyOf', 'allOf', 'not', '$ref', 'const', 'nullable'])
      expect(node, path).not.toHaveProperty(key);
    expect(node['additionalProperties'], path).not.toBe(false);
    if (path !== '' && path !== '.metadata' && !/(\[\]|\{\})$/.test(path))
      expect(node['description'], path).toMatch(/^\S.*\.$/);
    if (
      path.startsWith('.s') &&
      type === 'string' &&
      node['enum'] === undefined &&
      node['format'] === undefined
    )
      expect(node['maxLength'], path).toBeGreaterThan(0);
    if (type === 'array') {
      expect(node['maxItems'], path).toBeGreaterThan(0);
      expect(node['x-kubernetes-list-type'], path).toMatch(/^(map|set|atomic)$/);
    }
  }
});

test('only pod template and foreign store take unknown fields', () => {
  const free = all.filter(([, node]) => node['x-kubernetes-preserve-unknown-fields'] === true);
  expect(free.map(([path]) => path)).toEqual([
    '.spec.workers.template',
    '.spec.segments.publishTo.druid',
  ]);
});

test('names, subresources and rules', () => {
  expect(crd.spec.names).toMatchObject({ shortNames: ['rti'], categories: ['sluice'] });
  expect(Object.keys(version?.subresources ?? {})).toEqual(['status', 'scale']);
  const rules = all.flatMap(([path, node]) =>
    ((node['x-kubernetes-validations'] ?? []) as Node[]).map(
      (rule) => `${path}: ${String(rule['rule'])}`,
    ),
  );
  expect(rules).toContain('.spec.dataSource: self == oldSelf');
  expect(rules).toContain('.spec.source: has(self.kafka) != has(self.file)');
  expect(rules).toHaveLength(7);
});

test('the reference page names every field of spec, the JSON schema is closed', () => {
  const page = referenceText();
  const fields = all.filter(
    ([path]) => path.startsWith('.spec.') && !path.endsWith('[]') && !path.endsWith('{}'),
  );
  expect(fields.length).toBeGreaterThan(90);
  for (const [path] of fields) {
    const [, parent = '', name = ''] = /^\.(.*)\.([^.]+)$/.exec(path) ?? [];
    const section = page.split(/^## /m).find((part) => part.startsWith(`${parent}\n`)) ?? '';
    expect(section, path).toContain(`| \`${name}\` |`);
  }
  const schema = JSON.parse(jsonSchemaText()) as { properties: { spec: Node } };
  expect(schema.properties.spec['additionalProperties']).toBe(false);
});
