// Functions on lists and multi-value columns. Source: druid-query-api.md 9.3.

import { compareValues, doubleOf, longOf, textOf, type Value } from '../value.ts';
import { boundedList, boundedText, checkLength } from './bounds.ts';
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
      return (args) => boundedList([...args]);
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
          boundedText(list.map((item) => textOf(item) ?? 'null').join(textOf(separator) ?? '')),
        );
    case 'array_append':
      return ([a = null, b = null]) => onList(a, (list) => joined(list, [alike(list, b)]));
    case 'array_prepend':
      return ([a = null, b = null]) => onList(b, (list) => joined([alike(list, a)], list));
    case 'array_concat':
      return ([a = null, b = null]) =>
        onList(a, (x) =>
          onList(b, (y) =>
            joined(
              x,
              y.map((item) => alike(x, item)),
            ),
          ),
        );
    case 'array_slice':
      return ([a = null, from = null, to]) => onList(a, (list) => slice(list, from, to));
    case 'array_set_add':
      return ([a = null, b = null]) => onList(a, (list) => setOf(joined(list, [alike(list, b)])));
    case 'array_set_add_all':
      return ([a = null, b = null]) =>
        onList(a, (x) =>
          onList(b, (y) =>
            setOf(
              joined(
                x,
                y.map((item) => alike(x, item)),
              ),
            ),
          ),
        );
    case 'array_offset_of':
      return ([a = null, b = null]) => onList(a, (list) => offsetOf(list, b, 0));
    case 'array_ordinal_of':
      return ([a = null, b = null]) => onList(a, (list) => offsetOf(list, b, 1));
    case 'array_to_mv':
      return ([a = null]) => a;
    case 'mv_to_array':
      return ([a = null]) => onList(a, (list) => list);
    case 'scalar_in_array':
      return ([a = null, b = null]) => scalarIn(a, listOf(b));
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

/** A value as the values of a list are; what cannot be is null. */
function alike(list: readonly Value[], value: Value): Value {
  const like = list.find((item) => item !== null) ?? null;
  if (value === null || like === null || typeof like === typeof value) return value;
  if (typeof like === 'bigint') return longOf(value);
  if (typeof like === 'number') return doubleOf(value);
  return typeof like === 'string' ? textOf(value) : value;
}

function joined(a: readonly Value[], b: readonly Value[]): readonly Value[] {
  checkLength(a.length + b.length);
  return boundedList([...a, ...b]);
}

/** Sorted, each once, null first. */
function setOf(values: readonly Value[]): Value {
  const sorted = values.toSorted(compareValues);
  return sorted.filter((value, i) => i === 0 || compareValues(value, sorted[i - 1] ?? null) !== 0);
}

/** Values `from .. to-1`; beyond the end nulls. */
function slice(list: readonly Value[], from: Value, to: Value | undefined): Value {
  const start = Number(longOf(from) ?? 0n);
  const end = to === undefined ? list.length : Number(longOf(to) ?? 0n);
  if (start < 0 || start > list.length || end < start) return null;
  checkLength(end - start);
  return Array.from({ length: end - start }, (_, i) => list[start + i] ?? null);
}

/** Position of an equal value of the same type, counted from `first`. */
function offsetOf(list: readonly Value[], value: Value, first: number): Value {
  const at = list.findIndex(
    (item) => typeof item === typeof value && compareValues(item, value) === 0,
  );
  return at < 0 ? null : BigInt(at + first);
}

function scalarIn(value: Value, list: readonly Value[] | null): Value {
  if (list === null) return null;
  if (value === null) return list.includes(null) ? 1n : null;
  return isAmong(value, list) ? 1n : 0n;
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
