// Compiles expression trees to closures over row numbers. Fed by parser.ts and by whoever can name a column's
// value; feeds virtual columns, filters and post-aggregators. Source: druid-query-api.md 9.2.

import { Failure } from '../../../core/runtime/failure.ts';
import { compareDoubles, compareText, doubleOf, longOf, textOf, type Value } from '../value.ts';
import { arrayFunction } from './array-functions.ts';
import { boundedText } from './bounds.ts';
import type { Getter, LookupTables, ValueFunction } from './function.ts';
import { lookupFunction } from './lookup-function.ts';
import { compileLambdaCall } from './lambda-functions.ts';
import { takesLambda } from './lambda-head.ts';
import { mathFunction } from './math-functions.ts';
import { moreFunction } from './more-functions.ts';
import type { BinaryOp, Expr } from './parser.ts';
import { textFunction } from './text-functions.ts';
import { timeFunction } from './time-functions.ts';

/**
 * Compiles a tree. `bind` gives the getter of a column; unknown columns must give null. `lookups` has the entries of
 * the lookups that the tree names.
 *
 * @throws Failure `input` QueryInvalid when constant arguments are wrong
 */
export function compileExpression(
  expr: Expr,
  bind: (name: string) => Getter,
  lookups: LookupTables = {},
): Getter {
  switch (expr.kind) {
    case 'literal': {
      const { value } = expr;
      return () => value;
    }
    case 'column':
      return bind(expr.name);
    case 'unary': {
      const arg = compileExpression(expr.arg, bind, lookups);
      return expr.op === '-'
        ? mapped1(arg, negate)
        : mapped1(arg, (v) => (v === null ? null : bool(!isTrue(v))));
    }
    case 'binary':
      return compileBinary(
        expr.op,
        compileExpression(expr.left, bind, lookups),
        compileExpression(expr.right, bind, lookups),
      );
    case 'call':
      return takesLambda(expr.name)
        ? compileLambdaCall(expr, bind, {
            compile: (part, inner) => compileExpression(part, inner, lookups),
            isTrue,
          })
        : compileCall(expr, bind, lookups);
    case 'lambda':
      throw new Failure('bug', 'AssertionFailed', 'a lambda stands where the parser allows none');
  }
}

/** Truth of a value: number above 0, text "true". */
export function isTrue(value: Value): boolean {
  if (typeof value === 'string') return value.toLowerCase() === 'true';
  return (typeof value === 'bigint' || typeof value === 'number') && value > 0;
}

/** 1 or 0 as LONG. */
function bool(value: boolean): bigint {
  return value ? 1n : 0n;
}

const isList = (value: Value): value is readonly Value[] => Array.isArray(value);

function mapped1(arg: Getter, fn: (value: Value) => Value): Getter {
  return (row) => {
    const value = arg(row);
    return isList(value) ? value.map(fn) : fn(value);
  };
}

function negate(value: Value): Value {
  if (typeof value === 'bigint') return BigInt.asIntN(64, -value);
  const double = doubleOf(value);
  return double === null ? null : -double;
}

function compileBinary(op: BinaryOp, left: Getter, right: Getter): Getter {
  if (op === '&&' || op === '||') return logical(op === '||', left, right);
  const fn = (a: Value, b: Value): Value => (a === null || b === null ? null : binary(op, a, b));
  return (row) => {
    const a = left(row);
    const b = right(row);
    if (isList(a)) return a.map((item) => fn(item, b));
    if (isList(b)) return b.map((item) => fn(a, item));
    return fn(a, b);
  };
}

/** Three-valued and, or: the deciding value wins over null. */
function logical(deciding: boolean, left: Getter, right: Getter): Getter {
  return (row) => {
    const a = left(row);
    if (a !== null && isTrue(a) === deciding) return bool(deciding);
    const b = right(row);
    if (b !== null && isTrue(b) === deciding) return bool(deciding);
    return a === null || b === null ? null : bool(!deciding);
  };
}

function binary(op: BinaryOp, a: Value, b: Value): Value {
  switch (op) {
    case '<':
      return bool(compareForExpression(a, b) < 0);
    case '<=':
      return bool(compareForExpression(a, b) <= 0);
    case '>':
      return bool(compareForExpression(a, b) > 0);
    case '>=':
      return bool(compareForExpression(a, b) >= 0);
    case '==':
      return bool(compareForExpression(a, b) === 0);
    case '!=':
      return bool(compareForExpression(a, b) !== 0);
    default:
      return arithmetic(op, a, b);
  }
}

/** Two strings by code unit, everything else as numbers; unreadable text counts as 0. */
function compareForExpression(a: Value, b: Value): number {
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
  if (typeof a === 'bigint' && typeof b === 'bigint') return a < b ? -1 : a > b ? 1 : 0;
  return compareDoubles(doubleOf(a) ?? 0, doubleOf(b) ?? 0) || 0;
}

