import { expect, test } from 'vitest';
import { BlockCache, cachedBlocks, type ReadContext } from './block-cache.ts';

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
