import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { HyperUnique } from './hyper-unique.ts';
import { hashBytes } from './hyper-unique-hash.ts';
import { murmur3 } from './murmur3.ts';

// Vectors of druid-segment-format.md 6.6, all confirmed by Druid 37.

function sketchOf(values: readonly string[]): HyperUnique {
  const sketch = new HyperUnique();
  for (const value of values) sketch.addHash(hashBytes(Buffer.from(value)));
  return sketch;
}

const numbered = (n: number): string[] => Array.from({ length: n }, (_, i) => `v${i}`);
const sha = (bytes: Uint8Array): string =>
  createHash('sha256').update(bytes).digest('hex').slice(0, 16);

test('murmur3 hashes as the reference does', () => {
  const out = { h1Low: 0, h1High: 0, h2Low: 0, h2High: 0 };
  const bytes = Buffer.from('The quick brown fox jumps over the lazy dog');
  murmur3(bytes, bytes.length, out);
  const hash = Buffer.alloc(16);
  [out.h1Low, out.h1High, out.h2Low, out.h2High].forEach((word, i) =>
    hash.writeInt32LE(word, i * 4),
  );
  expect(hash.toString('hex')).toBe('6c1b07bc7bbc4be347939ac4a93c437a');
});

describe('hyperUnique objects', () => {
  test.each([
    ['forbidden', ['forbidden'], '01000001000000' + '02c504', 1.0002442201269182],
    ['two values', ['foo', 'bar'], '01000002000000' + '039930' + '03c610', 2.000977198748901],
    ['none', [], '01000000000000', 0],
    ['the empty string', [''], '01000000400000', 0],
  ])('%s has the bytes and estimate of Druid', (_name, values, hex, estimate) => {
    const sketch = sketchOf(values);
    expect(Buffer.from(sketch.toBytes()).toString('hex')).toBe(hex);
    expect(sketch.estimate()).toBe(estimate);
  });

  test.each([
    [127, '661f122d3b7e7680', 126.84849036802827],
    [200, 'f7ba22d6621f095b', 201.60526912154114],
    [20_000, 'c3e72bcf20a726d5', 19463.9027188036],
    [100_000, '29fdcad348336888', 95977.26649432443],
  ])('%i values have the bytes and estimate of Druid', (n, digest, estimate) => {
    const sketch = sketchOf(numbered(n));
    expect(sha(sketch.toBytes())).toBe(digest);
    expect(sketch.estimate()).toBe(estimate);
  });

  test('folding pieces gives the bytes of adding all values', () => {
    for (const n of [3, 127, 5000, 60_000]) {
      const values = numbered(n);
      const third = Math.ceil(n / 3);
      const whole = new HyperUnique();
      for (let i = 0; i < n; i += third)
        whole.foldBytes(sketchOf(values.slice(i, i + third)).toBytes());
      expect(whole.estimate()).toBe(sketchOf(values).estimate());
      expect(Buffer.from(whole.toBytes()).equals(sketchOf(values).toBytes())).toBe(true);
    }
  });

  test('stored bytes fold as the sketch itself does, entries and registers, into any offset', () => {
    for (const into of [0, 1, 90, 3000, 40_000, 200_000]) {
      for (const n of [1, 2, 60, 127, 128, 5000, 50_000]) {
        const values = Array.from({ length: n }, (_, i) => `w${into}-${i}`);
        const [stored, itself] = [sketchOf(numbered(into)), sketchOf(numbered(into))];
        stored.foldBytes(sketchOf(values).toBytes());
        itself.fold(sketchOf(values));
        expect(Buffer.from(stored.toBytes()).equals(itself.toBytes())).toBe(true);
      }
    }
  });

  test('bytes that are no sketch are corrupt', () => {
    // Entries beyond the registers, and more of them than are said to be set.
    for (const hex of ['01000001000000' + '040801', '01000001000000' + '000801' + '000901'])
      expect(() => new HyperUnique().foldBytes(Buffer.from(hex, 'hex'))).toThrow(/hyperUnique/);
    expect(() => new HyperUnique().foldBytes(new Uint8Array(8))).toThrow(
      /hyperUnique object at byte 0: 8 bytes/,
    );
  });
});
