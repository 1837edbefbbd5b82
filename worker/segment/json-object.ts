// JSON found inside segment files: parsed with its place, and read by key without trusting its shape.
// Fed by column descriptors, index.drd and metadata.drd.

import { messageOf } from '../../core/runtime/failure.ts';
import type { Place } from './place.ts';

/** A JSON object of unknown content. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** True for objects that are neither null nor arrays. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Parses an object. @throws Failure `corrupt` */
export function parseJsonObject(
  text: string,
  place: Place,
  offset: number,
  what: string,
): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw place.corrupt(offset, `${what} is not JSON: ${messageOf(error)}`);
  }
  if (!isJsonObject(value)) throw place.corrupt(offset, `${what} is no JSON object`);
  return value;
}

/** The text under a key, or undefined. */
export function textAt(object: JsonObject, key: string): string | undefined {
  const value = object[key];
  return typeof value === 'string' ? value : undefined;
}
