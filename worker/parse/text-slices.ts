// Arrays of text slices and their growth. Used by the field reader for dimensions and list elements.

import type { TextSlices } from '../view/fields.ts';

/** Empty slices for `size` texts. */
export function textSlices(size: number): TextSlices {
  return {
    source: new Uint8Array(size),
    start: new Int32Array(size),
    end: new Int32Array(size),
    hash: new Int32Array(size),
  };
}

/** A copy with room for `size` texts. */
export function grownSlices(slices: TextSlices, size: number): TextSlices {
  const bigger = textSlices(size);
  bigger.source.set(slices.source);
  bigger.start.set(slices.start);
  bigger.end.set(slices.end);
  bigger.hash.set(slices.hash);
  return bigger;
}
