// The expression language: text to tree, by binding power. Fed by virtual columns, filters, aggregators and
// post-aggregators; feeds compile.ts. Source: druid-query-api.md 9.1.

import { Failure } from '../../../core/runtime/failure.ts';
import { convert, OUTPUT_TYPES, type Value } from '../value.ts';
import { FUNCTION_NAMES } from './function-names.ts';
import { checkLambdaCall, lambdaHead } from './lambda-head.ts';
import { lexExpression, type Token } from './lexer.ts';

/** An expression tree. `call` names are lower case. */
export type Expr =
  | { readonly kind: 'literal'; readonly value: Value }
  | { readonly kind: 'column'; readonly name: string }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Expr[] }
  /** Only as the first argument of a call that takes one. */
  | { readonly kind: 'lambda'; readonly params: readonly string[]; readonly body: Expr }
  | { readonly kind: 'unary'; readonly op: '-' | '!'; readonly arg: Expr }
  | { readonly kind: 'binary'; readonly op: BinaryOp; readonly left: Expr; readonly right: Expr };

/** Operators between two operands. */
export type BinaryOp =
  | '^'
  | '*'
  | '/'
  | '%'
  | '+'
  | '-'
  | '<'
  | '<='
  | '>'
  | '>='
  | '=='
  | '!='
  | '&&'
  | '||';

/** Higher binds tighter; `&&` and `||` share a level, as in Druid. */
const POWER: Readonly<Record<BinaryOp, number>> = {
  '&&': 1,
  '||': 1,
  '<': 2,
  '<=': 2,
  '>': 2,
  '>=': 2,
  '==': 2,
  '!=': 2,
  '+': 3,
  '-': 3,
  '*': 4,
  '/': 4,
  '%': 4,
  '^': 5,
};
/** Deeper trees are refused, so that no parser or compiler runs out of stack. */
const DEPTH_MAX = 200;

const isBinaryOp = (text: string): text is BinaryOp => Object.hasOwn(POWER, text);

/**
 * Parses an expression. Function names and the places of lambdas are checked.
 *
 * @throws Failure `input` QueryInvalid with the position
 */
export function parseExpression(text: string): Expr {
  const parser = new Parser(text);
  const expr = parser.expression(0, 0);
  parser.end();
  return expr;
}

class Parser {
  private readonly text: string;
  private readonly tokens: readonly Token[];
  private at = 0;

  constructor(text: string) {
    this.text = text;
    this.tokens = lexExpression(text);
  }

  expression(power: number, depth: number): Expr {
    if (depth > DEPTH_MAX) throw this.error(`nested deeper than ${DEPTH_MAX} levels`);
    let left = this.operand(depth);
    for (;;) {
      const token = this.tokens[this.at];
      if (token === undefined || token.kind !== 'symbol' || !isBinaryOp(token.text)) return left;
      const op = token.text;
      if (POWER[op] <= power && !(op === '^' && POWER[op] === power)) return left;
      this.at++;
      const right = this.expression(op === '^' ? POWER[op] - 1 : POWER[op], depth + 1);
      left = { kind: 'binary', op, left, right };
    }
  }

  end(): void {
    if (this.at < this.tokens.length)
      throw this.error(`unexpected '${this.tokens[this.at]?.text ?? ''}'`);
  }

  private operand(depth: number): Expr {
    const token = this.tokens[this.at++];
    if (token === undefined) throw this.error('the end comes too early');
    switch (token.kind) {
      case 'literal':
        return { kind: 'literal', value: token.value };
      case 'column':
        return { kind: 'column', name: token.text };
      case 'word':
        return this.word(token.text, depth);
      case 'symbol':
        return this.prefixed(token.text, depth);
    }
  }

  private prefixed(symbol: string, depth: number): Expr {
    if (symbol === '-' || symbol === '!') {
      if (depth > DEPTH_MAX) throw this.error(`nested deeper than ${DEPTH_MAX} levels`);
      const arg = this.operand(depth + 1);
      if (symbol === '-' && arg.kind === 'literal' && typeof arg.value === 'bigint') {
        return { kind: 'literal', value: BigInt.asIntN(64, -arg.value) };
      }
      return { kind: 'unary', op: symbol, arg };
    }
    if (symbol === '(') {
      const inner = this.expression(0, depth + 1);
      this.expect(')');
      return inner;
    }
    if (symbol === '[') return this.array(depth);
    if (symbol === '<') return this.typedArray(depth);
    throw this.error(`unexpected '${symbol}'`);
  }

