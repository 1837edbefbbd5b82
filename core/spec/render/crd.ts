// The CustomResourceDefinition, rendered from the resource's schema: structural OpenAPI v3, rules between fields in
// CEL, columns for kubectl, status and scale subresources. Conventions: operator.md 2.

import { stringify } from 'yaml';
import { Failure } from '../../runtime/failure.ts';
import { API_VERSION, KIND } from '../realtime-ingestion.ts';
import { type JsonSchema, specJsonSchema } from './json-schema.ts';
import { statusSchema } from './status-schema.ts';

/** Any value of YAML. */
type Yaml = Readonly<Record<string, unknown>>;

/** Keywords that are carried over as they are. */
const KEPT = 'type description enum pattern minLength maxLength minItems maxItems'.split(' ');
const KNOWN = [
  ...KEPT,
  ...'minimum maximum items properties required additionalProperties'.split(' '),
];
/** Keywords without meaning in a structural schema. */
const DROPPED = ['propertyNames'];

/** A text without a limit of its own; the API server needs one to estimate the cost of rules. */
const TEXT_MAX = 512;
/** Members of a map. */
const MEMBERS_MAX = 64;
const INT32_MAX = 2_147_483_647;

/** Rules by path. Messages say what is allowed. */
const RULES: Readonly<Record<string, readonly Yaml[]>> = {
  'spec.dataSource': [{ rule: 'self == oldSelf', message: '`dataSource` must not change' }],
  'spec.source': [
    {
      rule: 'has(self.kafka) != has(self.file)',
      message: '`source` must have exactly one of `kafka` and `file`',
    },
    {
      rule: 'has(self.kafka) == has(oldSelf.kafka)',
      message: '`source` must stay of the kind it was created with',
    },
  ],
  'spec.source.kafka.topic': [{ rule: 'self == oldSelf', message: '`topic` must not change' }],
  'spec.schema.metrics[]': [
    {
      rule: "self.type == 'count' || has(self.fieldName)",
      message: '`fieldName` must be given for every type but count',
    },
  ],
  'spec.autoscale': [{ rule: 'self.min <= self.max', message: '`min` must be at most `max`' }],
  'spec.badRecords.deadLetter': [
    {
      rule: 'has(self.topic) != has(self.prefix)',
      message: '`deadLetter` must have exactly one of `topic` and `prefix`',
    },
  ],
};

/** The text of `crds/sluice.dev_realtimeingestions.yaml`. @throws Failure `bug` CrdUnrenderable */
export function crdText(): string {
  const [group = '', version = ''] = API_VERSION.split('/');
  const plural = `${KIND.toLowerCase()}s`;
  const crd = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: {
        kind: KIND,
        listKind: `${KIND}List`,
        plural,
        singular: KIND.toLowerCase(),
        shortNames: ['rti'],
        categories: ['sluice'],
      },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          additionalPrinterColumns: COLUMNS,
          selectableFields: [
            { jsonPath: '.spec.dataSource' },
            { jsonPath: '.spec.source.kafka.topic' },
          ],
          subresources: {
            status: {},
            scale: {
              specReplicasPath: '.spec.workers.count',
              statusReplicasPath: '.status.workers.ready',
              labelSelectorPath: '.status.selector',
            },
          },
          schema: {
            openAPIV3Schema: {
              type: 'object',
              description: 'Ingestion of one stream into one data source.',
              required: ['spec'],
              properties: {
                apiVersion: { type: 'string', description: `Always ${API_VERSION}.` },
                kind: { type: 'string', description: `Always ${KIND}.` },
                metadata: { type: 'object' },
                spec: structural(specJsonSchema(), 'spec'),
                status: statusSchema,
              },
            },
          },
        },
      ],
    },
  };
  const note = '# Generated from core/spec by `npm run generate`. Do not edit.\n';
  return note + stringify(crd, { lineWidth: 120, aliasDuplicateObjects: false });
}

const COLUMNS = [
  { name: 'DataSource', type: 'string', jsonPath: '.spec.dataSource' },
  { name: 'Ready Workers', type: 'integer', jsonPath: '.status.workers.ready' },
  { name: 'Workers', type: 'integer', jsonPath: '.status.workers.desired' },
  { name: 'Partitions', type: 'integer', jsonPath: '.status.partitions.total' },
  { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
  { name: 'Suspended', type: 'boolean', jsonPath: '.spec.suspend' },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  { name: 'Topic', type: 'string', jsonPath: '.spec.source.kafka.topic', priority: 1 },
  {
    name: 'Reason',
    type: 'string',
    jsonPath: '.status.conditions[?(@.type=="Ready")].reason',
    priority: 1,
  },
];

/** A schema the API server takes: no closed objects (it prunes instead), every list, map and text bounded. */
function structural(schema: JsonSchema, path: string): Yaml {
  for (const key of Object.keys(schema)) {
    if (!KNOWN.includes(key) && !DROPPED.includes(key))
      throw new Failure(
        'bug',
        'CrdUnrenderable',
        `${path}: keyword '${key}' has no place in a structural schema; describe the field by another one`,
      );
  }
  const kept = Object.entries(schema).filter(([key]) => KEPT.includes(key));
  const rules = RULES[path];
  return {
    ...Object.fromEntries(kept),
    ...bounds(schema),
    ...(schema.type === 'array' ? listOf(schema, path) : {}),
    ...(schema.type === 'object' ? membersOf(schema, path) : {}),
    ...(rules === undefined ? {} : { 'x-kubernetes-validations': rules }),
  };
}

function bounds({ type, enum: words, maxLength, minimum, maximum }: JsonSchema): Yaml {
  if (type === 'string' && words === undefined && maxLength === undefined)
    return { maxLength: TEXT_MAX };
  if (type !== 'integer') return {};
  return {
    format: (maximum ?? Infinity) <= INT32_MAX ? 'int32' : 'int64',
    ...(minimum === undefined ? {} : { minimum }),
    ...(maximum === undefined ? {} : { maximum }),
  };
}

function listOf({ items = {} }: JsonSchema, path: string): Yaml {
  const { properties = {}, required = [], type } = items;
  const key = ['name', 'partition'].find((name) => name in properties && required.includes(name));
  return {
    ...(key !== undefined
      ? { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': [key] }
      : { 'x-kubernetes-list-type': type === 'string' ? 'set' : 'atomic' }),
    items: structural(items, `${path}[]`),
  };
}

function membersOf(schema: JsonSchema, path: string): Yaml {
  const { properties, required, additionalProperties } = schema;
  if (properties !== undefined) {
    return {
      ...(required === undefined || required.length === 0 ? {} : { required }),
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, member]) => [
          name,
          structural(member, `${path}.${name}`),
        ]),
      ),
    };
  }
  if (typeof additionalProperties === 'object' && additionalProperties.type !== undefined)
    return {
      maxProperties: MEMBERS_MAX,
      additionalProperties: structural(additionalProperties, `${path}{}`),
    };
  return { 'x-kubernetes-preserve-unknown-fields': true };
}
