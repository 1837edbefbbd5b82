// What the segment reader and writer have in WebAssembly, as one module: blocks are looked at where they were unpacked. Compiled by
// build.ts into ../generated/kernel.ts.

export {
  AHEAD,
  AHEAD_MAX,
  INPUT,
  INPUT_MAX,
  OUTPUT,
  OUTPUT_2,
  OUTPUT_MAX,
  SLOTS,
  SLOTS_MAX,
  SUMS,
  SUMS_MAX,
} from './layout';
export { compress } from './lz4-pack';
export { compressSmall } from './lz4-small';
export { decompress, decompressPair } from './lz4-unpack';
export {
  addInts,
  addLongs,
  areIntsWithin,
  areLongsWithin,
  greatestOf16,
  greatestOf8,
  narrow,
  sum,
  sumMasked,
} from './numbers';