function arithmetic(op: BinaryOp, a: Value, b: Value): Value {
  if (op === '+' && (typeof a === 'string' || typeof b === 'string'))
    return boundedText(`${textOf(a)}${textOf(b)}`);
  if (typeof a === 'bigint' && typeof b === 'bigint') return longArithmetic(op, a, b);
  const x = doubleOf(a);
  const y = doubleOf(b);
  if (x === null || y === null) return null;
  switch (op) {
    case '+':
      return x + y;
    case '-':
      return x - y;
    case '*':
      return x * y;
    case '/':
      return x / y;
    case '%':
      return x % y;
    default:
      return x ** y;
  }
}

function longArithmetic(op: BinaryOp, a: bigint, b: bigint): Value {
  switch (op) {
    case '+':
      return BigInt.asIntN(64, a + b);
    case '-':
      return BigInt.asIntN(64, a - b);
    case '*':
      return BigInt.asIntN(64, a * b);
    case '/':
    case '%':
      if (b === 0n)
        throw new Failure(
          'input',
          'QueryInvalid',
          `expression: ${a} ${op} 0: division of a LONG by zero; use safe_divide or a double`,
        );
      return BigInt.asIntN(64, op === '/' ? a / b : a % b);
    default:
      return longOf(Number(a) ** Number(b));
  }
}

function compileCall(
  expr: Expr & { kind: 'call' },
  bind: (name: string) => Getter,
  lookups: LookupTables,
): Getter {
  const args = expr.args.map((arg) => compileExpression(arg, bind, lookups));
  const lazy = lazyFunction(expr.name, args);
  if (lazy !== undefined) return lazy;
  const constants = expr.args.map((arg) => (arg.kind === 'literal' ? arg.value : undefined));
  if (expr.name === 'lookup')
    return overLists(args.slice(0, 1), lookupFunction(constants, lookups));
  const array = arrayFunction(expr.name);
  if (array !== undefined) return (row) => array(args.map((arg) => arg(row)));
  const fn =
    textFunction(expr.name, constants) ??
    mathFunction(expr.name) ??
    timeFunction(expr.name, constants) ??
    moreFunction(expr.name, constants);
  if (fn === undefined)
    throw new Failure('bug', 'AssertionFailed', `function ${expr.name} has a name but no code`);
  return overLists(args, fn);
}

/** A list in scalar position maps over its values. */
function overLists(args: readonly Getter[], fn: ValueFunction): Getter {
  return (row) => {
    const values = args.map((arg) => arg(row));
    const list = values.findIndex(isList);
    if (list < 0) return fn(values);
    const items = values[list];
    return isList(items ?? null) && Array.isArray(items)
      ? items.map((item: Value) => fn(values.with(list, item)))
      : null;
  };
}

/** Functions that look at null, or do not look at all their arguments. */
function lazyFunction(name: string, args: readonly Getter[]): Getter | undefined {
  const [a = nothing, b = nothing, c = nothing] = args;
  switch (name) {
    case 'if':
      return (row) => (isTrue(a(row)) ? b(row) : c(row));
    case 'nvl':
      return (row) => a(row) ?? b(row);
    case 'coalesce':
      return (row) => firstValue(args, row);
    case 'case_searched':
      return (row) => caseOf(args, 0, row, isTrue);
    case 'case_simple':
      return (row) => {
        const value = a(row);
        return caseOf(
          args,
          1,
          row,
          (other) => value !== null && other !== null && compareForExpression(value, other) === 0,
        );
      };
    case 'notdistinctfrom':
      return (row) => bool(isSame(a(row), b(row)));
    case 'isdistinctfrom':
      return (row) => bool(!isSame(a(row), b(row)));
    case 'isnull':
      return mapped1(a, (v) => bool(v === null));
    case 'notnull':
      return mapped1(a, (v) => bool(v !== null));
    case 'istrue':
      return mapped1(a, (v) => bool(isTrue(v)));
    case 'nottrue':
      return mapped1(a, (v) => bool(!isTrue(v)));
    case 'isfalse':
      return mapped1(a, (v) => bool(v !== null && !isTrue(v)));
    case 'notfalse':
      return mapped1(a, (v) => bool(v === null || isTrue(v)));
    default:
      return undefined;
  }
}

/** Equality that takes null for a value. */
function isSame(a: Value, b: Value): boolean {
  return a === null || b === null ? a === b : compareForExpression(a, b) === 0;
}

const nothing: Getter = () => null;

function firstValue(args: readonly Getter[], row: number): Value {
  for (const arg of args) {
    const value = arg(row);
    if (value !== null) return value;
  }
  return null;
}

/** Pairs of condition and result from `from` on; a single last one is the default. */
function caseOf(
  args: readonly Getter[],
  from: number,
  row: number,
  holds: (condition: Value) => boolean,
): Value {
  for (let i = from; i < args.length; i += 2) {
    const condition = args[i] ?? nothing;
    const result = args[i + 1];
    if (result === undefined) return condition(row);
    if (holds(condition(row))) return result(row);
  }
  return null;
}
