// Hashes of wanted objects: equal for equal content whatever the order of its keys, so that nothing is rolled or written
// because a map was built another way. No clock and no counter goes in. Source: operator.md B4.

import { createHash } from 'node:crypto';

/** JSON with keys in order; `undefined` members are absent. */
export function stableText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => stableText(item ?? null)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${stableText(member)}`);
  return `{${members.join(',')}}`;
}

/** Ten hex digits: enough to tell the few versions of one object apart, short enough for names. */
export function contentHash(value: unknown): string {
  return createHash('sha256').update(stableText(value)).digest('hex').slice(0, 10);
}
