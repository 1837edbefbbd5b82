// Whether an object already is as wanted, so that no request is sent when nothing changed. Defaults that the server
// added and fields of others do not count; quantities are compared by amount. Used by writer.ts.

/** True when everything that `wanted` says holds in `actual`. Lists are compared element by element. */
export function isSatisfied(wanted: unknown, actual: unknown): boolean {
  if (wanted === undefined) return true;
  if (Array.isArray(wanted)) {
    return (
      Array.isArray(actual) &&
      wanted.length === actual.length &&
      wanted.every((item, i) => isSatisfied(item, actual[i]))
    );
  }
  if (typeof wanted === 'object' && wanted !== null) {
    if (typeof actual !== 'object' || actual === null) return Object.keys(wanted).length === 0;
    return Object.entries(wanted).every(([key, value]) =>
      isSatisfied(value, Reflect.get(actual, key)),
    );
  }
  return wanted === actual || isSameQuantity(wanted, actual);
}

const UNITS: Readonly<Record<string, number>> = {
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** `1000m` and `1`: the server writes amounts its own way. */
function isSameQuantity(a: unknown, b: unknown): boolean {
  const left = amountOf(a);
  return left !== undefined && left === amountOf(b);
}

function amountOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  const match = typeof value === 'string' ? /^(\d+(?:\.\d+)?)([A-Za-z]{0,2})$/.exec(value) : null;
  const unit = match === null ? undefined : UNITS[match[2] ?? ''];
  return unit === undefined ? undefined : Number(match?.[1]) * unit;
}
