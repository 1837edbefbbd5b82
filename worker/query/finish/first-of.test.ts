// The nth least value, against sorting.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { nthLeast } from './first-of.ts';

it('gives what a sorted list has at that place', () => {
  const value = fc.oneof(fc.integer({ min: -5, max: 5 }), fc.double({ noNaN: true }));
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 80 }), fc.nat(79), (values, at) => {
      const n = (at % values.length) + 1;
      const sorted = Float64Array.from(values).sort();
      expect(nthLeast(Float64Array.from(values), n) === sorted[n - 1]).toBe(true);
    }),
  );
});
