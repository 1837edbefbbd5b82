// A lookup as Druid's clients write it, and as it is stored. Fed by lookup-endpoints.ts.
// Source: Druid's lookup API (druid-query-api.md 8 says how lookups are used).

import { LOOKUP_TIER } from '../../core/metadata/keys.ts';
import type { LookupRecord } from '../../core/metadata/values.ts';
import { Failure } from '../../core/runtime/failure.ts';

/** Longest name, characters. */
const NAME_MAX = 200;

/**
 * Checks `{version, lookupExtractorFactory}`; without the wrapper the value is the factory itself.
 *
 * @throws Failure `input` LookupInvalid naming the field
 */
export function parseLookup(tier: string, name: string, value: unknown): LookupRecord {
  const at = `lookup [${tier}]:[${name}]`;
  if (tier !== LOOKUP_TIER)
    throw invalid(`${at}: tier '${tier}' is not offered; every server loads '${LOOKUP_TIER}'`);
  if (name === '' || name.length > NAME_MAX)
    throw invalid(`${at}: a name has 1 to ${NAME_MAX} characters`);
  const fields = objectOf(value, at);
  const factory = objectOf(fields['lookupExtractorFactory'], `${at}: lookupExtractorFactory`);
  const { map, ...rest } = factory;
  if (rest['type'] !== 'map') {
    throw invalid(
      `${at}: lookupExtractorFactory.type '${String(rest['type'])}' is not supported; give 'map' with its entries`,
    );
  }
  const version = fields['version'];
  if (version !== undefined && version !== null && typeof version !== 'string')
    throw invalid(`${at}: version must be a text`);
  return {
    version: version ?? null,
    map: entriesOf(map, `${at}: lookupExtractorFactory.map`),
    rest,
  };
}

/** The form in which a client reads a lookup back. */
export function lookupJson({ version, map, rest }: LookupRecord): object {
  return { version, lookupExtractorFactory: { ...rest, map } };
}

/** True when `next` may take the place of `known`: versions grow as text. */
export function replaces(next: LookupRecord, known: LookupRecord): boolean {
  if (next.version === null || known.version === null) return next.version !== null;
  return next.version > known.version;
}

function entriesOf(value: unknown, at: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(objectOf(value, at)).map(([key, entry]) => {
      if (typeof entry !== 'string' && typeof entry !== 'number' && typeof entry !== 'boolean')
        throw invalid(`${at}: the value of key '${key}' must be a text`);
      return [key, String(entry)];
    }),
  );
}

function objectOf(value: unknown, at: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(`${at}: expected an object`);
  return { ...value };
}

/** A 400. */
export function invalid(message: string): Failure {
  return new Failure('input', 'LookupInvalid', message);
}
