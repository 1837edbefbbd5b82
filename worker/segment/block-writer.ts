// Writes numbers into block containers, block by block. The number of values is known before.
// Source: druid-segment-format.md 2.2.2; the grammar stands in block-container.ts.

import type { ByteWriter } from './byte-writer.ts';
import { compress, type WrittenCompression } from './compression.ts';
import { IndexedWriter } from './indexed-writer.ts';

/** How values become the bytes of a block. */
export interface BlockPacking {
  bytesOf(values: number): number;
  /** Puts values `from .. from+n-1` at the start of the block. */
  pack(from: number, n: number, block: Uint8Array): void;
}

/** Writes `count` values in blocks of `sizePer`. `width`: bytes of a value, 0 when packed; a hint. */
export function writeBlocks(
  out: ByteWriter,
  compression: WrittenCompression,
  shape: { readonly count: number; readonly sizePer: number; readonly width: number },
  packing: BlockPacking,
): void {
  const { count, sizePer } = shape;
  const writer = new IndexedWriter(out, Math.ceil(count / sizePer), false);
  const block = new Uint8Array(packing.bytesOf(sizePer));
  for (let from = 0; from < count; from += sizePer) {
    const n = Math.min(sizePer, count - from);
    packing.pack(from, n, block);
    writer.add(compress(compression, block.subarray(0, packing.bytesOf(n)), shape.width));
  }
  writer.finish();
}
