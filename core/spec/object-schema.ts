// Building blocks of the resource's schema: objects typed against the hand-written interfaces, so that the compiler
// refuses a missing, extra or mistyped field; and the few formats that recur. Used by schema.ts and its parts only.

import { z } from 'zod';
import { Temporal } from 'temporal-polyfill';

/** One schema per field of T; optional fields must be optional in the schema too. */
type ObjectShape<T> = {
  [K in keyof T]-?: object extends Pick<T, K>
    ? z.ZodExactOptional<z.ZodType<T[K]>>
    : z.ZodType<T[K]>;
};

/** An object with exactly the fields of T. */
export function objectOf<T>(description: string, shape: ObjectShape<T>): z.ZodType<T> {
  return z.strictObject(shape as z.ZodRawShape).describe(description) as unknown as z.ZodType<T>;
}

/** An optional field. Absent, never undefined. */
export function optional<T>(schema: z.ZodType<T>): z.ZodExactOptional<z.ZodType<T>> {
  return z.exactOptional(schema);
}

/** Free text of bounded length. */
export function text(description: string, maxLength = 4096): z.ZodType<string> {
  return z.string().min(1, 'must not be empty').max(maxLength).describe(description);
}

/** One word of a closed list. */
export function word<const T extends readonly [string, ...string[]]>(
  description: string,
  words: T,
): z.ZodType<T[number]> {
  return z.enum(words).describe(description) as unknown as z.ZodType<T[number]>;
}

/** A whole number within bounds. */
export function whole(
  description: string,
  min: number,
  max: number = Number.MAX_SAFE_INTEGER,
): z.ZodType<number> {
  return z.int().min(min).max(max).describe(description);
}

/** True or false. */
export function flag(description: string): z.ZodType<boolean> {
  return z.boolean().describe(description);
}

/** An ISO-8601 period of positive, fixed length. */
export function period(description: string): z.ZodType<string> {
  return z
    .string()
    .refine(isPeriod, {
      error: 'is not a positive ISO-8601 period; write for example PT10M, PT1H or P1D',
    })
    .describe(description);
}

function isPeriod(value: string): boolean {
  try {
    return Temporal.Duration.from(value).sign > 0;
  } catch {
    return false;
  }
}

/** A column name a segment file can hold. Source: druid-segment-format.md 1.1, 1.2. */
export function columnName(description: string): z.ZodType<string> {
  return z
    .string()
    .min(1, 'must not be empty')
    .max(512)
    .regex(
      /^[^,\n\r]+$/,
      'may not contain a comma or a line break, which segment files cannot hold',
    )
    .refine((name) => name !== '__time' && name !== 'index.drd' && name !== 'metadata.drd', {
      error: 'is reserved; choose another name',
    })
    .describe(description);
}
