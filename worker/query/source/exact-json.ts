// JSON of a query that keeps 64-bit integers exact, both ways. Used where a query is read, and where it is rewritten
// before it goes to another node or thread. Source: druid-query-api.md 3.2.

/** Digits that may be an integer beyond 2^53. */
const LONG_DIGITS = /\d{16}/;

/** Parses JSON; integers that a double would round become bigint. @throws SyntaxError */
export function parseExactJson(text: string): unknown {
  // A reviver is called for every value: only where one may need it.
  return LONG_DIGITS.test(text) ? JSON.parse(text, exactNumber) : JSON.parse(text);
}

function exactNumber(
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
  try {
    return JSON.stringify(value);
  } catch (error) {
    // There is a bigint in it.
    if (!(error instanceof TypeError)) throw error;
    return JSON.stringify(value, (_key, item: unknown) =>
      typeof item === 'bigint' ? rawNumber(String(item)) : item,
    );
  }
}

// Part of the language since 2024, not yet of the compiler's library.
function rawNumber(text: string): unknown {
  const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };
  return rawJSON(text);
}
