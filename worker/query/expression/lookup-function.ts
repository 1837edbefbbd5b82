// `lookup(value, 'name'[, 'replacement'])`: the entry of a lookup for a value. The entries stand beside the query.
// Source: druid-query-api.md 9.3.

import { invalid } from '../parse/fields.ts';
import { textMapOf } from '../text/text-map.ts';
import { textOf, type Value } from '../value.ts';
import type { LookupTables, ValueFunction } from './function.ts';

/**
 * The function of the value alone.
 *
 * @param constants the arguments as far as they are constant
 * @throws Failure `input` QueryInvalid when the name is no constant or names no lookup
 */
export function lookupFunction(
  constants: readonly (Value | undefined)[],
  lookups: LookupTables,
): ValueFunction {
  const name = constants[1];
  const replacement = constants.length < 3 ? null : constants[2];
  if (typeof name !== 'string' || replacement === undefined)
    throw invalid('expression: lookup takes the name of a lookup and a replacement as constants');
  const table = Object.hasOwn(lookups, name) ? lookups[name] : undefined;
  if (table === undefined) throw invalid(`expression: Lookup [${name}] not found`);
  const map = textMapOf(table);
  return ([value = null]) => {
    const key = textOf(value);
    return (key === null ? null : map.get(key)) ?? replacement;
  };
}
