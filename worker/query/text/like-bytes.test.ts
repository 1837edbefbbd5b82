// LIKE on bytes agrees with LIKE on text.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { likeBytesTest } from './like-bytes.ts';
import { likeTest } from './text-predicate.ts';

it('gives what the test on text gives', () => {
  const char = fc.constantFrom('a', 'b', 'ab', 'é', '東', '😀', '');
  const text = fc.array(char, { maxLength: 6 }).map((chars) => chars.join(''));
  const pattern = fc
    .array(fc.oneof(char, fc.constantFrom('%', '%', '!', '!%')), { maxLength: 6 })
    .map((chars) => chars.join(''));
  const counts = { yes: 0, no: 0 };
  fc.assert(
    fc.property(text, pattern, fc.constantFrom('!', null), (value, like, escape) => {
      const bytes = Buffer.from(`x${value}y`);
      const expected = likeTest(like, escape)(value);
      expect(likeBytesTest(like, escape)?.(bytes, 1, bytes.length - 1)).toBe(expected);
      counts[expected ? 'yes' : 'no']++;
    }),
    { numRuns: 2000 },
  );
  expect(Math.min(counts.yes, counts.no)).toBeGreaterThan(100);
});

it('leaves characters and broken text to the test on text', () => {
  for (const pattern of ['a_', '_', '\ud800%', '%\ufffd'])
    expect(likeBytesTest(pattern, null)).toBe(null);
  expect(likeBytesTest('a!_', '!')).not.toBe(null);
});
