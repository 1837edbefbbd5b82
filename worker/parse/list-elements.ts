// Elements of a JSON list as Druid stores them in a string dimension. Lists are rare and short, so they go through
// JSON.parse; the source text of numbers keeps long integers exact.

import { javaDouble } from './number-text.ts';

/** The texts of a list, null for null; undefined when it holds lists or objects. `text` is valid JSON. */
export function listElements(text: string): readonly (string | null)[] | undefined {
  const out: (string | null)[] = [];
  let isFlat = true;
  JSON.parse(text, (key: string, value: unknown, context?: { source?: string }) => {
    if (key === '') return value;
    if (value === null) out.push(null);
    else if (typeof value === 'number') out.push(numberText(value, context?.source));
    else if (typeof value === 'string' || typeof value === 'boolean') out.push(String(value));
    else isFlat = false;
    return value;
  });
  return isFlat ? out : undefined;
}

function numberText(value: number, source: string | undefined): string {
  const text = source ?? String(value);
  return /^-?\d+$/.test(text) ? text : javaDouble(value);
}
