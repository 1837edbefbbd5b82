// From bits to row numbers: what a filter says of a vector becomes the list that aggregators walk. Fed by selection.ts.

/** Rows as bits: bit r & 31 of word r >> 5 is row r, and no bit at or above `end` is set. */
export interface RowMask {
  readonly words: Int32Array;
  readonly end: number;
  /** Bits that are set. */
  readonly count: number;
}

/** Clears the bits outside `low .. high-1`, up to the end of the word of the last. True when any other is set. */
export function cutBits(words: Int32Array, low: number, high: number): boolean {
  words.fill(0, 0, low >> 5);
  if ((low & 31) !== 0) words[low >> 5]! &= -1 << (low & 31);
  const end = high >> 5;
  if ((high & 31) !== 0) words[end]! &= (1 << (high & 31)) - 1;
  let any = 0;
  for (let w = low >> 5; w << 5 < high; w++) any |= words[w]!;
  return any !== 0;
}

/** How many bits are set in the words of rows `0 .. high-1`. */
export function countBits(words: Int32Array, high: number): number {
  let count = 0;
  for (let w = 0; w << 5 < high; w++) count += bitsOf(words[w]!);
  return count;
}

/**
 * Lists the rows `low .. high-1` whose bit is set, ascending, at the start of `rows`, which has room for one more than
 * there can be: that place may be written as well.
 *
 * @param words  bit r & 31 of word r >> 5 is row r; bits outside the run do not count
 * @returns how many there are
 */
export function listRows(words: Int32Array, low: number, high: number, rows: Int32Array): number {
  let count = 0;
  for (let w = low >> 5; w << 5 < high; w++) {
    let word = words[w]!;
    const base = w << 5;
    if (base < low) word &= -1 << (low - base);
    if (base + 32 > high) word &= (1 << (high - base)) - 1;
    count = isDense(word) ? listAll(word, base, rows, count) : listSet(word, base, rows, count);
  }
  return count;
}

/** True when looking at all bits is quicker than looking for the next that is set. */
export function isDense(word: number): boolean {
  return bitsOf(word) >= 10;
}

function bitsOf(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

function listSet(bits: number, base: number, rows: Int32Array, at: number): number {
  let count = at;
  for (let word = bits; word !== 0; word &= word - 1)
    rows[count++] = base + 31 - Math.clz32(word & -word);
  return count;
}

/** Writes each row, and moves on where its bit is set: nothing to guess, but one row too many at the end. */
function listAll(bits: number, base: number, rows: Int32Array, at: number): number {
  let count = at;
  for (let word = bits, row = base; word !== 0; word >>>= 4, row += 4) {
    rows[count] = row;
    count += word & 1;
    rows[count] = row + 1;
    count += (word >>> 1) & 1;
    rows[count] = row + 2;
    count += (word >>> 2) & 1;
    rows[count] = row + 3;
    count += (word >>> 3) & 1;
  }
  return count;
}
