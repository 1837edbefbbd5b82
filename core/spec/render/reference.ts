// The reference page of the resource: one table an object, in the order of the schema.

import { API_VERSION, KIND } from '../realtime-ingestion.ts';
import { type JsonSchema, specJsonSchema } from './json-schema.ts';

/** The text of `docs/reference/realtime-ingestion.md`. */
export function referenceText(): string {
  const sections: string[] = [];
  describe('spec', specJsonSchema(), sections);
  return [
    '<!-- Generated from core/spec by `npm run generate`. Do not edit. -->',
    '',
    `# ${KIND}`,
    '',
    `\`apiVersion: ${API_VERSION}\`, \`kind: ${KIND}\`. \`metadata.name\` is a DNS label of at most 52 characters.`,
    'Fields that this release does not support yet are refused by name (`SpecInvalid`), never ignored.',
    'A complete example: [examples/wikipedia.yaml](../../examples/wikipedia.yaml); with Kafka:',
    '[examples/wikipedia-kafka.yaml](../../examples/wikipedia-kafka.yaml).',
    '',
    ...sections,
  ].join('\n');
}

function describe(path: string, schema: JsonSchema, out: string[]): void {
  const { properties = {}, required = [], description = '' } = schema;
  out.push(`## ${path}`, '', description, '');
  out.push('| Field | Type | Required | Meaning |', '| --- | --- | --- | --- |');
  for (const [name, field] of Object.entries(properties)) {
    const isRequired = required.includes(name) ? 'yes' : '';
    const cells = [`\`${name}\``, typeOf(field, `${path}.${name}`), isRequired, field.description];
    out.push(`| ${cells.map((cell) => escape(cell ?? '')).join(' | ')} |`);
  }
  out.push('');
  for (const [name, field] of Object.entries(properties)) {
    if (field.properties !== undefined) describe(`${path}.${name}`, field, out);
    if (field.items?.properties !== undefined) describe(`${path}.${name}[]`, field.items, out);
  }
}

function typeOf(schema: JsonSchema, path: string): string {
  if (schema.enum !== undefined) return schema.enum.map((word) => `\`${word}\``).join(', ');
  if (schema.properties !== undefined) return `[object](#${anchor(path)})`;
  if (schema.type === 'array') return `list of ${typeOf(schema.items ?? {}, `${path}[]`)}`;
  if (schema.type === 'integer') return `integer${range(schema)}`;
  if (schema.type === 'object') {
    const { additionalProperties } = schema;
    const isMap = typeof additionalProperties === 'object' && additionalProperties.type;
    return isMap ? `map of ${additionalProperties.type}` : 'free object';
  }
  return schema.type ?? 'anything';
}

function range({ minimum, maximum }: JsonSchema): string {
  const from = minimum ?? Number.MIN_SAFE_INTEGER;
  const to = maximum ?? Number.MAX_SAFE_INTEGER;
  if (to === Number.MAX_SAFE_INTEGER)
    return from === Number.MIN_SAFE_INTEGER ? '' : `, at least ${from}`;
  return `, ${from} to ${to}`;
}

/** The anchor that Markdown renderers give a heading. */
function anchor(path: string): string {
  return path.toLowerCase().replaceAll(/[^a-z0-9-]/g, '');
}

/** Text as a cell of a Markdown table. */
function escape(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}
