import { expect, test } from 'vitest';
import { BlockCache, cachedBlocks, type CachedBlocks, type ReadContext } from './block-cache.ts';

test('bytes stay within the bound, and blocks in use stay longer', () => {
  const cache = new BlockCache(100);
  const context: ReadContext = { cache, closers: [] };
  const decoded: number[] = [];
  const blocks = cachedBlocks(context, (index) => {
    decoded.push(index);
    return { value: `block ${index}`, bytes: 30 };
  });
  for (const index of [0, 1, 2]) expect(blocks.get(index)).toBe(`block ${index}`);
  expect([blocks.get(0), blocks.get(0), cache.bytes]).toEqual(['block 0', 'block 0', 90]);
  // 3 pushes out 1: 0 was used since it came.
  blocks.get(3);
  expect(cache.bytes).toBe(90);
  blocks.get(0);
  expect(decoded).toEqual([0, 1, 2, 3]);
  blocks.get(1);
  expect(decoded).toEqual([0, 1, 2, 3, 1]);
  for (const close of context.closers) close();
  expect(cache.bytes).toBe(0);
});

test('a block larger than the bound is usable, and not kept', () => {
  const cache = new BlockCache(10);
  const blocks = cachedBlocks({ cache, closers: [] }, () => ({ value: 'large', bytes: 1000 }));
  expect(blocks.get(0)).toBe('large');
  expect(cache.bytes).toBe(0);
});

/** Blocks whose every byte is their number, in memory of the cache. */
function filled(
  cache: BlockCache,
  bytes: number,
): { blocks: CachedBlocks<Uint8Array>; close(): void } {
  const context: ReadContext = { cache, closers: [] };
  const blocks = cachedBlocks<Uint8Array>(context, (index, take) => {
    const value = new Uint8Array(take(bytes)).fill(index);
    return { value, bytes, buffer: value.buffer };
  });
  return { blocks, close: () => context.closers.forEach((close) => close()) };
}

test('a block takes the memory of the one it pushes out, unless that is lent', () => {
  const cache = new BlockCache(100);
  const { blocks } = filled(cache, 40);
  const other = filled(cache, 40).blocks;
  const first = blocks.get(0).buffer;
  const lent = blocks.lend(1);
  expect(blocks.get(2).buffer).toBe(first);
  // Its turn comes while it is lent: it goes, and what is held of it stays as it was.
  for (const index of [3, 4, 5, 6]) other.get(index);
  expect([...lent]).toEqual(Array(40).fill(1));
  for (const index of [3, 4, 5, 6, 1, 2]) {
    expect(blocks.get(index)[39]).toBe(index);
    expect(blocks.get(index).buffer).not.toBe(lent.buffer);
    expect(cache.heldBytes).toBeLessThanOrEqual(100);
  }
});

test('memory of a closed segment is used for the next, within the bound', () => {
  const cache = new BlockCache(800);
  const one = filled(cache, 10);
  const buffers = Array.from({ length: 20 }, (_, index) => one.blocks.get(index).buffer);
  const lent = one.blocks.lend(19).buffer;
  one.close();
  // An eighth is kept: ten blocks.
  expect([cache.bytes, cache.heldBytes]).toEqual([0, 100]);
  const two = filled(cache, 10);
  const reused = Array.from({ length: 20 }, (_, index) => two.blocks.get(index).buffer);
  expect(reused.filter((buffer) => buffers.includes(buffer))).toHaveLength(10);
  expect(reused).not.toContain(lent);
  two.close();
  // Blocks of another size need the room.
  const three = filled(cache, 390);
  for (const index of [0, 1]) three.blocks.get(index);
  expect(cache.heldBytes).toBe(780);
});
