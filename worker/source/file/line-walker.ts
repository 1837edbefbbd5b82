// Walks sets of lines: each line is a record whose offset is the position of its first byte in the text. Empty
// lines are no records.

import type { RecordWalker } from '../walker.ts';
import { growSlices } from '../walker.ts';

const NEWLINE = 10;
const RETURN = 13;
// Lines of a hundred bytes or more are the rule; a set of shorter ones makes the arrays grow once.
const GUESSED_LINE_BYTES = 128;

/** A walker of `lines` sets. */
export function createLineWalker(): RecordWalker {
  return {
    walk({ bytes, fromOffset }, out) {
      growSlices(out, Math.ceil(bytes.length / GUESSED_LINE_BYTES));
      out.bytes = bytes;
      out.count = 0;
      let n = 0;
      // A byte-order mark at the start of a file is no part of its first line.
      let at =
        fromOffset === 0 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
      while (at < bytes.length) {
        const newline = bytes.indexOf(NEWLINE, at);
        const next = newline < 0 ? bytes.length : newline + 1;
        let end = newline < 0 ? bytes.length : newline;
        if (end > at && bytes[end - 1] === RETURN) end--;
        if (end > at) {
          growSlices(out, n + 1);
          out.starts[n] = at;
          out.ends[n] = end;
          out.offsets[n] = fromOffset + at;
          out.timestampsMs[n] = NaN;
          n++;
        }
        at = next;
      }
      out.count = n;
    },
  };
}
