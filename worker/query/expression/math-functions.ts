// Number functions of the expression language. Null in gives null out, but for greatest and least.
// Source: druid-query-api.md 9.3.

import { Failure } from '../../../core/runtime/failure.ts';
import { compareValues, convert, doubleOf, longOf, textOf, type Value } from '../value.ts';
import type { ValueFunction } from './function.ts';

const UNARY: Readonly<Record<string, (x: number) => number>> = {
  ceil: Math.ceil,
  floor: Math.floor,
  sqrt: Math.sqrt,
  cbrt: Math.cbrt,
  exp: Math.exp,
  log: Math.log,
  log10: Math.log10,
  log1p: Math.log1p,
  expm1: Math.expm1,
  signum: Math.sign,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  toradians: (x) => (x / 180) * Math.PI,
  todegrees: (x) => (x * 180) / Math.PI,
  rint: (x) => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x)),
};

const BINARY: Readonly<Record<string, (x: number, y: number) => number>> = {
  pow: Math.pow,
  atan2: Math.atan2,
  hypot: Math.hypot,
  remainder: (x, y) => x - y * (UNARY['rint']?.(x / y) ?? 0),
};

const BITWISE: Readonly<Record<string, (a: bigint, b: bigint) => bigint>> = {
  bitwiseand: (a, b) => a & b,
  bitwiseor: (a, b) => a | b,
  bitwisexor: (a, b) => a ^ b,
  bitwiseshiftleft: (a, b) => a << (b & 63n),
  bitwiseshiftright: (a, b) => a >> (b & 63n),
};

/** The function of a name, undefined when it is none of these. */
export function mathFunction(name: string): ValueFunction | undefined {
  const unary = UNARY[name];
  if (unary !== undefined) return ([a = null]) => onDouble(a, unary);
  const binary = BINARY[name];
  if (binary !== undefined) return ([a = null, b = null]) => onDoubles(a, b, binary);
  const bitwise = BITWISE[name];
  if (bitwise !== undefined)
    return ([a = null, b = null]) => onLongs(a, b, (x, y) => BigInt.asIntN(64, bitwise(x, y)));
  switch (name) {
    case 'pi':
      return () => Math.PI;
    case 'abs':
      return ([a = null]) =>
        typeof a === 'bigint' ? BigInt.asIntN(64, a < 0n ? -a : a) : onDouble(a, Math.abs);
    case 'bitwisecomplement':
      return ([a = null]) => {
        const long = longOf(a);
        return long === null ? null : ~long;
      };
    case 'round':
      return ([a = null, digits = 0n]) => round(a, digits);
    case 'min':
      return ([a = null, b = null]) => extreme(a, b, -1);
    case 'max':
      return ([a = null, b = null]) => extreme(a, b, 1);
    case 'greatest':
      return (args) => extremeOf(args, 1);
    case 'least':
      return (args) => extremeOf(args, -1);
    case 'div':
      return ([a = null, b = null]) => onLongs(a, b, (x, y) => divide(x, y));
    case 'safe_divide':
      return ([a = null, b = null]) => safeDivide(a, b);
    case 'cast':
      return ([a = null, type = null]) => cast(a, type);
    default:
      return undefined;
  }
}

function onDouble(a: Value, fn: (x: number) => number): Value {
  const x = doubleOf(a);
  return x === null ? null : fn(x);
}

function onDoubles(a: Value, b: Value, fn: (x: number, y: number) => number): Value {
  const x = doubleOf(a);
  const y = doubleOf(b);
  return x === null || y === null ? null : fn(x, y);
}

function onLongs(a: Value, b: Value, fn: (x: bigint, y: bigint) => Value): Value {
  const x = longOf(a);
  const y = longOf(b);
  return x === null || y === null ? null : fn(x, y);
}

function divide(a: bigint, b: bigint): bigint {
  if (b === 0n)
    throw new Failure('input', 'QueryInvalid', `div(${a}, 0): division by zero; use safe_divide`);
  return BigInt.asIntN(64, a / b);
}

function safeDivide(a: Value, b: Value): Value {
  if (typeof a === 'bigint' && typeof b === 'bigint')
    return b === 0n ? null : BigInt.asIntN(64, a / b);
  return onDoubles(a, b, (x, y) => x / y) === null || doubleOf(b) === 0
    ? null
    : onDoubles(a, b, (x, y) => x / y);
}

/** Half up to `digits` decimals, as Java's BigDecimal does; NaN is 0, infinities are the largest double. */
function round(value: Value, digits: Value): Value {
  const places = Number(longOf(digits) ?? 0n);
  if (typeof value === 'bigint') {
    if (places >= 0) return value;
    const step = 10n ** BigInt(Math.min(-places, 19));
    const half = value < 0n ? -step / 2n : step / 2n;
    return BigInt.asIntN(64, ((value + half) / step) * step);
  }
  const x = doubleOf(value);
  if (x === null) return null;
  if (Number.isNaN(x)) return 0;
  if (!Number.isFinite(x)) return Math.sign(x) * Number.MAX_VALUE;
  const [mantissa = '0', exponent = '0'] = Math.abs(x).toExponential().split('e');
  const shifted = Math.round(Number(`${mantissa}e${Number(exponent) + places}`));
  return Math.sign(x) * Number(`${shifted}e${-places}`);
}

function extreme(a: Value, b: Value, sign: 1 | -1): Value {
  if (a === null || b === null) return null;
  if (typeof a === 'bigint' && typeof b === 'bigint')
    return compareValues(a, b) * sign >= 0 ? a : b;
  return onDoubles(a, b, sign > 0 ? Math.max : Math.min);
}

/** Nulls are left out; any text makes all text, any double makes all double. */
function extremeOf(args: readonly Value[], sign: 1 | -1): Value {
  const values = args.filter((value) => value !== null);
  const isText = values.some((value) => typeof value === 'string');
  const isDouble = values.some((value) => typeof value === 'number');
  const same = values.map((value) => (isText ? textOf(value) : isDouble ? doubleOf(value) : value));
  return same.reduce<Value>(
    (best, value) => (best === null || compareValues(value, best) * sign > 0 ? value : best),
    null,
  );
}

function cast(value: Value, type: Value): Value {
  switch (String(type).toUpperCase()) {
    case 'LONG':
      return convert(value, 'LONG');
    case 'DOUBLE':
    case 'FLOAT':
      return convert(value, 'DOUBLE');
    case 'STRING':
      return convert(value, 'STRING');
    default:
      throw new Failure(
        'input',
        'QueryInvalid',
        `cast: type '${String(type)}' is none of LONG, DOUBLE, STRING`,
      );
  }
}
