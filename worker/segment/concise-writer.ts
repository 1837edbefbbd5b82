// Writes concise bitmaps from ascending rows: literals, and fills that take a single differing bit with them.
// Source: druid-segment-format.md 2.2.5; the grammar stands in concise-reader.ts.

const GROUP = 31;
const LITERAL = 0x80000000 | 0;
const ONES = -1;
const ONES_FILL = 0x40000000;
/** A fill of so many groups less one is the longest. */
const FILL_MAX = 0x1ffffff;

let words = new Int32Array(1 << 10);
let used = 0;

/**
 * The bytes of the bitmap of `rows[from..to)`: ascending, distinct, at least one. Trailing zeros are cut.
 *
 * @returns valid until the next call
 */
export function conciseBytes(rows: Int32Array, from: number, to: number): Uint8Array {
  used = 0;
  let group = Math.floor(rows[from]! / GROUP);
  addZeros(group);
  let bits = 0;
  for (let i = from; i < to; i++) {
    const row = rows[i]!;
    const next = Math.floor(row / GROUP);
    if (next !== group) {
      addLiteral(bits | LITERAL);
      addZeros(next - group - 1);
      group = next;
      bits = 0;
    }
    bits |= 1 << (row - group * GROUP);
  }
  addLiteral(bits | LITERAL);
  return bigEndian();
}

function push(word: number): void {
  if (used === words.length) {
    const grown = new Int32Array(2 * used);
    grown.set(words);
    words = grown;
  }
  words[used++] = word;
}

const isOneBit = (bits: number): boolean => bits !== 0 && (bits & (bits - 1)) === 0;
const placeOf = (bit: number): number => (32 - Math.clz32(bit)) << 25;

function addZeros(groups: number): void {
  let left = groups;
  if (left === 0) return;
  const last = used === 0 ? 0 : words[used - 1]!;
  // A literal of one bit becomes the first group of the fill.
  if (last < 0 && isOneBit(last & ~LITERAL)) {
    const n = Math.min(left, FILL_MAX);
    words[used - 1] = placeOf(last & ~LITERAL) | n;
    left -= n;
  }
  for (; left > 0; left -= Math.min(left, FILL_MAX + 1)) push(Math.min(left, FILL_MAX + 1) - 1);
}

function addLiteral(word: number): void {
  const last = used === 0 ? 0 : words[used - 1]!;
  if (word !== ONES || used === 0) push(word);
  else if (last === ONES) words[used - 1] = ONES_FILL | 1;
  else if (last < 0 && isOneBit(~last)) words[used - 1] = ONES_FILL | placeOf(~last) | 1;
  else if (last > 0 && (last & ONES_FILL) !== 0 && (last & FILL_MAX) < FILL_MAX) words[used - 1]!++;
  else push(word);
}

function bigEndian(): Uint8Array {
  const out = Buffer.from(words.buffer.slice(0, 4 * used));
  out.swap32();
  return out;
}
