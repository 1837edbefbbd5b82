// Text -> a numeric target: two 32-bit halves of a long, or a double. Part of the field reader.

import type { TargetType } from '../view/fields.ts';
import { parseDouble, parseLong } from './number-text.ts';

/** Puts the number that the text is at index `i`; false when it is none of the type. */
export function putNumber(
  text: string,
  type: TargetType,
  low: Int32Array,
  high: Int32Array,
  double: Float64Array,
  i: number,
): boolean {
  if (type === 'long') {
    const value = parseLong(text);
    if (value === undefined) return false;
    low[i] = Number(BigInt.asIntN(32, value));
    high[i] = Number(value >> 32n);
    return true;
  }
  const value = parseDouble(text);
  if (value === undefined || (type === 'float' && !Number.isFinite(Math.fround(value))))
    return false;
  double[i] = type === 'float' ? Math.fround(value) : value;
  return true;
}
