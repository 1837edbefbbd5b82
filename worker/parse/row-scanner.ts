// The scanner as the fast ways through a row see it: a cursor with the slots of a row's values.

import type { JsonCursor } from './json-cursor.ts';

/** Implemented by the JSON scanner. */
export interface RowScanner extends JsonCursor {
  kind: Uint8Array;
  start: Int32Array;
  end: Int32Array;
  hash: Int32Array;
  number: Float64Array;
  /** Reads any value at `p` into the slot, the general way. */
  valueAt(p: number, slot: number): boolean;
}
