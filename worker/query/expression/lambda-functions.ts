// Functions that apply a lambda to the values of lists. Source: druid-query-api.md 9.1, 9.3.

import type { Value } from '../value.ts';
import { boundedList, checkLength } from './bounds.ts';
import type { Getter } from './function.ts';
import type { Expr } from './parser.ts';

type Bind = (name: string) => Getter;
type Lambda = Expr & { kind: 'lambda' };

/** How trees are compiled; given by compile.ts. */
interface Compiler {
  compile(expr: Expr, bind: Bind): Getter;
  isTrue(value: Value): boolean;
}

/** Compiles a call whose first argument is a lambda; the parser has checked that it fits. */
export function compileLambdaCall(
  expr: Expr & { kind: 'call' },
  bind: Bind,
  compiler: Compiler,
): Getter {
  const [lambda, ...others] = expr.args;
  if (lambda?.kind !== 'lambda') throw new TypeError('checked when parsed');
  const args = others.map((arg) => compiler.compile(arg, bind));
  const apply = compileLambda(lambda, bind, compiler);
  const lists = (row: number, count: number): (readonly Value[])[] | null => {
    const values = args.slice(0, count).map((arg) => listOf(arg(row)));
    return values.every((value) => value !== null) ? values : null;
  };
  switch (expr.name) {
    case 'map':
    case 'cartesian_map':
      return (row) => mapProduct(lists(row, args.length), (values) => apply(row, values));
    case 'filter':
      return (row) => {
        const kept = lists(row, 1)?.[0]?.filter((value) => compiler.isTrue(apply(row, [value])));
        return kept === undefined || kept.length === 0 ? null : kept;
      };
    case 'any':
    case 'all':
      return (row) => {
        const list = lists(row, 1)?.[0];
        if (list === undefined) return 0n;
        const holds = (value: Value): boolean => compiler.isTrue(apply(row, [value]));
        return (expr.name === 'any' ? list.some(holds) : list.every(holds)) ? 1n : 0n;
      };
    default: {
      const start = args.at(-1);
      return (row) => {
        const given = lists(row, args.length - 1);
        if (given === null) return null;
        let result: Value = start?.(row) ?? null;
        for (const values of product(given)) result = apply(row, [...values, result]);
        return result;
      };
    }
  }
}

function compileLambda(
  lambda: Lambda,
  bind: Bind,
  compiler: Compiler,
): (row: number, values: readonly Value[]) => Value {
  let cells: readonly Value[] = [];
  const body = compiler.compile(lambda.body, (name) => {
    const at = lambda.params.indexOf(name);
    return at < 0 ? bind(name) : () => cells[at] ?? null;
  });
  return (row, values) => {
    cells = values;
    return body(row);
  };
}

/** A scalar counts as a list of one, null stays null. */
function listOf(value: Value): readonly Value[] | null {
  if (value === null) return null;
  return Array.isArray(value) ? value : [value];
}

function mapProduct(
  lists: readonly (readonly Value[])[] | null,
  fn: (values: readonly Value[]) => Value,
): Value {
  return lists === null ? null : boundedList([...product(lists)].map(fn));
}

/** Every choice of one value a list; the last list turns fastest. */
function* product(lists: readonly (readonly Value[])[]): Generator<Value[]> {
  const total = lists.reduce((count, list) => count * list.length, 1);
  checkLength(total);
  for (let n = 0; n < total; n++) {
    let rest = n;
    const values: Value[] = [];
    for (const list of lists.toReversed()) {
      values.unshift(list[rest % list.length] ?? null);
      rest = Math.floor(rest / list.length);
    }
    yield values;
  }
}
