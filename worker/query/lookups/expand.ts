// Puts the entries of registered lookups into a query that names them, so that every node works with the same entries
// and none but the one that was asked needs to know them. Works on the JSON body; fed by the query endpoint, read by
// parse/. Source: druid-query-api.md 5, 8, 9.3.

import type { Expr } from '../expression/parser.ts';
import { parseExpression } from '../expression/parser.ts';
import { checkSize, DEFAULT_LIMITS } from '../parse/checks.ts';
import { invalid, isRecord } from '../parse/fields.ts';

/** The entries of a lookup; undefined when there is none of that name. */
type LookupFinder = (name: string) => Readonly<Record<string, string>> | undefined;

/** Keys whose values hold data, not parts of a query. */
const DATA_KEYS: ReadonlySet<string> = new Set(['context', 'map', 'rows', 'values', 'columnNames']);
const SOURCE_KEYS: ReadonlySet<string> = new Set(['dataSource', 'left', 'right']);
const EXPRESSION_KEYS: ReadonlySet<string> = new Set(['expression', 'condition']);

/** False when a query text cannot name a lookup, so that it needs no {@link expandLookups}. */
export function mayNameLookups(text: string): boolean {
  return /lookup/i.test(text);
}

/**
 * The body with entries in the place of names.
 *
 * @throws Failure `input` QueryInvalid naming the field and the unknown lookup, ResourceLimitExceeded for a huge body
 */
export function expandLookups(body: unknown, find: LookupFinder): unknown {
  checkSize(body, DEFAULT_LIMITS);
  return new Expander(find).value(body, '', '', new Set());
}

class Expander {
  readonly #find: LookupFinder;

  constructor(find: LookupFinder) {
    this.#find = find;
  }

  /** `named` collects the lookups that expressions of the query around name. */
  value(value: unknown, key: string, path: string, named: Set<string>): unknown {
    if (typeof value === 'string') {
      if (EXPRESSION_KEYS.has(key))
        for (const name of lookupsOf(value)) this.#collect(name, path, named);
      return value;
    }
    if (Array.isArray(value))
      return value.map((item: unknown, i) => this.value(item, '', `${path}[${i}]`, named));
    if (!isRecord(value)) return value;
    if ('queryType' in value) return this.#query(value, path);
    if (value['type'] === 'registeredLookup') {
      const { lookup, ...rest } = value;
      return { ...rest, type: 'lookup', lookup: this.#map(lookup, `${path}.lookup`) };
    }
    if (value['type'] === 'lookup') {
      if (SOURCE_KEYS.has(key)) return this.#source(value['lookup'], `${path}.lookup`);
      const { name, ...rest } = value;
      if (typeof name === 'string' && rest['lookup'] === undefined)
        return { ...rest, lookup: this.#map(name, `${path}.name`) };
    }
    return this.#fields(value, path, named);
  }

  #query(query: Readonly<Record<string, unknown>>, path: string): unknown {
    const named = new Set<string>();
    const { sluiceLookups: _ours, ...rest } = this.#fields(query, path, named);
    if (named.size === 0) return rest;
    return {
      ...rest,
      sluiceLookups: Object.fromEntries(
        [...named].map((name) => [name, this.#entries(name, path)]),
      ),
    };
  }

  #fields(
    object: Readonly<Record<string, unknown>>,
    path: string,
    named: Set<string>,
  ): Record<string, unknown> {
    return Object.fromEntries(
      Object.entries(object).map(([key, value]) => [
        key,
        DATA_KEYS.has(key)
          ? value
          : this.value(value, key, path === '' ? key : `${path}.${key}`, named),
      ]),
    );
  }

  #collect(name: string, path: string, named: Set<string>): void {
    this.#entries(name, path);
    named.add(name);
  }

  #map(name: unknown, path: string): unknown {
    return { type: 'map', map: this.#entries(name, path) };
  }

  #source(name: unknown, path: string): unknown {
    return {
      type: 'inline',
      columnNames: ['k', 'v'],
      columnTypes: ['STRING', 'STRING'],
      rows: Object.entries(this.#entries(name, path)),
      sluiceName: name,
    };
  }

  #entries(name: unknown, path: string): Readonly<Record<string, string>> {
    if (typeof name !== 'string') throw invalid(`${path}: give the name of a lookup`);
    const found = this.#find(name);
    if (found === undefined) throw invalid(`${path}: Lookup [${name}] not found`);
    return found;
  }
}

/** Names that an expression gives to `lookup`; none when it cannot be parsed, which the parser reports. */
function lookupsOf(expression: string): string[] {
  if (!mayNameLookups(expression)) return [];
  const names: string[] = [];
  const visit = (expr: Expr): void => {
    if (expr.kind === 'unary') visit(expr.arg);
    if (expr.kind === 'lambda') visit(expr.body);
    if (expr.kind === 'binary') [expr.left, expr.right].forEach(visit);
    if (expr.kind !== 'call') return;
    expr.args.forEach(visit);
    const name = expr.args[1];
    if (expr.name === 'lookup' && name?.kind === 'literal' && typeof name.value === 'string')
      names.push(name.value);
  };
  try {
    visit(parseExpression(expression));
  } catch {
    return [];
  }
  return names;
}
