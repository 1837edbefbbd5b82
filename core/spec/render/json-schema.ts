// The schema of the resource as plain JSON schema: what editors read, and what CRD and reference page are rendered
// from. The one place that looks into zod's schemas from outside.

import { z } from 'zod';
import { realtimeIngestionSchema, realtimeIngestionSpecSchema } from '../schema.ts';

/** The part of JSON schema that the resource uses. Order of properties is that of the source. */
export interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly const?: string;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  /** False: no other members. A schema: a map. `{}`: anything. */
  readonly additionalProperties?: boolean | JsonSchema;
}

/** Schema of `spec`. */
export function specJsonSchema(): JsonSchema {
  return render(realtimeIngestionSpecSchema);
}

/** The text of `crds/realtimeingestion.schema.json`: the whole resource, for editors. */
export function jsonSchemaText(): string {
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'RealtimeIngestion',
    ...render(realtimeIngestionSchema),
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

function render(schema: z.ZodType): JsonSchema {
  // Periods are checked by code, which JSON schema cannot say; `any` lets their text through.
  const { $schema: _dialect, ...rendered } = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    target: 'draft-2020-12',
  });
  // The resource is made of objects, lists, words, texts, numbers and flags only, all of which JsonSchema covers;
  // crd.ts refuses any other keyword it meets.
  return rendered as JsonSchema;
}
