// Concise bitmaps, the default of old releases; concise-writer.ts writes them. Fed by bitmap columns.
// Source: druid-segment-format.md 2.2.5.
//
//   bitmap  = i32 word*                        big-endian; a word covers groups of 31 rows, from row 0
//   literal = 1, 31 rows (low bit first)
//   fill    = 0, bit (0 or 1), 5 bits f, 25 bits groups - 1      f > 0: bit f-1 of the first group is the opposite

import type { Place } from './place.ts';
import { type BitmapReader, setRange } from './roaring-reader.ts';

const GROUP = 31;

/** Calls `run` with each range of set rows, ends inclusive, ascending. */
function eachRun(
  bytes: Uint8Array,
  place: Place,
  offset: number,
  run: (first: number, last: number) => void,
): void {
  if (bytes.length % 4 !== 0)
    throw place.corrupt(offset, `a concise bitmap of ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let row = 0;
  for (let p = 0; p < bytes.length; p += 4) {
    const word = view.getInt32(p);
    if (word < 0) {
      for (let bit = 0; bit < GROUP; bit++) {
        if (((word >>> bit) & 1) === 1) run(row + bit, row + bit);
      }
      row += GROUP;
      continue;
    }
    const rows = ((word & 0x1ffffff) + 1) * GROUP;
    const flipped = ((word >>> 25) & 31) - 1;
    if ((word & 0x40000000) === 0) {
      if (flipped >= 0) run(row + flipped, row + flipped);
    } else if (flipped < 0) {
      run(row, row + rows - 1);
    } else {
      if (flipped > 0) run(row, row + flipped - 1);
      if (flipped < rows - 1) run(row + flipped + 1, row + rows - 1);
    }
    row += rows;
  }
}

/** The concise codec. */
export const conciseReader: BitmapReader = {
  or(bytes, words, rows, place, offset) {
    eachRun(bytes, place, offset, (first, last) => {
      // A fill of ones may run past the last row to the end of its group.
      if (first >= rows || last - rows >= GROUP) {
        throw place.corrupt(offset, `rows ${first} to ${last} of ${rows}`);
      }
      setRange(words, first, Math.min(last, rows - 1));
    });
  },
  count(bytes, place, offset) {
    let count = 0;
    eachRun(bytes, place, offset, (first, last) => {
      count += last - first + 1;
    });
    return count;
  },
};
