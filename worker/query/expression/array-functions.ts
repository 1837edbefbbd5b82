// Functions on lists and multi-value columns. Source: druid-query-api.md 9.3.

import { compareValues, longOf, textOf, type Value } from '../value.ts';
import type { ValueFunction } from './function.ts';

/** A scalar counts as a list of one, null stays null. */
function listOf(value: Value): readonly Value[] | null {
  if (value === null) return null;
  return Array.isArray(value) ? value : [value];
}

const isAmong = (value: Value, list: readonly Value[]): boolean =>
  list.some(
    (item) => compareValues(item, value) === 0 || (item !== null && textOf(item) === textOf(value)),
  );

/** The function of a name, undefined when it is none of these. */
export function arrayFunction(name: string): ValueFunction | undefined {
  switch (name) {
    case 'array':
      return (args) => [...args];
    case 'array_length':
      return ([a = null]) => onList(a, (list) => BigInt(list.length));
    case 'array_offset':
      return ([a = null, n = null]) => onList(a, (list) => list[Number(longOf(n) ?? -1n)] ?? null);
    case 'array_ordinal':
      return ([a = null, n = null]) =>
        onList(a, (list) => list[Number(longOf(n) ?? 0n) - 1] ?? null);
    case 'array_contains':
      return ([a = null, b = null]) => onLists(a, b, (x, y) => y.every((item) => isAmong(item, x)));
    case 'array_overlap':
      return ([a = null, b = null]) => onLists(a, b, (x, y) => y.some((item) => isAmong(item, x)));
    case 'array_to_string':
      return ([a = null, separator = null]) =>
        onList(a, (list) =>
          list.map((item) => textOf(item) ?? 'null').join(textOf(separator) ?? ''),
        );
    case 'string_to_array':
      return ([a = null, separator = null]) =>
        a === null ? null : (textOf(a) ?? '').split(textOf(separator) ?? '');
    case 'mv_filter_only':
      return ([a = null, b = null]) => filtered(a, b, true);
    case 'mv_filter_none':
      return ([a = null, b = null]) => filtered(a, b, false);
    default:
      return undefined;
  }
}

function onList(value: Value, fn: (list: readonly Value[]) => Value): Value {
  const list = listOf(value);
  return list === null ? null : fn(list);
}

function onLists(
  a: Value,
  b: Value,
  fn: (x: readonly Value[], y: readonly Value[]) => boolean,
): Value {
  const x = listOf(a);
  const y = listOf(b);
  return x === null || y === null ? null : fn(x, y) ? 1n : 0n;
}

/** What is left; nothing left is null, one left is a scalar. */
function filtered(a: Value, b: Value, keep: boolean): Value {
  const left = (listOf(a) ?? []).filter((item) => isAmong(item, listOf(b) ?? []) === keep);
  return left.length === 0 ? null : left.length === 1 ? (left[0] ?? null) : left;
}
