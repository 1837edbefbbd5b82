// The values a query computes with, and their text forms. Fed by columns, expressions and sketches; feeds
// grouping, ordering and the JSON writer. LONG is a bigint and DOUBLE/FLOAT a number, so the JavaScript type
// alone says how a value prints.

/** One value: null, STRING, DOUBLE or FLOAT, LONG, a list, or the bytes of a sketch. */
export type Value = null | string | number | bigint | readonly Value[] | Uint8Array;

/** Output types of dimensions, virtual columns and aggregators. */
export const OUTPUT_TYPES = ['STRING', 'LONG', 'DOUBLE', 'FLOAT'] as const;
/** One of {@link OUTPUT_TYPES}. */
export type OutputType = (typeof OUTPUT_TYPES)[number];

const MIN_LONG = -(2n ** 63n);
const MAX_LONG = 2n ** 63n - 1n;
const DECIMAL_LONG = /^[+-]?\d{1,20}$/;
const DECIMAL_NUMBER = /^[+-]?(?:NaN|Infinity|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[fFdD]?)$/;

/** A decimal 64-bit integer, or null when the text is not one. Never rounds. */
export function longOfText(text: string): bigint | null {
  if (!DECIMAL_LONG.test(text)) return null;
  const value = BigInt(text.startsWith('+') ? text.slice(1) : text);
  return value < MIN_LONG || value > MAX_LONG ? null : value;
}

/** Like {@link longOfText}, and whole decimals such as `5.0` or `1e3` too. Source: druid-query-api.md 7. */
export function exactLongOfText(text: string): bigint | null {
  const long = longOfText(text);
  if (long !== null) return long;
  const double = doubleOfText(text);
  return double !== null && Number.isSafeInteger(double) ? BigInt(double) : null;
}

/** A decimal number as Java reads it (`1.`, `.5`, `1e3`, `NaN`, `2d`), or null. */
export function doubleOfText(text: string): number | null {
  if (!DECIMAL_NUMBER.test(text)) return null;
  return Number(/[fFdD]$/.test(text) ? text.slice(0, -1) : text);
}

/** Text of a double exactly as `Double.toString` prints it: `539.0`, `9.11526338E8`, `NaN`. */
export function doubleText(value: number): string {
  return javaText(value, String(value), value.toExponential());
}

/** Text of a float: the fewest digits that read back as the same 32-bit float. */
export function floatText(value: number): string {
  if (!Number.isFinite(value) || value === 0) return doubleText(value);
  for (let digits = 1; digits < 10; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return doubleText(short);
  }
  return doubleText(value);
}

function javaText(value: number, plain: string, exponential: string): string {
  const size = Math.abs(value);
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  if (!Number.isFinite(value)) return plain;
  if (size >= 1e-3 && size < 1e7) return plain.includes('.') ? plain : `${plain}.0`;
  const [mantissa = '', exponent = ''] = exponential.split('e');
  return `${mantissa.includes('.') ? mantissa : `${mantissa}.0`}E${exponent.replace('+', '')}`;
}

/** A value as a string column would hold it; null stays null, lists join with a comma. */
export function textOf(value: Value): string | null {
  if (value === null || typeof value === 'string') return value;
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number') return doubleText(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  return value.map((item) => textOf(item) ?? 'null').join(',');
}

/** A value as LONG: doubles are cut towards zero, unreadable text is null. */
export function longOf(value: Value): bigint | null {
  if (value === null || typeof value === 'bigint') return value;
  if (typeof value === 'number') return longOfDouble(value);
  if (typeof value !== 'string') return null;
  const long = longOfText(value);
  if (long !== null) return long;
  const double = doubleOfText(value);
  return double === null ? null : longOfDouble(double);
}

/** Java's `(long) d`: cut towards zero, saturated, NaN is 0. */
function longOfDouble(value: number): bigint {
  if (Number.isNaN(value)) return 0n;
  if (value >= 2 ** 63) return MAX_LONG;
  if (value <= -(2 ** 63)) return MIN_LONG;
  return BigInt(Math.trunc(value));
}

/** A value as DOUBLE; unreadable text is null. */
export function doubleOf(value: Value): number | null {
  if (value === null || typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  return typeof value === 'string' ? doubleOfText(value) : null;
}

/** Converts to an output type; what cannot be converted is null. */
export function convert(value: Value, type: OutputType): Value {
  switch (type) {
    case 'STRING':
      return typeof value === 'object' && value !== null ? value : textOf(value);
    case 'LONG':
      return longOf(value);
    case 'DOUBLE':
      return doubleOf(value);
    case 'FLOAT': {
      const double = doubleOf(value);
      return double === null ? null : Math.fround(double);
    }
  }
}

/** {@link convert} of each value of a list; of the value itself when it is none. */
export function convertItems(value: Value, type: OutputType): Value {
  return Array.isArray(value)
    ? value.map((item: Value) => convert(item, type))
    : convert(value, type);
}

/** Strings by UTF-16 code unit, as Druid's dictionaries are sorted. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Doubles as Java's `Double.compare`: -0.0 before 0.0, NaN last. */
export function compareDoubles(a: number, b: number): number {
  if (a < b) return -1;
  if (a > b) return 1;
  if (a === b) return a !== 0 || Object.is(a, b) ? 0 : Object.is(a, -0) ? -1 : 1;
  return Number.isNaN(a) ? (Number.isNaN(b) ? 0 : 1) : -1;
}

/** Natural order of two values of one type; null first, numbers before text. */
export function compareValues(a: Value, b: Value): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? -1 : 1;
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
  if (typeof a === 'number' && typeof b === 'number') return compareDoubles(a, b);
  if (Array.isArray(a) && Array.isArray(b)) return compareLists(a, b);
  const isNumeric = (value: Value) => typeof value === 'number' || typeof value === 'bigint';
  if (isNumeric(a) && isNumeric(b)) return a < b ? -1 : a > b ? 1 : 0;
  if (isNumeric(a)) return -1;
  if (isNumeric(b)) return 1;
  return compareText(textOf(a) ?? '', textOf(b) ?? '');
}

/** Element by element; a list comes after what it begins with. */
function compareLists(a: readonly Value[], b: readonly Value[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const order = compareValues(a[i] ?? null, b[i] ?? null);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** Text that differs whenever two values differ, type included; for keys of maps. */
export function identityText(value: Value): string {
  if (value === null) return '|';
  if (typeof value === 'string') return `|s${value.length}:${value}`;
  if (typeof value === 'number') return Object.is(value, -0) ? '|d-0' : `|d${value}`;
  if (Array.isArray(value)) return `|l${value.length}${value.map(identityText).join('')}`;
  return `|${typeof value}${String(value)}`;
}
