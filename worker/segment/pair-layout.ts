// The layout of columns of pairs of numbers (first and last metrics), which is not that of other complex columns:
// cells in LZ4 blocks, times as distances from the least. Read by pair-column.ts, written by pair-writer.ts.
// Little-endian, unlike all other framing. Source: worked out from segments that Druid 37 wrote.
//
//   column  = u8 03, u8 flags (80 = 32-bit distances), u16 0, i64 least time, store of starts, store of cells
//   store   = i32 bytes after this field, i32 bytes of block ends, i32 start of each block and the end of the last,
//             i32 bytes of blocks, LZ4 blocks of 65536 bytes (the last one shorter)
//   starts  = i64 * (rows + 1), the place of each cell and the end of the last
//   cell    = nothing (null pair) | i32 or i64 distance, u8 01 (a time without a value)
//             | i32 or i64 distance, u8 00, i64 | f64 | f32          old writers leave the u8 out

/** First byte of the layout. */
export const PAIR_VERSION = 3;
/** Distances are 32-bit. */
export const SHORT_DISTANCES = 0x80;
/** Bytes of a block before compression. */
export const STORE_BLOCK_BYTES = 65_536;

/** Bytes of a value by Druid's name of the column type. */
export const PAIR_VALUE_BYTES: Readonly<Record<string, number>> = {
  serializablePairLongLong: 8,
  serializablePairLongDouble: 8,
  serializablePairLongFloat: 4,
};
