// Patterns whose backtracking can grow without bound, and the linear engine that V8 turns to for them. Fed by
// java-regex.ts. Source: druid-query-api.md 7.1.

import { setFlagsFromString } from 'node:v8';

interface Group {
  /** The body repeats without bound, or chooses: repeated again, it can match one text in many ways. */
  varies: boolean;
}

/** True when a group that repeats or chooses inside is itself repeated without bound: `(a+)+`, `(a|ab)*`. */
export function canExplode(source: string): boolean {
  const stack: Group[] = [{ varies: false }];
  let closed: Group | undefined;
  for (let i = 0; i < source.length; i++) {
    const char = source.charAt(i);
    const before = closed;
    closed = undefined;
    if (char === '\\') i++;
    else if (char === '[') i = classEnd(source, i);
    else if (char === '(') stack.push({ varies: false });
    else if (char === '|') mark(stack);
    else if (char === ')') {
      closed = stack.pop() ?? { varies: false };
      if (closed.varies) mark(stack);
      if (stack.length === 0) stack.push({ varies: false });
    } else if (isUnbounded(source, i)) {
      if (before?.varies === true) return true;
      mark(stack);
    }
  }
  return false;
}

function mark(stack: readonly Group[]): void {
  const top = stack.at(-1);
  if (top !== undefined) top.varies = true;
}

function classEnd(source: string, from: number): number {
  let at = from + 1;
  while (at < source.length && source.charAt(at) !== ']') at += source.charAt(at) === '\\' ? 2 : 1;
  return at;
}

/** `*`, `+`, `{n,}`, and `{n,m}` of many. */
function isUnbounded(source: string, at: number): boolean {
  const char = source.charAt(at);
  if (char === '*' || char === '+') return true;
  const range = char === '{' ? /^\{\d*,?(\d*)\}/.exec(source.slice(at)) : null;
  if (range === null) return false;
  return range[0].includes(',') && (range[1] === '' || Number(range[1]) > 10);
}

/** What the linear engine cannot do: flags other than `s` and `m`, properties, look-around, back references. */
export function isLinear(source: string, flags: string): boolean {
  return !/[iu]/.test(flags) && !/\(\?[=!<]|\\[1-9pPk]/.test(source);
}

let isOn = false;

/** Lets V8 finish a match on its linear engine after this many steps back. Once per process. */
export function turnOnLinearEngine(): void {
  if (isOn) return;
  setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');
  setFlagsFromString('--regexp-backtracks-before-fallback=50000');
  isOn = true;
}
