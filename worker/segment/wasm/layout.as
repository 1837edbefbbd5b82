// Where things lie in the memory of the kernel. Input and output have 64 bytes of slack behind them, so that whole vectors may be
// copied. What the small form of LZ4 needs lies between OUTPUT and SLOTS (lz4-small.as).

export const INPUT: i32 = 65536;
export const OUTPUT: i32 = 65536 * 4;
export const INPUT_MAX: i32 = 65536 + 1024;
export const OUTPUT_MAX: i32 = 66000;
/** Words of a row mask, or a slot a row: 32 bits each. */
export const SLOTS: i32 = 0x200000;
export const SLOTS_MAX: i32 = 8192;
/** A sum a slot. */
export const SUMS: i32 = 0x210000;
export const SUMS_MAX: i32 = 131072;
/** What is read from a file before it is asked for (read-ahead.ts). */
export const AHEAD: i32 = 0x310000;
export const AHEAD_MAX: i32 = 0x80000;
/** Output of a second block that is unpacked along with the first. */
export const OUTPUT_2: i32 = 0x390000;
