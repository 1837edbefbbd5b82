// JSON text of a query that keeps 64-bit integers exact, both ways. Used where a query is rewritten before it goes to
// another node or thread. Source: druid-query-api.md 3.2.

/** Reviver that keeps the digits of integers a double would round, as bigint. */
export function exactNumbers(
  _key: string,
  value: unknown,
  context?: { readonly source?: string },
): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  const source = context?.source;
  return source !== undefined && /^-?\d+$/.test(source) ? BigInt(source) : value;
}

/** JSON text; a bigint prints as a number. */
export function exactJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'bigint' ? rawNumber(String(item)) : item,
  );
}

// Part of the language since 2024, not yet of the compiler's library.
function rawNumber(text: string): unknown {
  const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };
  return rawJSON(text);
}
