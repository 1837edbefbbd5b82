// What the segment reader and writer have in WebAssembly, as one module: blocks are looked at where they were unpacked. Compiled by
// build.ts into ../generated/kernel.ts.

export {
  AHEAD,
  AHEAD_MAX,
  INPUT,
  INPUT_MAX,
  OUTPUT,
  OUTPUT_MAX,
  SLOTS,
  SLOTS_MAX,
  SUMS,
  SUMS_MAX,
} from './layout';
export { compress, compressSmall, decompress } from './lz4';
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
