// Where lambdas may stand: recognizes the head of one, `x ->` or `(x, y) ->`, and checks the calls that take one.
// Used by parser.ts. Source: druid-query-api.md 9.1.

import { invalid } from '../parse/fields.ts';
import type { Token } from './lexer.ts';

/** Parameters and the place of the first token of the body; undefined when no lambda starts at `at`. */
export function lambdaHead(
  tokens: readonly Token[],
  at: number,
): { readonly params: readonly string[]; readonly end: number } | undefined {
  const is = (place: number, symbol: string): boolean =>
    tokens[place]?.kind === 'symbol' && tokens[place]?.text === symbol;
  const nameAt = (place: number): string | undefined => {
    const token = tokens[place];
    return token?.kind === 'word' || token?.kind === 'column' ? token.text : undefined;
  };
  const single = nameAt(at);
  if (single !== undefined) return is(at + 1, '->') ? { params: [single], end: at + 2 } : undefined;
  if (!is(at, '(')) return undefined;
  const params: string[] = [];
  let place = at + 1;
  for (let name = nameAt(place); name !== undefined; name = nameAt(place)) {
    params.push(name);
    place++;
    if (!is(place, ',')) break;
    place++;
  }
  return is(place, ')') && is(place + 1, '->') ? { params, end: place + 2 } : undefined;
}

/** Names of the functions, and how many parameters their lambda has beyond one a list. */
const ACCUMULATORS: ReadonlyMap<string, number> = new Map([
  ['map', 0],
  ['filter', 0],
  ['any', 0],
  ['all', 0],
  ['fold', 1],
  ['cartesian_map', 0],
  ['cartesian_fold', 1],
]);

/** True for functions whose first argument is a lambda. */
export function takesLambda(name: string): boolean {
  return ACCUMULATORS.has(name);
}

/** What is looked at of an argument. */
interface Argument {
  readonly kind: string;
  readonly params?: readonly string[];
}

/** @throws Failure `input` QueryInvalid when a lambda is missing, misplaced or does not fit */
export function checkLambdaCall(name: string, args: readonly Argument[]): void {
  const extra = ACCUMULATORS.get(name);
  const [lambda, ...others] = args;
  if (args.slice(extra === undefined ? 0 : 1).some(({ kind }) => kind === 'lambda'))
    throw invalid(`expression: function '${name}' takes no lambda there`);
  if (extra === undefined) return;
  if (lambda?.params === undefined)
    throw invalid(`expression: function '${name}' takes a lambda first, such as x -> x + 1`);
  if (lambda.params.length !== others.length)
    throw invalid(
      `expression: the lambda of '${name}' has ${lambda.params.length} parameters, ${others.length} are given`,
    );
}
