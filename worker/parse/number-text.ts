// Numbers between text and binary, the way Java does it, since Druid stores what Java prints: a JSON 1.0 in a
// string dimension is "1.0", 1e3 is "1000.0". Slow paths only; the scanner handles plain numbers itself.

/** Reads a long: an optional sign and digits, fractions cut off as Druid does. Undefined when not a number or out of range. */
export function parseLong(text: string): bigint | undefined {
  const trimmed = text.trim().replaceAll(',', '');
  if (/^[+-]?\d{1,25}$/.test(trimmed)) {
    const value = BigInt(trimmed.startsWith('+') ? trimmed.slice(1) : trimmed);
    return value === BigInt.asIntN(64, value) ? value : undefined;
  }
  const double = parseDouble(trimmed);
  if (double === undefined || !Number.isFinite(double) || Math.abs(double) >= 2 ** 63)
    return undefined;
  return BigInt(Math.trunc(double));
}

/** Reads a decimal number. Undefined when it is none or overflows to infinity; `NaN` and `Infinity` words are refused. */
export function parseDouble(text: string): number | undefined {
  const trimmed = text.trim().replaceAll(',', '');
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(trimmed)) return undefined;
  const value = Number(trimmed);
  return Number.isFinite(value) ? value : undefined;
}

/** `Double.toString` of Java: at least one decimal, exponent form from 1e7 up and below 1e-3. */
export function javaDouble(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity';
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const magnitude = Math.abs(value);
  if (magnitude >= 1e-3 && magnitude < 1e7) {
    const plain = value.toString();
    return plain.includes('.') ? plain : `${plain}.0`;
  }
  const [mantissa = '', exponent = '0'] = value.toExponential().split('e');
  return `${mantissa.includes('.') ? mantissa : `${mantissa}.0`}E${Number(exponent)}`;
}
