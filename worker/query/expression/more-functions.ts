// IPv4 addresses, readable sizes, Java's format, and the bits of doubles. Source: druid-query-api.md 9.3; compared with
// Druid (see more-functions.test.ts).

import { invalid } from '../parse/fields.ts';
import { doubleOf, longOf, textOf, type Value } from '../value.ts';
import type { ValueFunction } from './function.ts';
import { javaFormat } from './java-format.ts';

const ADDRESS_MAX = 0xffff_ffffn;

/** The function of a name, undefined when it is none of these. `constants` are the arguments as far as constant. */
export function moreFunction(
  name: string,
  constants: readonly (Value | undefined)[],
): ValueFunction | undefined {
  switch (name) {
    case 'format':
      return ([format = null, ...args]) =>
        format === null ? null : javaFormat(textOf(format) ?? '', args);
    case 'ipv4_match':
      return ipv4Match(constants[1]);
    case 'ipv4_parse':
      return ([value = null]) => addressOf(value);
    case 'ipv4_stringify':
      return ([value = null]) => {
        const address = addressOf(value);
        if (address === null) return null;
        return typeof value === 'string' ? value : addressText(address);
      };
    case 'human_readable_binary_byte_format':
      return readable(1024, 'iB', 'B', constants[1]);
    case 'human_readable_decimal_byte_format':
      return readable(1000, 'B', 'B', constants[1]);
    case 'human_readable_decimal_format':
      return readable(1000, '', '', constants[1]);
    case 'bitwiseconvertdoubletolongbits':
      return ([value = null]) => bits(doubleOf(value));
    case 'bitwiseconvertlongbitstodouble':
      return ([value = null]) => doubleOfBits(longOf(value));
    case 'decode_base64_utf8':
      return ([value = null]) => decoded(textOf(value));
    default:
      return undefined;
  }
}

/** A dotted text, or a number that is an address; anything else is null. */
function addressOf(value: Value): bigint | null {
  if (typeof value === 'bigint') return value >= 0n && value <= ADDRESS_MAX ? value : null;
  if (typeof value !== 'string') return null;
  const parts = value.trim().split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256))
    return null;
  return parts.reduce((sum, part) => sum * 256n + BigInt(part), 0n);
}

function addressText(address: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => String((address >> shift) & 255n)).join('.');
}

/** @throws Failure `input` QueryInvalid when the subnet is no constant or no subnet */
function ipv4Match(subnet: Value | undefined): ValueFunction {
  const [base = '', bits = ''] = typeof subnet === 'string' ? subnet.split('/') : [];
  const start = addressOf(base);
  if (start === null || !/^\d{1,2}$/.test(bits) || Number(bits) > 32)
    throw invalid(
      `expression: ipv4_match takes a subnet such as '10.0.0.0/8' as a constant, got '${String(subnet)}'`,
    );
  const shift = BigInt(32 - Number(bits));
  return ([value = null]) => {
    const address = addressOf(value);
    return address !== null && address >> shift === start >> shift ? 1n : 0n;
  };
}

/** `1.43 MiB`. `plain` = what follows a number below the first unit. */
function readable(
  base: number,
  unit: string,
  plain: string,
  precision: Value | undefined,
): ValueFunction {
  const places = precision === undefined ? 2n : longOf(precision);
  if (places === null || places < 0n || places > 3n)
    throw invalid('expression: the precision of human_readable functions is 0 to 3');
  return ([value = null]) => {
    const long = longOf(value);
    if (long === null) return null;
    const size = long < 0n ? -long : long;
    if (size < BigInt(base)) return plain === '' ? String(long) : `${long} ${plain}`;
    let power = 0;
    while (size >= BigInt(base) ** BigInt(power + 1)) power++;
    const shown = javaFormat(`%.${places}f`, [Number(long) / base ** power]);
    return `${shown} ${'KMGTPE'.charAt(power - 1)}${unit}`;
  };
}

function decoded(text: string | null): Value {
  if (text === null) return null;
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text))
    throw invalid(`expression: decode_base64_utf8: '${text.slice(0, 40)}' is not base64`);
  return Buffer.from(text, 'base64').toString('utf8');
}

function bits(value: number | null): Value {
  if (value === null) return null;
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return view.getBigInt64(0);
}

function doubleOfBits(value: bigint | null): Value {
  if (value === null) return null;
  const view = new DataView(new ArrayBuffer(8));
  view.setBigInt64(0, value);
  return view.getFloat64(0);
}
