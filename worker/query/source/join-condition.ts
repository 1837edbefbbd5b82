// When rows of two sides belong together: equalities between an expression over the left and a column of the right.
// Parsed from Druid's condition text; run by join-piece.ts. Source: druid-query-api.md 5, Druid's hash join.

import { columnsOf, type Expr, parseExpression } from '../expression/parser.ts';
import { invalid } from '../parse/fields.ts';
import type { Value } from '../value.ts';

/** One equality. */
export interface JoinKey {
  /** Expression over the left side. */
  readonly left: Expr;
  /** Column of the right side, without prefix. */
  readonly rightColumn: string;
  /** True when null meets null (`notdistinctfrom`). */
  readonly matchesNull: boolean;
}

/** All keys must be equal; `isNever` = a constant part of the condition is false. */
export interface JoinCondition {
  readonly text: string;
  readonly keys: readonly JoinKey[];
  readonly isNever: boolean;
}

/**
 * Parses a condition.
 *
 * @throws Failure `input` QueryInvalid when it is anything but equalities and constants joined by `&&`
 */
export function parseJoinCondition(text: string, prefix: string, path: string): JoinCondition {
  const keys: JoinKey[] = [];
  let isNever = false;
  for (const part of conjuncts(parseExpression(text))) {
    if (part.kind === 'literal') {
      isNever ||= !isConstantTrue(part.value);
      continue;
    }
    const key = keyOf(part, prefix);
    if (key === undefined) {
      throw invalid(
        `${path}: Cannot build hash-join matcher on non-equi-join condition: ${text}; join by equalities between an expression over the left side and a column "${prefix}..." of the right side, put the rest into the query's filter`,
      );
    }
    keys.push(key);
  }
  return { text, keys, isNever };
}

function isConstantTrue(value: Value): boolean {
  return (typeof value === 'bigint' || typeof value === 'number') && value > 0;
}

function conjuncts(expr: Expr): Expr[] {
  return expr.kind === 'binary' && expr.op === '&&'
    ? [...conjuncts(expr.left), ...conjuncts(expr.right)]
    : [expr];
}

function keyOf(expr: Expr, prefix: string): JoinKey | undefined {
  const pair = sidesOf(expr);
  if (pair === undefined) return undefined;
  const { a, b, matchesNull } = pair;
  const ofRight = (side: Expr): string | undefined =>
    side.kind === 'column' && side.name.startsWith(prefix)
      ? side.name.slice(prefix.length)
      : undefined;
  const isOfLeft = (side: Expr): boolean => {
    const names = columnsOf(side);
    return names.length > 0 && names.every((name) => !name.startsWith(prefix));
  };
  const rightOfB = ofRight(b);
  if (rightOfB !== undefined && isOfLeft(a)) return { left: a, rightColumn: rightOfB, matchesNull };
  const rightOfA = ofRight(a);
  if (rightOfA !== undefined && isOfLeft(b)) return { left: b, rightColumn: rightOfA, matchesNull };
  return undefined;
}

function sidesOf(expr: Expr): { a: Expr; b: Expr; matchesNull: boolean } | undefined {
  if (expr.kind === 'binary' && expr.op === '==')
    return { a: expr.left, b: expr.right, matchesNull: false };
  if (expr.kind !== 'call' || expr.name !== 'notdistinctfrom') return undefined;
  const [a, b] = expr.args;
  return a === undefined || b === undefined ? undefined : { a, b, matchesNull: true };
}
