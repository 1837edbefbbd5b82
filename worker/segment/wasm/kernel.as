// What the segment reader and writer have in WebAssembly, as one module: blocks are looked at where they were unpacked. Compiled by
// build.ts into ../generated/kernel.ts.

export { INPUT, INPUT_MAX, OUTPUT, OUTPUT_MAX, SLOTS, SLOTS_MAX, SUMS, SUMS_MAX } from './layout';
export { compress, compressSmall, decompress } from './lz4';
export {
  addInts,
  addLongs,
  greatestOf16,
  greatestOf8,
  intBits,
  longBits,
  narrow,
  sum,
  sumMasked,
} from './numbers';
