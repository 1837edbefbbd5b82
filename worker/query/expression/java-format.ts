// Java's `String.format` for texts, whole numbers and doubles, as far as expressions can reach it. Used by `format`.
// Source: druid-query-api.md 9.3; compared with Druid (see format.test.ts).

import { Failure } from '../../../core/runtime/failure.ts';
import { textOf, type Value } from '../value.ts';

/** Widest field and most digits; more would let a short query ask for any amount of memory. */
const WIDTH_MAX = 1000;

const DIRECTIVE = /%(?:(\d+)\$)?([-#+ 0,(]*)(\d+)?(?:\.(\d+))?([a-zA-Z%])/g;

interface Directive {
  readonly flags: string;
  readonly width: number;
  readonly precision: number | undefined;
  readonly conversion: string;
}

/** Thrown inside: the format does not fit its arguments. */
class Mismatch extends Error {}

/** The formatted text; where format and arguments do not fit, the format followed by them, as Druid does. */
export function javaFormat(format: string, args: readonly Value[]): string {
  if (args.length === 0) return format;
  try {
    return formatted(format, args);
  } catch (error) {
    if (!(error instanceof Mismatch)) throw error;
    return [format, ...args.map((arg) => textOf(arg) ?? 'null')].join('; ');
  }
}

function formatted(format: string, args: readonly Value[]): string {
  let next = 0;
  let out = '';
  let end = 0;
  const literal = (text: string): string => {
    if (text.includes('%')) throw new Mismatch();
    return text;
  };
  for (const match of format.matchAll(DIRECTIVE)) {
    const [all, index, flags = '', width, precision, conversion = ''] = match;
    out += literal(format.slice(end, match.index));
    end = match.index + all.length;
    const directive = {
      flags,
      width: bounded(width) ?? 0,
      precision: bounded(precision),
      conversion,
    };
    if (conversion === '%') out += padded('%', directive);
    else if (conversion === 'n') out += '\n';
    else {
      const at = index === undefined ? next++ : Number(index) - 1;
      const arg = args[at];
      if (arg === undefined) throw new Mismatch();
      out += padded(converted(arg, directive), directive);
    }
  }
  return out + literal(format.slice(end));
}

function bounded(digits: string | undefined): number | undefined {
  if (digits === undefined) return undefined;
  if (Number(digits) > WIDTH_MAX) {
    throw new Failure(
      'input',
      'ResourceLimitExceeded',
      `expression: format takes widths of at most ${WIDTH_MAX}, got ${digits}`,
    );
  }
  return Number(digits);
}

function padded(text: string, { flags, width }: Directive): string {
  return flags.includes('-') ? text.padEnd(width) : text.padStart(width);
}

function converted(arg: Value, directive: Directive): string {
  const lower = directive.conversion.toLowerCase();
  const text = convertedLower(arg, { ...directive, conversion: lower });
  return directive.conversion === lower ? text : text.toUpperCase();
}

function convertedLower(arg: Value, directive: Directive): string {
  const { conversion, precision } = directive;
  if (conversion === 'b') return cut(arg === null ? 'false' : 'true', precision);
  if (arg === null && 'sdxoefg'.includes(conversion)) return cut('null', precision);
  switch (conversion) {
    case 's':
      return cut(textOf(arg) ?? 'null', precision);
    case 'd':
      if (typeof arg !== 'bigint' || precision !== undefined) throw new Mismatch();
      return signed(arg < 0n, grouped(String(arg < 0n ? -arg : arg), directive), directive);
    case 'x':
    case 'o': {
      if (typeof arg !== 'bigint' || precision !== undefined) throw new Mismatch();
      const digits = BigInt.asUintN(64, arg).toString(conversion === 'x' ? 16 : 8);
      const prefix = !directive.flags.includes('#') ? '' : conversion === 'x' ? '0x' : '0';
      return zeroFilled(prefix, digits, directive);
    }
    case 'e':
    case 'f':
    case 'g':
      if (typeof arg !== 'number') throw new Mismatch();
      return double(arg, directive);
    default:
      throw new Mismatch();
  }
}

function cut(text: string, precision: number | undefined): string {
  return precision === undefined ? text : text.slice(0, precision);
}

function grouped(digits: string, { flags }: Directive): string {
  if (!flags.includes(',')) return digits;
  const [whole = '', fraction] = digits.split('.');
  const marked = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? marked : `${marked}.${fraction}`;
}

function signed(isNegative: boolean, digits: string, directive: Directive): string {
  const { flags } = directive;
  if (isNegative && flags.includes('(')) return `(${zeroFilled('', digits, directive, 2)})`;
  const sign = isNegative ? '-' : flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '';
  return zeroFilled(sign, digits, directive);
}

function zeroFilled(prefix: string, digits: string, directive: Directive, around = 0): string {
  if (!directive.flags.includes('0')) return prefix + digits;
  return prefix + digits.padStart(directive.width - prefix.length - around, '0');
}

function double(value: number, directive: Directive): string {
  const isNegative = value < 0 || Object.is(value, -0);
  if (!Number.isFinite(value))
    return Number.isNaN(value)
      ? 'NaN'
      : signed(isNegative, 'Infinity', { ...directive, flags: '' });
  const size = Math.abs(value);
  const precision = directive.precision ?? 6;
  const { conversion } = directive;
  if (conversion === 'f')
    return signed(isNegative, grouped(fixed(size, precision), directive), directive);
  if (conversion === 'e') return signed(isNegative, scientific(size, precision), directive);
  const digits = Math.max(precision, 1);
  const exponent = size === 0 ? 0 : exponentOf(scientific(size, digits - 1));
  const text =
    size !== 0 && (exponent < -4 || exponent >= digits)
      ? scientific(size, digits - 1)
      : grouped(fixed(size, digits - 1 - exponent), directive);
  return signed(isNegative, text, directive);
}

function exponentOf(text: string): number {
  return Number(text.slice(text.indexOf('e') + 1));
}

/** Shortest digits of a double as a whole number, and the power of ten it is to be multiplied with. */
function decimalOf(size: number): { readonly digits: bigint; readonly power: number } {
  const [mantissa = '0', exponent = '0'] = size.toExponential().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  return { digits: BigInt(whole + fraction), power: Number(exponent) - fraction.length };
}

/** `places` digits after the point; halves of the shortest decimal form are rounded up. */
function fixed(size: number, places: number): string {
  const { digits, power } = decimalOf(size);
  const shift = power + places;
  const scaled = shift >= 0 ? digits * 10n ** BigInt(shift) : halfUp(digits, -shift);
  const text = String(scaled).padStart(places + 1, '0');
  return places === 0 ? text : `${text.slice(0, -places)}.${text.slice(-places)}`;
}

function halfUp(digits: bigint, places: number): bigint {
  const unit = 10n ** BigInt(places);
  return (digits + unit / 2n) / unit;
}

function scientific(size: number, places: number): string {
  const { digits, power } = decimalOf(size);
  let exponent = size === 0 ? 0 : power + String(digits).length - 1;
  const drop = String(digits).length - 1 - places;
  let kept = String(drop > 0 ? halfUp(digits, drop) : digits * 10n ** BigInt(-drop));
  if (size === 0) kept = '0'.repeat(places + 1);
  if (kept.length > places + 1) {
    kept = kept.slice(0, -1);
    exponent++;
  }
  const sign = exponent < 0 ? '-' : '+';
  const point = places === 0 ? '' : '.';
  return `${kept.charAt(0)}${point}${kept.slice(1)}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`;
}
