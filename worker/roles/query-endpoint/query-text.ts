// From the text of a request to a query that needs nothing but tables: registered lookups are put in by name.
// Used by the query endpoint.

import {
  exactJson,
  expandLookups,
  INTERNAL_LIMITS,
  mayNameLookups,
  parseExactJson,
  parseQuery,
  parseQueryText,
  type Query,
} from '../../query/query.ts';
import type { LookupRegistry } from '../lookups/lookup-registry.ts';

/** Where entries of lookups come from. */
export type Lookups = Pick<LookupRegistry, 'ready' | 'entries'>;

/** The query and the text that other nodes and threads are sent. */
interface ReadQuery {
  readonly query: Query;
  readonly text: string;
}

/** @throws Failure `input` as parseQueryText, and QueryInvalid for a lookup that is not registered */
export async function readQuery(text: string, lookups: Lookups): Promise<ReadQuery> {
  const body = mayNameLookups(text) ? parsedOf(text) : undefined;
  if (body === undefined) return { query: parseQueryText(text), text };
  await lookups.ready;
  const expanded = expandLookups(body, (name) => lookups.entries(name));
  return { query: parseQuery(expanded, INTERNAL_LIMITS), text: exactJson(expanded) };
}

/** Undefined when it is no JSON; the parser says so in Druid's words. */
function parsedOf(text: string): unknown {
  try {
    return parseExactJson(text);
  } catch {
    return undefined;
  }
}
