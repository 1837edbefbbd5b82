import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isFailure } from '../runtime/failure.ts';
import { complexKind } from './complex-kind.ts';
import type { ComplexValue, HashSketch } from './complex-value.ts';
import { QuantilesSketch } from './quantiles-sketch.ts';
import { TimePair } from './time-pair.ts';

// Damaged objects are corrupt or readable; nothing else is thrown, and what is read can be used and written.

const TYPES = [
  { type: 'thetaSketch', size: 64 },
  { type: 'HLLSketchBuild', lgK: 8 },
  { type: 'HLLSketchBuild', lgK: 6, tgtHllType: 'HLL_6' },
  { type: 'HLLSketchBuild', lgK: 6, tgtHllType: 'HLL_8' },
  { type: 'quantilesDoublesSketch', k: 16 },
  { type: 'hyperUnique' },
  { type: 'stringLast' },
  { type: 'longFirst' },
];

function filled(aggregator: (typeof TYPES)[number], n: number): ComplexValue {
  const kind = complexKind(aggregator);
  const value = kind?.make();
  if (kind === undefined || value === undefined) throw new Error(aggregator.type);
  const hash = { low: 0, high: 0 };
  for (let i = 0; i < n; i++) {
    const text = Buffer.from(`value ${i}`);
    if (value instanceof QuantilesSketch) value.add(i);
    else if (value instanceof TimePair) {
      if (value.offer(i)) value.setText(text, 0, text.length);
    } else if (kind.input.kind === 'hashes' && kind.input.hasher.text(text, 0, text.length, hash))
      (value as HashSketch).addHash(hash.low, hash.high);
  }
  return value;
}

const damage = fc.record({
  which: fc.nat(TYPES.length - 1),
  n: fc.constantFrom(0, 1, 5, 20, 200, 2000),
  changes: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
  atHead: fc.boolean(),
  cut: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { freq: 3 }),
});

test('damaged objects are corrupt or readable', () => {
  const whole = TYPES.map(
    (aggregator) =>
      new Map([0, 1, 5, 20, 200, 2000].map((n) => [n, filled(aggregator, n).toBytes()])),
  );
  const found = { corrupt: 0, readable: 0 };
  fc.assert(
    fc.property(damage, ({ which, n, changes, atHead, cut }) => {
      const aggregator = TYPES[which];
      const bytes = Uint8Array.from(whole[which]?.get(n) ?? []);
      for (const [at, byte] of changes)
        bytes[at % Math.max(1, atHead ? Math.min(40, bytes.length) : bytes.length)] = byte;
      const kept = cut === null ? bytes : bytes.subarray(0, Math.floor(bytes.length * cut));
      const target = filled(aggregator ?? { type: '' }, 10);
      try {
        target.foldBytes(kept);
      } catch (error) {
        if (!isFailure(error, 'corrupt')) throw error;
        found.corrupt++;
        return;
      }
      if ('estimate' in target) (target as HashSketch).estimate();
      if (target instanceof QuantilesSketch) target.sorted();
      const again = filled(aggregator ?? { type: '' }, 0);
      again.foldBytes(target.toBytes());
      expect(again.toBytes().length).toBeGreaterThan(0);
      found.readable++;
    }),
    { numRuns: 4000, seed: 20_241_128 },
  );
  expect(found.corrupt).toBeGreaterThan(500);
  expect(found.readable).toBeGreaterThan(500);
});
