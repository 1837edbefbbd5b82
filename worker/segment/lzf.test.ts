import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lzfCompress } from './lzf-writer.ts';
import { lzfDecompress } from './lzf.ts';

const block = fc
  .array(
    fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 30 }), fc.integer({ min: 1, max: 900 })),
    { maxLength: 12 },
  )
  .map((parts) =>
    Uint8Array.from(
      parts.flatMap(([bytes, n]) => Array.from({ length: n }, () => [...bytes]).flat()),
    ),
  );

test('streams read back as written, over more than one chunk', () => {
  let checked = 0;
  let stored = 0;
  let large = 0;
  fc.assert(
    fc.property(block, (bytes) => {
      const packed = lzfCompress(bytes).slice();
      expect(packed.length).toBeLessThanOrEqual(
        bytes.length + 5 * Math.ceil(bytes.length / 0xffff),
      );
      const out = new Uint8Array(bytes.length);
      expect(lzfDecompress(packed, out)).toBe(bytes.length);
      expect(Buffer.compare(out, bytes)).toBe(0);
      checked++;
      if (bytes.length > 0xffff) large++;
      if (packed[2] === 0) stored++;
    }),
    {
      numRuns: 150,
      examples: [[Uint8Array.from({ length: 70_000 }, (_, i) => (i * i) >> 7)]],
    },
  );
  expect([checked, stored > 0, large > 0]).toEqual([150, true, true]);
});

test('short and unrepetitive bytes are stored, as Druid stores them', () => {
  const ids = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9);
  expect(Buffer.from(lzfCompress(ids)).toString('hex')).toBe('5a56000009010203040506070809');
});
