// Writes numbers into block containers, block by block. The number of values is known before.
// Source: druid-segment-format.md 2.2.2; the grammar stands in block-container.ts.

import type { ByteWriter } from './byte-writer.ts';
import { compress, type WrittenCompression } from './compression.ts';
import { IndexedWriter } from './indexed-writer.ts';

/** Writes `count` values of `width` bytes; `fill` puts values `from .. from+n-1` at the start of the block. */
export function writeBlocks(
  out: ByteWriter,
  compression: WrittenCompression,
  shape: { readonly count: number; readonly sizePer: number; readonly width: number },
  fill: (from: number, n: number, block: Uint8Array) => void,
): void {
  const { count, sizePer, width } = shape;
  const writer = new IndexedWriter(out, Math.ceil(count / sizePer), false);
  const block = new Uint8Array(sizePer * width);
  for (let from = 0; from < count; from += sizePer) {
    const n = Math.min(sizePer, count - from);
    fill(from, n, block);
    writer.add(compress(compression, block.subarray(0, n * width)));
  }
  writer.finish();
}
