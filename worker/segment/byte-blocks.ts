// A long run of bytes in compressed blocks of 64 KiB, unpacked when first asked for: values of any length lie across
// them. Fed by pair-column.ts and compressed-objects.ts, which read its head.

import { cachedBlocks, type CachedBlocks, type ReadContext } from './block-cache.ts';
import { BLOCK_BYTES_MAX, type Compression, decompress } from './compression.ts';
import type { InternalFile } from './internal-file.ts';

/** The most bytes a compressed block may have. */
const COMPRESSED_MAX = BLOCK_BYTES_MAX + 1024;

/** What a head says. */
export interface ByteBlocksHead {
  readonly file: InternalFile;
  readonly compression: Compression;
  /** Start of each block and end of the last, relative to `blocksAt`. */
  readonly bounds: Int32Array;
  readonly blocksAt: number;
}

/** @throws Failure `corrupt` unless bounds rise, each by no more than a block may have, to at most `bytes` */
export function checkBounds(
  { file, bounds }: Pick<ByteBlocksHead, 'file' | 'bounds'>,
  bytes: number,
  boundsAt: number,
): void {
  bounds.forEach((bound, i) => {
    const before = bounds[i - 1] ?? 0;
    if (bound < before || bound > bytes || bound - before > COMPRESSED_MAX)
      throw file.corrupt(boundsAt + 4 * i, `bound ${i} of the blocks is ${bound}`);
  });
}

/** Bytes by position. */
export class ByteBlocks {
  readonly #blocks: CachedBlocks<Uint8Array>;

  /** @throws Failure `corrupt` unless there are as many blocks as `total` bytes need */
  constructor(head: ByteBlocksHead, total: number, context: ReadContext) {
    const { file, compression, bounds, blocksAt } = head;
    const expected = Math.ceil(total / BLOCK_BYTES_MAX);
    if (bounds.length - 1 !== expected)
      throw file.corrupt(blocksAt, `${bounds.length - 1} blocks for ${total} bytes`);
    this.#blocks = cachedBlocks(context, (index, take) => {
      const from = bounds[index] ?? 0;
      const at = blocksAt + from;
      const out = new Uint8Array(take(Math.min(BLOCK_BYTES_MAX, total - index * BLOCK_BYTES_MAX)));
      decompress(compression, file.read(at, (bounds[index + 1] ?? from) - from), out, file, at);
      return { value: out, bytes: out.length, buffer: out.buffer };
    });
  }

  /** The bytes `from .. from+count-1`, which the caller knows to exist, to the start of `out`. */
  copy(from: number, count: number, out: Uint8Array): void {
    let done = 0;
    while (done < count) {
      const index = Math.floor((from + done) / BLOCK_BYTES_MAX);
      const at = from + done - index * BLOCK_BYTES_MAX;
      const some = Math.min(count - done, BLOCK_BYTES_MAX - at);
      const block = this.#blocks.get(index);
      // Most runs are short: a loop is quicker than a view and a copy.
      if (some <= 32) for (let i = 0; i < some; i++) out[done + i] = block[at + i]!;
      else out.set(block.subarray(at, at + some), done);
      done += some;
    }
  }
}