  /** `LONG>[...]`, after the `<`. */
  private typedArray(depth: number): Expr {
    const name = this.tokens[this.at++]?.text ?? '';
    const type = OUTPUT_TYPES.find((known) => known === name);
    if (type === undefined) throw this.error(`'${name}' is no type of array values`);
    this.expect('>');
    this.expect('[');
    const array = this.array(depth);
    if (array.kind !== 'literal' || !Array.isArray(array.value)) return array;
    return { kind: 'literal', value: array.value.map((item: Value) => convert(item, type)) };
  }

  /** `x -> ...` or `(x, y) -> ...` if one starts here. */
  private lambda(depth: number): Expr | undefined {
    const found = lambdaHead(this.tokens, this.at);
    if (found === undefined) return undefined;
    this.at = found.end;
    return { kind: 'lambda', params: found.params, body: this.expression(0, depth + 1) };
  }

  private array(depth: number): Expr {
    const items = this.list(']', depth).map((item) => {
      if (item.kind !== 'literal')
        throw this.error('array literals hold constants only; use array(...)');
      return item.value;
    });
    return { kind: 'literal', value: items };
  }

  private word(word: string, depth: number): Expr {
    const next = this.tokens[this.at];
    if (next?.kind === 'symbol' && next.text === '<' && word === 'ARRAY') {
      this.at++;
      return this.typedArray(depth);
    }
    if (next?.kind !== 'symbol' || next.text !== '(') return constantOrColumn(word);
    this.at++;
    const name = word.toLowerCase();
    const args = this.list(')', depth);
    const arity = FUNCTION_NAMES.get(name);
    if (arity === undefined) throw this.error(`function '${word}' is not supported`);
    const [least, most] = arity;
    if (args.length < least || args.length > most) {
      throw this.error(
        `function '${word}' takes ${least === most ? least : `${least} to ${most}`} arguments, got ${args.length}`,
      );
    }
    checkLambdaCall(name, args);
    return { kind: 'call', name, args };
  }

  private list(close: string, depth: number): Expr[] {
    const items: Expr[] = [];
    if (this.accept(close)) return items;
    do items.push(this.lambda(depth) ?? this.expression(0, depth + 1));
    while (this.accept(','));
    this.expect(close);
    return items;
  }

  private accept(symbol: string): boolean {
    const token = this.tokens[this.at];
    const found = token?.kind === 'symbol' && token.text === symbol;
    if (found) this.at++;
    return found;
  }

  private expect(symbol: string): void {
    if (!this.accept(symbol)) throw this.error(`expected '${symbol}'`);
  }

  private error(what: string): Failure {
    const position = this.tokens[this.at]?.position ?? this.text.length;
    return new Failure(
      'input',
      'QueryInvalid',
      `expression '${this.text}': ${what} at position ${position}`,
    );
  }
}

function constantOrColumn(word: string): Expr {
  switch (word) {
    case 'null':
      return { kind: 'literal', value: null };
    case 'NaN':
      return { kind: 'literal', value: Number.NaN };
    case 'Infinity':
      return { kind: 'literal', value: Number.POSITIVE_INFINITY };
    default:
      return { kind: 'column', name: word };
  }
}

/** Columns an expression reads, each once. */
export function columnsOf(expr: Expr): string[] {
  const names = new Set<string>();
  const visit = (node: Expr): void => {
    switch (node.kind) {
      case 'literal':
        return;
      case 'column':
        names.add(node.name);
        return;
      case 'call':
        node.args.forEach(visit);
        return;
      case 'lambda':
        for (const name of columnsOf(node.body)) if (!node.params.includes(name)) names.add(name);
        return;
      case 'unary':
        visit(node.arg);
        return;
      case 'binary':
        visit(node.left);
        visit(node.right);
        return;
    }
  };
  visit(expr);
  return [...names];
}
